from __future__ import annotations

import threading

import pytest

from connectors.milestone.access.tokens import Grant, Lease, RefusalHold
from core.clock import ManualClock
from core.errors import AuthenticationRefused, VmsUnavailable
from tests.connectors.milestone.support import WAIT_S


class Issuer:
    """Counts logins and can be made to fail."""

    def __init__(self, life_s: float = 100.0) -> None:
        self.life_s = life_s
        self.continued: list[str] = []
        self.fails_with: Exception | None = None

    def __call__(self, current: str) -> Grant:
        self.continued.append(current)
        if self.fails_with is not None:
            raise self.fails_with
        return Grant(f"token-{len(self.continued)}", self.life_s)


def test_a_token_is_kept_until_its_share_of_life_is_over_and_then_continued() -> None:
    clock, issuer = ManualClock(), Issuer(life_s=100.0)
    lease = Lease(issuer, clock, share=0.5)
    assert lease.get() == "token-1"
    clock.advance(49.9)
    assert lease.get() == "token-1"
    clock.advance(0.2)
    assert lease.get() == "token-2"
    assert issuer.continued == ["", "token-1"]


def test_a_renewal_that_fails_leaves_the_old_token_in_use_until_its_end() -> None:
    clock, issuer = ManualClock(), Issuer(life_s=100.0)
    lease = Lease(issuer, clock, share=0.5)
    lease.get()
    issuer.fails_with = VmsUnavailable("the VMS restarts")
    clock.advance(60.0)
    assert lease.get() == "token-1"
    assert lease.get() == "token-1"
    assert len(issuer.continued) == 2, "a failed renewal is not repeated at once"
    clock.advance(41.0)
    with pytest.raises(VmsUnavailable, match="restarts"):
        lease.get()
    issuer.fails_with = None
    assert lease.get() == "token-4"


@pytest.mark.parametrize("renews_ahead", [True, False])
def test_a_token_is_not_handed_out_beyond_its_end_however_its_renewal_failed(*, renews_ahead: bool) -> None:
    clock, issuer = ManualClock(), Issuer(life_s=20.0)
    lease = Lease(issuer, clock, share=0.5)
    lease.get()
    issuer.fails_with = VmsUnavailable("the VMS restarts")
    clock.advance(12.0)
    if renews_ahead:
        lease.renew_ahead()
    assert lease.get() == "token-1"
    clock.advance(8.0)
    with pytest.raises(VmsUnavailable):
        lease.get()


def test_only_one_thread_renews_while_the_others_go_on_with_the_old_token() -> None:
    clock = ManualClock()
    asked, release = threading.Event(), threading.Event()
    calls: list[str] = []

    def slow(current: str) -> Grant:
        calls.append(current)
        if current:
            asked.set()
            assert release.wait(WAIT_S)
        return Grant(f"token-{len(calls)}", 100.0)

    lease = Lease(slow, clock, share=0.5)
    lease.get()
    clock.advance(60.0)
    renewed: list[str] = []
    thread = threading.Thread(target=lambda: renewed.append(lease.get()))
    thread.start()
    assert asked.wait(WAIT_S)
    assert lease.get() == "token-1"
    release.set()
    thread.join(WAIT_S)
    assert renewed == ["token-2"]
    assert lease.get() == "token-2"


class Doorbell(ManualClock):
    """Counts how many threads have come to ask for the time, which is the first thing a lease does."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = threading.Semaphore(0)

    def monotonic(self) -> float:
        self.rung.release()
        return super().monotonic()


def test_threads_that_waited_for_a_login_that_failed_fail_with_it_instead_of_each_trying_again() -> None:
    clock, release = Doorbell(), threading.Event()
    calls: list[str] = []

    def hang(current: str) -> Grant:
        calls.append(current)
        assert release.wait(WAIT_S)
        raise VmsUnavailable("the VMS hangs", remedy="look at it")

    lease = Lease(hang, clock, share=0.5)
    causes: list[str] = []

    def log_in() -> None:
        with pytest.raises(VmsUnavailable) as caught:
            lease.get()
        causes.append(caught.value.line())

    threads = [threading.Thread(target=log_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert clock.rung.acquire(timeout=WAIT_S)
    release.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert causes == ["the VMS hangs. look at it"] * 4
    assert len(calls) == 1


def test_a_rejected_token_is_replaced_once_however_many_report_it() -> None:
    issuer = Issuer()
    lease = Lease(issuer, ManualClock(), share=0.5)
    rejected = lease.get()
    assert lease.renew(rejected) == "token-2"
    assert lease.renew(rejected) == "token-2"
    assert issuer.continued == ["", ""]


def test_a_rejected_token_is_kept_while_it_is_too_young_to_be_stale() -> None:
    clock, issuer = ManualClock(), Issuer(life_s=1000.0)
    lease = Lease(issuer, clock, share=0.5)
    rejected = lease.get()
    clock.advance(299.0)
    assert lease.renew(rejected, unless_younger_s=300.0) == rejected
    clock.advance(1.0)
    assert lease.renew(rejected, unless_younger_s=300.0) == "token-2"


def test_refused_credentials_are_not_tried_again_at_once_so_that_the_account_is_not_locked() -> None:
    clock, issuer = ManualClock(), Issuer()
    issuer.fails_with = AuthenticationRefused("wrong password", remedy="mend it")
    lease = Lease(issuer, clock, share=0.5)
    for _ in range(5):
        with pytest.raises(AuthenticationRefused, match="wrong password") as caught:
            lease.get()
        assert caught.value.remedy == "mend it"
    assert len(issuer.continued) == 1
    issuer.fails_with = None
    clock.advance(299.0)
    with pytest.raises(AuthenticationRefused):
        lease.get()
    clock.advance(1.0)
    assert lease.get() == "token-2"


def test_many_threads_with_a_refused_password_try_it_once_in_five_minutes_in_all() -> None:
    clock, issuer = ManualClock(), Issuer()
    issuer.fails_with = AuthenticationRefused("wrong password")
    lease = Lease(issuer, clock, share=0.5)

    def camera() -> None:
        with pytest.raises(AuthenticationRefused):
            lease.get()
        with pytest.raises(AuthenticationRefused):
            lease.renew("rejected")

    for time in range(1, 4):
        threads = [threading.Thread(target=camera) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        assert len(issuer.continued) == time
        clock.advance(300.0)


def test_a_token_is_renewed_in_the_background_before_anybody_needs_it() -> None:
    clock, issuer = ManualClock(), Issuer(life_s=100.0)
    lease = Lease(issuer, clock, share=0.5)
    lease.renew_ahead()
    assert not issuer.continued, "nobody asked for a token yet"
    lease.get()
    clock.advance(44.0)
    lease.renew_ahead()
    assert issuer.continued == [""]
    clock.advance(1.0)
    assert lease.due_at == clock.monotonic()
    lease.renew_ahead()
    assert issuer.continued == ["", "token-1"]
    assert lease.get() == "token-2"


def test_a_background_renewal_that_fails_is_tried_again_and_nobody_else_waits_for_the_vms() -> None:
    clock, issuer = ManualClock(), Issuer(life_s=100.0)
    lease = Lease(issuer, clock, share=0.5)
    lease.get()
    issuer.fails_with = VmsUnavailable("the VMS restarts")
    clock.advance(45.0)
    lease.renew_ahead()
    clock.advance(29.0)
    lease.renew_ahead()
    assert lease.get() == "token-1"
    assert len(issuer.continued) == 2
    issuer.fails_with = None
    clock.advance(1.0)
    lease.renew_ahead()
    assert lease.get() == "token-3"


def test_every_new_token_is_told() -> None:
    told: list[str] = []
    lease = Lease(Issuer(), ManualClock(), share=0.5, renewed=lambda: told.append("new"))
    lease.renew(lease.get())
    assert told == ["new", "new"]


def test_a_refused_password_is_held_back_for_five_minutes() -> None:
    clock = ManualClock()
    hold = RefusalHold("vigie", clock)
    hold.require_none()
    hold.begin()
    clock.advance(299.0)
    with pytest.raises(AuthenticationRefused, match="'vigie' was refused"):
        hold.require_none()
    clock.advance(1.0)
    hold.require_none()
