from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import responses

from connectors.milestone.tokens import Grant, Lease, password_grant
from connectors.protocols.http import HttpSession
from core.clock import ManualClock
from core.errors import AuthenticationRefused, ProtocolViolation, ReplyLost, VmsUnavailable
from tests.connectors.milestone.support import API, PASSWORD, WAIT_S

TOKEN_URL = f"{API}/IDP/connect/token"


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
    clock.advance(31.0)
    assert lease.get() == "token-2"


def _grant() -> Grant:
    http = HttpSession(ca=None, timeout_s=5.0)
    try:
        return password_grant(http, f"{API}/IDP", "vigie", PASSWORD)
    finally:
        http.close()


@responses.activate
def test_the_password_grant_is_the_documented_form() -> None:
    form = {
        "grant_type": "password",
        "username": "vigie",
        "password": PASSWORD,
        "client_id": "GrantValidatorClient",
    }
    responses.post(
        TOKEN_URL,
        json={"access_token": "jwt", "expires_in": 1200, "token_type": "Bearer"},
        match=[responses.matchers.urlencoded_params_matcher(form)],
    )
    assert _grant() == Grant("jwt", 1200.0)


@responses.activate
def test_a_grant_without_life_gets_the_documented_hour() -> None:
    responses.post(TOKEN_URL, json={"access_token": "jwt"})
    assert _grant().life_s == 3600.0


@pytest.mark.parametrize(
    ("body", "status", "remedy"),
    [
        ({"error": "invalid_grant", "error_code": "InvalidCredentials"}, 400, "username and password"),
        ({"error": "invalid_grant", "error_description": "invalid_username_or_password"}, 400, "username and password"),
        ({"error": "invalid_grant", "error_code": "LockedOut"}, 400, "locked"),
        ({"error": "invalid_grant", "error_code": "ChangePassword"}, 400, "change its password"),
        ([], 401, "username and password"),
    ],
)
@responses.activate
def test_a_refused_login_says_what_to_mend(body: object, status: int, remedy: str) -> None:
    responses.post(TOKEN_URL, json=body, status=status)
    with pytest.raises(AuthenticationRefused) as caught:
        _grant()
    assert remedy in caught.value.remedy
    assert PASSWORD not in caught.value.line()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: responses.post(TOKEN_URL, body="<html>Bad Gateway</html>", status=502), VmsUnavailable),
        (lambda: responses.post(TOKEN_URL, body="<html>starting</html>", status=503), VmsUnavailable),
        (lambda: responses.post(TOKEN_URL, body="<html>IIS</html>", status=200), ProtocolViolation),
        (lambda: responses.post(TOKEN_URL, json={"token_type": "Bearer"}), ProtocolViolation),
    ],
)
@responses.activate
def test_a_login_without_answer_is_unavailable_and_never_a_lost_reply(
    answer: Callable[[], object], kind: type[Exception]
) -> None:
    answer()
    with pytest.raises(kind) as caught:
        _grant()
    assert not isinstance(caught.value, ReplyLost)
