from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import pytest
import requests

from core.clock import parse_iso
from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running, run
from tests.connectors.milestone.simulator.soap.calls import envelope, numbers, plain, result

pytestmark = pytest.mark.slow

NS = "http://videoos.net/2/XProtectCSRecorderCommand"
PATH = "/RecorderCommandService/RecorderCommandService.asmx"
RECORDING = "f9c62604-d0c5-4050-ae25-72de51639b14"
NOTHING = {"Time": "0001-01-01T00:00:00.0000000Z", "Data": ""}

MILLISECOND = 0.001
"""The recorder compares times in whole ones."""


@pytest.fixture(scope="module")
def recorded(video: Path) -> Iterator[Running]:
    """Twenty seconds on disk, of which those from 12 s to 8 s ago are missing."""
    with run(video, "--recorded-seconds", "20", "--recording-gap", "12-8") as site:
        yield site


def _post(site: Running, operation: str, body: str) -> requests.Response:
    host, port = site.recorder
    document = envelope(operation, f"<token>{site.soap_token()}</token>{body}", NS)
    # The wrong SOAPAction is what a public client sends to live systems.
    headers = {
        "Content-Type": "text/xml; charset=utf-8",
        "SOAPAction": f"http://videoos.net/2/XProtectCSServiceRegistration/{operation}",
    }
    return requests.post(
        f"https://{host}:{port}{PATH}", data=document, headers=headers, verify=site.ca, timeout=TIMEOUT_S
    )


def _ask(site: Running, operation: str, device: str = "", **fields: str) -> Any:
    body = f"<deviceId>{device or site.camera}</deviceId>"
    body += "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return plain(result(_post(site, operation, body), operation, NS))


def _ago(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()


def _size(image: Any) -> tuple[int, int]:
    [picture] = av.CodecContext.create("mjpeg", "r").decode(av.Packet(b64decode(image["Data"])))
    return picture.width, picture.height


def _entries(answer: Any) -> list[tuple[float, float]]:
    listed = [answer["SequenceEntry"]] if isinstance(answer, dict) else answer or []
    assert all(entry["TimeTrigged"] == entry["TimeBegin"] for entry in listed)
    return [(parse_iso(entry["TimeBegin"]), parse_iso(entry["TimeEnd"])) for entry in listed]


@pytest.mark.parametrize(("limit", "size"), [((160, 90), (160, 90)), ((80, 80), (80, 45)), ((4000, 45), (80, 45))])
def test_a_live_jpeg_fits_the_size_asked_for(recorded: Running, limit: tuple[int, int], size: tuple[int, int]) -> None:
    image = _ask(recorded, "JPEGGetLive", maxWidth=str(limit[0]), maxHeight=str(limit[1]))
    assert _size(image) == size
    assert abs(parse_iso(image["Time"]) - time.time()) < 3
    assert (image["Time"][-1], len(image["Time"].partition(".")[2])) == ("Z", 8)


def test_a_recorded_jpeg_is_the_one_at_before_or_after_a_time(recorded: Running) -> None:
    moment = _early(recorded)
    at = parse_iso(moment)
    nearest, before, after = (
        parse_iso(_ask(recorded, name, time=moment)["Time"])
        for name in ("JPEGGetAt", "JPEGGetAtOrBefore", "JPEGGetAtOrAfter")
    )
    assert at - 0.06 < before <= at + MILLISECOND
    assert at - MILLISECOND <= after < at + 0.06
    assert nearest in {before, after}
    assert _size(_ask(recorded, "JPEGGetAt", time=moment)) == (160, 90)


def test_in_the_gap_the_neighbours_are_far(recorded: Running) -> None:
    moment = _ago(time.time() - sum(_gap(recorded)) / 2)
    before = parse_iso(_ask(recorded, "JPEGGetAtOrBefore", time=moment)["Time"])
    after = parse_iso(_ask(recorded, "JPEGGetAtOrAfter", time=moment)["Time"])
    assert (before, after) == _gap(recorded)


def _early(site: Running) -> str:
    """A time in the middle of the stretch before the gap."""
    return _ago(time.time() - _stretches(site)[0][0] - 4.51)


def _stretches(site: Running) -> list[tuple[float, float]]:
    fields = {"minTime": _ago(60), "maxTime": _ago(-60), "maxCount": "10"}
    return _entries(_ask(site, "SequencesGet", sequenceType=RECORDING, **fields))


def _gap(site: Running) -> tuple[float, float]:
    first, second = _stretches(site)
    return first[1], second[0]


@pytest.mark.parametrize(("operation", "seconds"), [("JPEGGetAtOrBefore", 60.0), ("JPEGGetAtOrAfter", -60.0)])
def test_where_nothing_is_found_the_time_is_the_least_there_is(
    recorded: Running, operation: str, seconds: float
) -> None:
    assert _ask(recorded, operation, time=_ago(seconds)) == NOTHING


def test_nothing_is_recorded_unless_ordered(simulator: Running) -> None:
    assert _ask(simulator, "JPEGGetAt", time=_ago(1)) == NOTHING
    fields = {"minTime": _ago(60), "maxTime": _ago(-60), "maxCount": "10"}
    assert _entries(_ask(simulator, "SequencesGet", sequenceType=RECORDING, **fields)) == []


def test_the_types_of_sequences_are_the_known_ones(recorded: Running) -> None:
    types = {entry["Id"]: entry["Name"] for entry in _ask(recorded, "SequencesGetTypes")}
    assert types["0601d294-b7e5-4d93-9614-9658561ad5e4"] == "RecordingWithTriggerSequence"
    assert {RECORDING, "53cb5e33-2183-44bd-9491-8364d2457480"} < {*types}


def test_sequences_are_the_stretches_without_a_pause(recorded: Running) -> None:
    fields = {"sequenceType": RECORDING, "minTime": _ago(60), "maxTime": _ago(-60)}
    first, second = _entries(_ask(recorded, "SequencesGet", **fields, maxCount="10"))
    assert first[1] - first[0] == pytest.approx(8, abs=1.2)
    assert second[0] - first[1] == pytest.approx(4, abs=1.2)
    assert _entries(_ask(recorded, "SequencesGet", **fields, maxCount="1"))[0][0] == first[0]
    assert _entries(_ask(recorded, "SequencesGet", **{**fields, "maxTime": _ago(30)}, maxCount="10")) == []
    other = {**fields, "sequenceType": str(uuid4())}
    assert _entries(_ask(recorded, "SequencesGet", **other, maxCount="10")) == []


@pytest.mark.parametrize(("before", "after", "count"), [(5, 5, 2), (1, 0, 1), (0, 5, 1), (0, 0, 0)])
def test_sequences_around_a_time_are_counted_on_either_side(
    recorded: Running, before: int, after: int, count: int
) -> None:
    centre = _ago(time.time() - sum(_gap(recorded)) / 2)
    fields = {"sequenceType": RECORDING, "centerTime": centre}
    around = _ask(recorded, "SequencesGetAround", **fields, maxCountBefore=str(before), maxCountAfter=str(after))
    assert len(_entries(around)) == count


@pytest.mark.parametrize(("span_s", "count"), [(60.0, 2), (1.0, 0)])
def test_sequences_around_a_time_keep_to_the_span(recorded: Running, span_s: float, count: int) -> None:
    span = f"<MicroSeconds>{round(span_s * 1_000_000)}</MicroSeconds>"
    centre = _ago(time.time() - sum(_gap(recorded)) / 2)
    found = _ask(
        recorded,
        "SequencesGetAroundWithSpan",
        sequenceType=RECORDING,
        centerTime=centre,
        maxTimeBefore=span,
        maxCountBefore="5",
        maxTimeAfter=span,
        maxCountAfter="5",
    )
    assert len(_entries(found)) == count


def test_recording_by_hand_is_started_and_stopped(fresh: Running) -> None:
    unknown = str(uuid4())

    def call(operation: str) -> list[dict[str, str]]:
        items = "".join(f"<deviceId>{device}</deviceId>" for device in (fresh.camera, unknown))
        answer = result(_post(fresh, operation, f"<deviceIds>{items}</deviceIds>"), operation, NS)
        return [plain(child) for child in answer]

    def state() -> list[str]:
        return [entry["IsManualRecording"] for entry in call("IsManualRecording")]

    assert state() == ["false", "false"]
    started = call("StartManualRecording")
    assert [entry["ResultCode"] == "0" for entry in started] == [True, False]
    assert state() == ["true", "false"]
    call("StopManualRecording")
    assert state() == ["false", "false"]


def test_an_unknown_device_is_a_fault(simulator: Running) -> None:
    answer = _post(simulator, "SequencesGetTypes", f"<deviceId>{uuid4()}</deviceId>")
    assert numbers(answer)[0] not in {"20001", "40000"}


def test_a_lost_camera_has_no_live_picture(fresh: Running) -> None:
    fresh.act("lose-camera", camera=fresh.camera)
    assert _ask(fresh, "JPEGGetLive", maxWidth="160", maxHeight="90") == NOTHING
    fresh.act("return-camera", camera=fresh.camera)
    assert _size(_ask(fresh, "JPEGGetLive", maxWidth="160", maxHeight="90")) == (160, 90)
