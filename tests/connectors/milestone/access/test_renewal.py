from __future__ import annotations

import gc
import threading
import weakref

from connectors.milestone.access.renewal import Renewal
from connectors.milestone.access.tokens import Grant, Lease
from core.clock import ManualClock, SystemClock
from tests.connectors.milestone.support import WAIT_S


class Issuer:
    """Gives tokens of a life; a semaphore counts them."""

    def __init__(self, life_s: float) -> None:
        self.life_s = life_s
        self.given = 0
        self.gave = threading.Semaphore(0)

    def __call__(self, _current: str) -> Grant:
        self.given += 1
        self.gave.release()
        return Grant(f"token-{self.given}", self.life_s)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "xprotect-tokens"]


def test_a_step_renews_what_is_due_and_tells_when_the_next_is() -> None:
    clock = ManualClock()
    renewal = Renewal(clock)
    short, long = Issuer(100.0), Issuer(1000.0)
    leases = [renewal.lease(short, share=0.5), renewal.lease(long, share=0.5)]
    assert renewal.step() == 3600.0
    for lease in leases:
        lease.get()
    assert renewal.step() == 45.0
    clock.advance(45.0)
    assert renewal.step() == 45.0
    assert (short.given, long.given) == (2, 1)
    renewal.close()


def test_no_thread_runs_before_the_first_token_nor_after_the_end() -> None:
    before = set(threads())
    renewal = Renewal(ManualClock())
    lease = renewal.lease(Issuer(100.0), share=0.5)
    assert not set(threads()) - before
    lease.get()
    assert len(set(threads()) - before) == 1
    renewal.close()
    renewal.close()
    lease.renew("token-1")
    assert not set(threads()) - before


def test_the_thread_renews_while_nobody_asks() -> None:
    renewal = Renewal(SystemClock())
    issuer = Issuer(0.2)
    lease = renewal.lease(issuer, share=0.5)
    lease.get()
    for _ in range(4):
        assert issuer.gave.acquire(timeout=WAIT_S)
    renewal.close()


def test_a_defect_of_a_login_does_not_end_the_thread() -> None:
    defect = threading.Event()

    def broken(current: str) -> Grant:
        if current:
            defect.set()
            raise RuntimeError("a defect")
        return Grant("token", 0.1)

    before = set(threads())
    renewal = Renewal(SystemClock())
    lease = renewal.lease(broken, share=0.5)
    lease.get()
    assert defect.wait(WAIT_S)
    assert set(threads()) - before
    renewal.close()


def test_an_owner_that_everybody_forgot_takes_its_thread_along() -> None:
    lease: Lease | None = Renewal(ManualClock()).lease(Issuer(100.0), share=0.5)
    assert lease is not None
    before = set(threads())
    lease.get()
    (mine,) = set(threads()) - before
    gone = weakref.ref(lease)
    del lease
    gc.collect()
    assert gone() is None
    mine.join(WAIT_S)
    assert not mine.is_alive()
