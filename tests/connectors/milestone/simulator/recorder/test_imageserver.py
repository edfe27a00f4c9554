from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import av
import pytest

from tests.connectors.milestone.simulator.recorder.viewer import Image, Viewer
from tests.connectors.milestone.simulator.running import INSTANCE, Running, run

pytestmark = pytest.mark.slow

UNKNOWN_TOKEN = "TOKEN#6f6c1a0e-3b7e-4f57-9f0e-1f2f3f4f5f60#vms01//ServerConnector#"


def _refusal(viewer: Viewer, token: str, camera: str = "", **changes: str | None) -> str:
    answer = viewer.connect(token, camera, **changes)
    assert answer.findtext("methodname") == "connect"
    assert answer.findtext("connected") == "no"
    assert list(viewer.messages()) == []
    return answer.findtext("errorreason") or ""


def test_live_video_starts_with_the_buffered_gop_and_decodes_whole(simulator: Running) -> None:
    asked_at = time.time()
    with Viewer(simulator).start() as viewer:
        images = viewer.images(15)
    assert images[0].flags & 1
    assert all(image.data_type == 0x0010 and image.codec == 0x000A for image in images)
    assert all(image.length == int(image.fields["Content-length"]) for image in images)
    assert all(later.sequence == earlier.sequence + 1 for earlier, later in pairwise(images))
    assert images[0].picture_ms / 1000 <= asked_at + 5
    codec = av.CodecContext.create("h264", "r")
    decoded = [frame for image in images for frame in codec.decode(av.Packet(image.payload))]
    assert len(decoded) >= 12
    assert (decoded[0].width, decoded[0].height) == (160, 90)


def test_pictures_carry_the_recorders_capture_time_and_that_of_their_key_frame(simulator: Running) -> None:
    with Viewer(simulator).start() as viewer:
        images = viewer.images(15)
    last_key_ms = 0
    for image in images:
        last_key_ms = image.picture_ms if image.flags & 1 else last_key_ms
        assert image.gop_ms == last_key_ms
        assert int(image.fields["Current"]) == image.picture_ms
    assert all(int(later.fields["Prev"]) == earlier.picture_ms for earlier, later in pairwise(images))
    assert all(25 <= later.picture_ms - earlier.picture_ms <= 2000 for earlier, later in pairwise(images))
    assert abs(images[-1].picture_ms / 1000 - time.time()) < 5


def test_an_image_has_the_documented_header(simulator: Running) -> None:
    with Viewer(simulator).start() as viewer:
        [image] = viewer.images(1)
    assert set(image.fields) == {
        "RequestId",
        "Prev",
        "Current",
        "Next",
        "PrivacyMask",
        "Content-length",
        "Content-type",
    }
    assert image.fields["RequestId"] == "2"
    assert image.fields["Content-type"] == "application/x-genericbytedata-octet-stream"


def test_signs_of_life_come_while_live(simulator: Running) -> None:
    with Viewer(simulator).start() as viewer:
        assert next(viewer.statuses()) == {"1": "1", "5": "0"}


@pytest.mark.slow
def test_signs_of_life_are_at_most_five_seconds_apart(simulator: Running) -> None:
    with Viewer(simulator).start() as viewer:
        statuses = viewer.statuses()
        next(statuses)
        started = time.monotonic()
        next(statuses)
    assert time.monotonic() - started < 5


def test_the_stream_can_be_named(simulator: Running) -> None:
    streams = simulator.rest("GET", f"/streams/{simulator.camera}").json()["data"]["stream"]
    stream = streams[0]["streamReferenceId"]
    parameters = f"id={simulator.camera}&streamid={stream}&connectiontoken={simulator.soap_token()}"
    with Viewer(simulator) as viewer:
        assert viewer.connect("", connectparam=parameters).findtext("connected") == "yes"


@pytest.mark.parametrize(
    ("camera", "changes", "reason"),
    [
        (INSTANCE, {}, "Unknown device"),
        ("gate", {}, "Unknown device"),
        ("", {"connectparam": None}, "Unknown device"),
        ("", {"cameraid": INSTANCE}, "differ"),
        ("", {"cameraid": None}, "differ"),
        ("", {"username": None}, "username"),
        ("", {"password": ""}, "password"),
    ],
)
def test_a_connect_that_is_wrong_is_refused_with_its_reason(
    simulator: Running, camera: str, changes: dict[str, str | None], reason: str
) -> None:
    with Viewer(simulator) as viewer:
        assert reason in _refusal(viewer, simulator.soap_token(), camera, **changes)


def test_a_jwt_or_an_unknown_token_does_not_open_the_recorder(simulator: Running) -> None:
    for token in (UNKNOWN_TOKEN, simulator.bearer(), ""):
        with Viewer(simulator) as viewer:
            assert "token" in _refusal(viewer, token)


def test_an_unknown_stream_and_a_disabled_camera_are_refused(simulator: Running) -> None:
    token = simulator.soap_token()
    with Viewer(simulator) as viewer:
        parameters = f"id={simulator.camera}&streamid={INSTANCE}&connectiontoken={token}"
        assert _refusal(viewer, token, connectparam=parameters) == "Unknown stream"
    spare = simulator.rest("GET", "/cameras?disabled&name='Spare'").json()["array"][0]["id"]
    with Viewer(simulator) as viewer:
        assert "disabled" in _refusal(viewer, token, spare)


@pytest.mark.parametrize(
    "request_text",
    [
        "<methodcall><requestid>1</requestid><methodname>live</methodname></methodcall",
        "<methodcall><methodname>connect</methodname></methodcall>",
        "<methodcall><requestid>one</requestid><methodname>connect</methodname></methodcall>",
        "<methodcall><requestid>1</requestid></methodcall>",
        "<methodcall>\n<requestid>1</requestid><methodname>connect</methodname></methodcall>",
        "<methodresponse><requestid>1</requestid><methodname>connect</methodname></methodresponse>",
    ],
)
def test_the_recorder_hangs_up_on_what_is_no_request(simulator: Running, request_text: str) -> None:
    with Viewer(simulator) as viewer:
        viewer.send(request_text)
        assert list(viewer.messages()) == []


def test_connect_must_come_first(simulator: Running) -> None:
    with Viewer(simulator) as viewer:
        viewer.call("live")
        assert "connect" in (viewer.document().findtext("errorreason") or "")
        assert list(viewer.messages()) == []


@pytest.mark.parametrize("inner", ["<compressionrate>0</compressionrate>", "<compressionrate>105</compressionrate>"])
def test_a_compression_rate_out_of_range_ends_the_connection(simulator: Running, inner: str) -> None:
    with Viewer(simulator) as viewer:
        viewer.connect(simulator.soap_token())
        viewer.call("live", inner)
        assert list(viewer.messages()) == []


def test_stop_ends_the_pictures_and_live_starts_them_again(simulator: Running) -> None:
    with Viewer(simulator).start() as viewer:
        viewer.images(1)
        viewer.call("stop", request_id=3)
        answers = (message for message in viewer.messages() if not isinstance(message, Image))
        assert next(item.findtext("methodname") for item in answers if item.tag == "methodresponse") == "stop"
        viewer.call("live", request_id=4)
        [image] = viewer.images(1)
        assert (image.fields["RequestId"], image.flags & 1) == ("4", 1)


@pytest.mark.parametrize("name", ["goto", "next", "previous", "begin", "end"])
def test_playback_answers_that_nothing_is_recorded(simulator: Running, name: str) -> None:
    with Viewer(simulator) as viewer:
        viewer.connect(simulator.soap_token())
        viewer.call(name, "<time>1761587738000</time>", 9)
        answer = viewer.message()
        assert isinstance(answer, Image)
        assert (answer.fields["RequestId"], answer.fields["Content-length"]) == ("9", "0")


def test_two_viewers_see_the_same_pictures(simulator: Running) -> None:
    with Viewer(simulator).start() as one, Viewer(simulator).start() as other:
        first = {image.sequence: image.payload for image in one.images(10)}
        second = {image.sequence: image.payload for image in other.images(10)}
    shared = first.keys() & second.keys()
    assert shared
    assert all(first[sequence] == second[sequence] for sequence in shared)


def test_a_connection_whose_token_expires_is_closed(video: Path) -> None:
    with run(video, "--soap-seconds", "1.5") as brief, Viewer(brief).start() as viewer:
        messages = list(viewer.messages())
    assert any(isinstance(message, Image) for message in messages)


def test_connectupdate_with_a_fresh_token_keeps_a_live_connection(fresh: Running) -> None:
    with Viewer(fresh).start() as viewer:
        viewer.images(1)
        token = fresh.soap_token()
        viewer.call("connectupdate", f"<connectparam>id={fresh.camera}&amp;connectiontoken={token}</connectparam>", 7)
        answer = next(
            message
            for message in viewer.messages()
            if not isinstance(message, Image) and message.tag == "methodresponse"
        )
        assert (answer.findtext("requestid"), answer.findtext("connected")) == ("7", "yes")
        assert viewer.images(2)


def test_connectupdate_with_a_wrong_token_ends_the_connection(simulator: Running) -> None:
    with Viewer(simulator).start() as viewer:
        viewer.call(
            "connectupdate", f"<connectparam>id={simulator.camera}&amp;connectiontoken={UNKNOWN_TOKEN}</connectparam>"
        )
        answers = [message for message in viewer.messages() if not isinstance(message, Image)]
        assert answers[-1].findtext("connected") == "no"


def test_the_fault_token_expired_closes_live_connections(fresh: Running) -> None:
    with Viewer(fresh).start() as viewer:
        viewer.images(1)
        fresh.order("token-expired", "now")
        for _ in viewer.messages():
            pass  # until the recorder hangs up
    with Viewer(fresh).start() as viewer:
        assert viewer.images(1)


def test_the_fault_drop_closes_one_live_connection(fresh: Running) -> None:
    with Viewer(fresh).start() as viewer:
        viewer.images(1)
        fresh.order("video", "drop")
        for _ in viewer.messages():
            pass
    with Viewer(fresh).start() as viewer:
        assert len(viewer.images(3)) == 3


def test_a_drop_can_be_ordered_for_later(fresh: Running) -> None:
    fresh.order("video", "ok", "ok", "drop")
    with Viewer(fresh).start() as viewer:
        assert any(isinstance(message, Image) for message in list(viewer.messages()))


def test_the_fault_lost_camera_is_told_by_a_status_item_until_it_is_over(fresh: Running) -> None:
    with Viewer(fresh).start() as viewer:
        viewer.images(1)
        fresh.order("video", "lost-camera", repeat=True)
        assert next(items for items in viewer.statuses() if items["5"] == "1")
        fresh.order("video")
        after = [viewer.message(), viewer.message()]
        assert any(not isinstance(message, Image) for message in after)
        assert viewer.images(1)


def test_the_fault_freeze_keeps_the_connection_silent_until_it_is_over(fresh: Running) -> None:
    with Viewer(fresh).start() as viewer:
        viewer.images(2)
        fresh.order("video", "freeze", repeat=True)
        viewer.connection.settimeout(0.6)
        with pytest.raises(TimeoutError):
            viewer.images(20)


def test_after_a_freeze_pictures_go_on_with_a_key_frame(fresh: Running) -> None:
    fresh.order("video", "freeze", repeat=True)
    with Viewer(fresh).start() as viewer:
        fresh.order("video")
        assert viewer.images(1)[0].flags & 1


def test_a_camera_on_disabled_hardware_is_refused(video: Path) -> None:
    with run(video) as site:
        [hardware] = site.rest("GET", "/hardware").json()["array"]
        site.rest("PATCH", f"/hardware/{hardware['id']}", json={"enabled": False}).raise_for_status()
        with Viewer(site) as viewer:
            assert _refusal(viewer, site.soap_token()) == "The device is disabled"
