from __future__ import annotations

import time

import pytest
import requests

from core.clock import parse_iso
from tests.connectors.onvif.simulator.camera.running import NS, Bridge, body_of, pull_content, subcodes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("outcome", "status", "text"),
    [
        ("503", 503, ""),
        ("empty", 200, ""),
        ("html", 200, "Maintenance"),
        ("redirect", 307, ""),
        ("fault", 500, "ter:Action"),
        ("bomb", 200, "<!ENTITY"),
        ("wrong-answer", 200, "Surprise"),
        ("malformed", 200, "<env:Envelope"),
        ("slow", 200, "GetHostnameResponse"),
        ("ok", 200, "GetHostnameResponse"),
    ],
)
def test_requests_fail_as_ordered(fresh: Bridge, outcome: str, status: int, text: str) -> None:
    fresh.order("soap", outcome, repeat=False)
    began = time.monotonic()
    response = fresh.ask("tds:GetHostname")
    assert response.status_code == status
    assert text in response.text
    assert outcome != "slow" or time.monotonic() - began >= 0.2
    assert fresh.ask("tds:GetHostname").status_code == 200


@pytest.mark.parametrize(("outcome", "done"), [("drop", 0), ("accept-then-drop", 1)])
def test_connections_end_without_an_answer(fresh: Bridge, outcome: str, done: int) -> None:
    fresh.order("soap", outcome, repeat=False)
    with pytest.raises(requests.ConnectionError):
        fresh.ask("tds:GetHostname")
    assert len(fresh.ledger("request")) == done


def test_a_huge_answer_does_not_end_soon(fresh: Bridge) -> None:
    fresh.order("soap", "huge", repeat=False)
    with fresh.ask("tds:GetHostname", stream=True) as response:
        taken = sum(len(piece) for piece, _ in zip(response.iter_content(65_536), range(64), strict=False))
    assert taken >= 1024 * 1024


def test_pull_points_and_the_rest_have_plans_of_their_own(fresh: Bridge) -> None:
    url = fresh.subscribe()
    fresh.order("pull", "503")
    assert fresh.ask("tev:PullMessages", pull_content("PT0S", 1), url=url).status_code == 503
    assert fresh.ask("tds:GetHostname").status_code == 200


def test_right_credentials_are_refused_as_ordered(fresh: Bridge) -> None:
    fresh.order("auth", "refuse")
    assert fresh.ask("tr2:GetProfiles").status_code == 401
    fresh.order("auth")
    assert fresh.ask("tr2:GetProfiles").status_code == 200


def test_stream_uris_go_astray_as_ordered(fresh: Bridge) -> None:
    seen = []
    for outcome in ("undeclared-host", "unknown-path", "empty"):
        fresh.order("stream-uri", outcome)
        seen.append(fresh.stream_uri())
    assert seen[0].startswith("rtsp://192.0.2.10:")
    assert seen[1].endswith("/live/nothing-here")
    assert seen[2] == ""
    fresh.order("stream-uri", "fault")
    content = "<tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>profile-0-main</tr2:ProfileToken>"
    assert subcodes(fresh.ask("tr2:GetStreamUri", content))[-1] == "ter:StreamConflict"


def test_the_bridges_clock_jumps_as_ordered(fresh: Bridge) -> None:
    def told() -> float:
        answer = body_of(fresh.ask("tds:GetSystemDateAndTime"))
        time_of, date = answer.find(".//tt:Time", NS), answer.find(".//tt:Date", NS)
        assert time_of is not None
        assert date is not None
        hour, minute, second = (int(item.text or 0) for item in time_of)
        year, month, day = (int(item.text or 0) for item in date)
        return parse_iso(f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")

    before = told()
    fresh.order("clock", "jump")
    assert 3599 <= told() - before <= 3605
    fresh.order("clock")
    assert told() - before <= 5


@pytest.mark.parametrize(("outcome", "status"), [("503", 503), ("html", 200), ("redirect", 307), ("malformed", 200)])
def test_snapshots_fail_as_ordered(fresh: Bridge, outcome: str, status: int) -> None:
    uri = fresh.text("tr2:GetSnapshotUri", "<tr2:ProfileToken>profile-0-main</tr2:ProfileToken>", "tr2:Uri")
    auth = requests.auth.HTTPDigestAuth("vigie", "vigie-demo")
    whole = requests.get(uri, auth=auth, timeout=5)
    assert whole.content.endswith(b"\xff\xd9")
    fresh.order("snapshot", outcome)
    response = requests.get(uri, auth=auth, timeout=5, allow_redirects=False)
    assert response.status_code == status
    assert not response.content.endswith(b"\xff\xd9")


def test_a_lost_camera_has_no_snapshot(fresh: Bridge) -> None:
    uri = fresh.text("tr2:GetSnapshotUri", "<tr2:ProfileToken>profile-0-main</tr2:ProfileToken>", "tr2:Uri")
    fresh.act("lose-camera")
    assert requests.get(uri, auth=requests.auth.HTTPDigestAuth("vigie", "vigie-demo"), timeout=5).status_code == 404
