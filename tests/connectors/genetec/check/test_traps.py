"""Each known trap, provoked in the simulated site, and the finding that names it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.genetec.check import network
from connectors.genetec.check.look import genetec_code
from connectors.protocols.certificates import SiteAuthority
from core.clock import SystemClock
from core.errors import VmsError
from core.types import FindingLevel
from tests.connectors.genetec.site import NOBODY, running_site

pytestmark = pytest.mark.slow

OK, WARNING, FAILURE = FindingLevel.OK, FindingLevel.WARNING, FindingLevel.FAILURE
NIGHT = {"event": "Night", "state": "armed"}
ALARM: dict[str, Any] = {"publish": ["event", "alarm", "bookmark"]}


class WrongClock(SystemClock):
    """This machine's, when nobody set it right."""

    def __init__(self, ahead_s: float) -> None:
        super().__init__()
        self._ahead_s = ahead_s

    def utc(self) -> float:
        return super().utc() + self._ahead_s


@dataclass(frozen=True, kw_only=True)
class Trap:
    """How the site is started, what the site file says, what is ordered; then this finding."""

    code: str
    level: FindingLevel = FAILURE
    options: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    fault: tuple[str, str] | None = None
    given: dict[str, Any] = field(default_factory=dict)


ROLE = (
    Trap(code="network_unavailable", changes={"url": f"https://{NOBODY}/WebSdk"}),
    Trap(code="address_unknown", changes={"url": "https://sc.invalid:4590/WebSdk"}),
    Trap(code="base_uri_refused", changes={"url": "{url}/Other"}),
    Trap(code="web_sdk_unavailable", fault=("web", "503")),
    Trap(code="account_refused", given={"password": "wrong"}),
    Trap(code="account_refused", given={"application_id": "wrong"}),
    Trap(code="account_refused", fault=("licence", "missing")),
    Trap(code="account_not_local", level=WARNING, changes={"username": "SITE\\vigie"}),
    Trap(code="certificate_untrusted", changes={"ca": None}),
    Trap(code="certificate_untrusted", changes={"ca": "missing.pem"}),
    Trap(code="certificate_expires_soon", level=WARNING, given={"clock": WrongClock(86400.0 * 365 * 30)}),
    Trap(code="clock_drift", level=WARNING, given={"clock": WrongClock(-60.0)}),
    Trap(code="streaming_ok", level=OK),
    Trap(code="streaming_ok", level=OK, options=("--no-stream-redirect",)),
    Trap(code="streaming_unavailable", level=WARNING, fault=("stream", "503")),
    Trap(code="streaming_unavailable", changes={"control": [NIGHT]}, fault=("stream", "503")),
)
PUBLISHING = (
    Trap(code="custom_event_not_found", options=("--fresh",)),
    Trap(code="custom_event_name", level=WARNING, options=("--custom-event", "5000:Other")),
    Trap(code="custom_event_unverified", level=WARNING, options=("--deny", "CustomEvents")),
    Trap(code="control_event_not_found", changes={"control": [NIGHT]}),
    Trap(code="control_event_ok", level=OK, options=("--control-event", "7:Night"), changes={"control": [NIGHT]}),
    Trap(code="control_events_not_allowed", options=("--deny", "CustomEvents"), changes={"control": [NIGHT]}),
    Trap(code="event_to_action_missing", level=WARNING, options=("--no-event-to-action",), changes=ALARM),
    Trap(code="event_to_action_other", level=WARNING, changes=ALARM | {"event_id": 5001}),
    Trap(code="event_to_action_unverified", level=WARNING, options=("--deny", "EventToActions"), changes=ALARM),
    Trap(code="alarm_unseen", level=OK, options=("--no-event-to-action",), changes=ALARM),
    Trap(code="alarm_recipients_unseen", level=OK, options=("--deny", "Recipients"), changes=ALARM),
    Trap(code="alarm_threshold", level=WARNING, options=("--reactivation-threshold", "30"), changes=ALARM),
    Trap(
        code="alarm_not_found",
        changes=ALARM | {"alarm_route": "direct", "alarm": "3f0d7c1e-8a3e-4a55-9a3f-2d5b0c7a9911"},
    ),
    Trap(code="ask_event_not_allowed", level=WARNING, options=("--deny", "CameraEvent")),
    Trap(code="ask_bookmark_not_allowed", level=WARNING, options=("--deny", "Bookmark")),
    Trap(code="verdicts_not_allowed", level=WARNING, options=("--deny", "AlarmActivity")),
    Trap(code="media_gateway_unavailable", changes={"media_gateway": NOBODY}),
)


@pytest.mark.parametrize("trap", ROLE + PUBLISHING, ids=lambda trap: trap.code)
def test_a_trap_is_found_and_named(trap: Trap) -> None:
    with running_site(*trap.options) as site:
        if trap.fault is not None:
            site.client.order(trap.fault[0], trap.fault[1], repeat=True)
        changes = {"media_gateway": NOBODY} | trap.changes
        if "url" in changes:
            changes["url"] = changes["url"].replace("{url}/", site.client.announced.url.removesuffix("WebSdk"))
        found = {item.code: item for item in site.check(services=site.services(**trap.given), **changes)}
    assert trap.code in found, sorted(found)
    assert found[trap.code].level is trap.level
    assert trap.level is OK or found[trap.code].remedy


def test_a_site_in_good_order_has_nothing_but_good_findings() -> None:
    with running_site("--cameras", "2") as site:
        found = site.check(**ALARM)
    assert {item.code for item in found if item.level is not OK} == set()
    codes = [item.code for item in found]
    assert codes.count("event_to_action_ok") == 2
    assert {"network_ok", "certificate_ok", "streaming_ok", "alarm_recipients_ok", "verdicts_ok", "video_ok"} <= {
        *codes
    }


def test_nothing_is_made_by_a_check() -> None:
    with running_site() as site:
        site.check(**ALARM)
        assert site.client.ledger("event") == site.client.ledger("bookmark") == site.client.ledger("alarm") == []


def test_a_password_that_the_media_gateway_does_not_take_is_told_where_to_set() -> None:
    with running_site() as site:
        found = {item.code: item for item in site.check(services=site.services(password="other"))}
    assert "Accessible to" in found["video_refused"].remedy


@contextmanager
def listening(tls: ssl.SSLContext | None) -> Iterator[int]:
    """A port that shakes hands with one client, or hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            link, _ = server.accept()
            try:
                (tls.wrap_socket(link, server_side=True) if tls else link).close()
            except OSError:
                link.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(timeout=10)


def dialled(port: int, ca: Path) -> str:
    with pytest.raises(VmsError) as caught:
        network.dial("127.0.0.1", port, ssl.create_default_context(cafile=str(ca)), 5.0)
    assert caught.value.remedy
    return genetec_code("network", caught.value)


@pytest.mark.parametrize(
    ("name", "expired", "code"),
    [("sc.site.test", False, "certificate_name"), ("127.0.0.1", True, "certificate_expired")],
)
def test_what_is_wrong_with_a_certificate_is_told_apart(tmp_path: Path, name: str, expired: bool, code: str) -> None:
    authority = SiteAuthority.create(tmp_path)
    with listening(authority.server_context((name,), expired=expired)) as port:
        assert dialled(port, authority.ca) == code


def test_a_port_that_speaks_no_tls_is_told(tmp_path: Path) -> None:
    authority = SiteAuthority.create(tmp_path)
    with listening(None) as port:
        assert dialled(port, authority.ca) == "network_unavailable"


def test_an_address_without_tls_is_warned_of() -> None:
    with running_site() as site:
        port = site.client.announced.url.split(":")[2].split("/")[0]
        found = {
            item.code: item
            for item in site.check(url=f"http://127.0.0.1:{port}/WebSdk", allow_http=True, media_gateway=NOBODY)
        }
    assert found["network_not_encrypted"].level is WARNING
