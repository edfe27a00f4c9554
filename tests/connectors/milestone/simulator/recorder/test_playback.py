from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from itertools import pairwise
from pathlib import Path

import av
import pytest

from tests.connectors.milestone.simulator.recorder.viewer import END, HEADER, Viewer
from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running, run

pytestmark = pytest.mark.slow

CAPABILITIES = "<clientcapabilities><multipartdata>{}</multipartdata></clientcapabilities>"


@dataclass(frozen=True)
class Part:
    codec: int
    is_key: bool
    gop_ms: int
    ms: int
    payload: bytes


@dataclass(frozen=True)
class Answer:
    fields: dict[str, str]
    body: bytes

    @property
    def current(self) -> int:
        return int(self.fields["Current"])

    def parts(self) -> list[Part]:
        """The pictures, by a MIME reader that knows nothing of ImageServer where there are several."""
        kind = self.fields["Content-type"]
        if not kind.startswith("multipart/related"):
            return [_part(self.body)]
        found, boundary = [], kind.partition("boundary=")[2].encode()
        *blocks, last = self.body.split(b"--" + boundary)
        assert last == b"--"
        for block in blocks[1:]:
            head, _, data = block.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            assert message_from_bytes(head, policy=HTTP)["Content-length"] == str(len(data) - 2)
            found.append(_part(data[:-2]))
        return found


def _part(data: bytes) -> Part:
    kind, total, codec, _, flags, gop_ms, ms, _ = HEADER.unpack_from(data)
    assert (kind, total) == (0x0010, len(data))
    return Part(codec, bool(flags & 1), gop_ms, ms, data[HEADER.size :])


class Player(Viewer):
    """A connection that plays back."""

    def open(self, *, multipart: str = "yes", **changes: str) -> Player:
        camera, token = self.simulator.camera, self.simulator.soap_token()
        elements = {
            "username": "x",
            "password": "x",
            "cameraid": camera,
            "alwaysstdjpeg": "no",
            "connectparam": f"id={camera}&amp;connectiontoken={token}",
            **changes,
        }
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
        self.call("connect", inner + CAPABILITIES.format(multipart))
        assert self.document().findtext("connected") == "yes"
        return self

    def ask(self, name: str, inner: str = "") -> Answer:
        self.call(name, inner, 7)
        assert self._until(b"", b"\r\n") == b"ImageResponse"
        lines = iter(lambda: self._until(b"", b"\r\n").decode(), "")
        fields = dict(line.split(": ", 1) for line in lines)
        body = self._reader.read(int(fields["Content-length"]))
        assert self._reader.read(4) == END
        assert fields["RequestId"] == "7"
        return Answer(fields, body)

    def go(self, ms: float) -> Answer:
        return self.ask("goto", f"<time>{round(ms)}</time>")


@pytest.fixture(scope="module")
def recorded(video: Path) -> Iterator[Running]:
    """Twenty seconds on disk, of which those from 12 s to 8 s ago are missing; GOPs of one second."""
    with run(video, "--recorded-seconds", "20", "--recording-gap", "12-8") as site:
        yield site


@pytest.fixture
def player(recorded: Running) -> Iterator[Player]:
    with Player(recorded) as player:
        yield player.open()


def _now_ms() -> float:
    return time.time() * 1000


def _early(player: Player) -> float:
    """A time in the middle of the stretch before the gap, and of a GOP."""
    return player.ask("begin").current + 4500


def _gap(player: Player) -> tuple[int, int]:
    """Key frame of the last GOP before the gap, and of the first one after it."""
    before = player.ask("begin")
    while int(before.fields["Next"]) - before.current < 3000:
        before = player.ask("next")
    return before.current, int(before.fields["Next"])


def test_an_answer_holds_one_gop_that_decodes_whole(player: Player) -> None:
    answer = player.go(_early(player))
    parts = answer.parts()
    assert [part.is_key for part in parts] == [True] + [False] * 19
    assert {part.codec for part in parts} == {0x000A}
    assert {part.gop_ms for part in parts} == {answer.current} == {parts[0].ms}
    assert all(45 <= later.ms - earlier.ms <= 55 for earlier, later in pairwise(parts))
    codec = av.CodecContext.create("h264", "r")
    frames = [frame for part in parts for frame in codec.decode(av.Packet(part.payload))]
    assert len(frames) + len(codec.decode(None)) == 20


def test_goto_gives_the_gop_in_which_the_time_lies(player: Player) -> None:
    wanted = _early(player)
    parts = player.go(wanted).parts()
    assert parts[0].ms <= wanted < parts[-1].ms + 60


def test_next_and_previous_go_gop_by_gop(player: Player) -> None:
    first = player.go(_early(player) - 3000)
    second = player.ask("next")
    assert second.current == int(first.fields["Next"])
    assert int(second.fields["Prev"]) == first.parts()[-1].ms
    assert player.ask("previous").current == first.current


def test_begin_and_end_are_the_ends_and_repeat_there(player: Player) -> None:
    begin = player.ask("begin")
    assert 19_000 < _now_ms() - begin.current < 60_000
    assert player.ask("previous").current == begin.current
    end = player.ask("end")
    assert end.current == pytest.approx(_now_ms(), abs=3500)
    again = player.ask("next")
    assert again.current - end.current in {0, *range(900, 1200)}


def test_a_goto_into_the_gap_gives_the_last_gop_before_it(player: Player) -> None:
    before, after = _gap(player)
    assert player.go((before + after) / 2).current == before
    assert player.ask("next").current == after


def test_sequences_are_skipped_whole(player: Player) -> None:
    before, after = _gap(player)
    begin = player.ask("begin").current
    assert player.ask("nextsequence").current == after
    assert player.ask("previoussequence").current == begin
    assert player.go(before).current == before
    assert player.ask("nextsequence").current == after


def test_a_goto_before_everything_gives_the_first_gop(player: Player) -> None:
    assert player.go(1000).current == player.ask("begin").current


@pytest.mark.slow
def test_what_was_sent_live_is_recorded_with_the_same_times(video: Path) -> None:
    with run(video, "--recorded-seconds", "5") as site, Viewer(site).start() as viewer, Player(site) as player:
        images = viewer.images(45)
        keys = [image for image in images if image.flags & 1]
        found = player.open().go(keys[1].picture_ms)
        assert (found.current, found.parts()[0].payload) == (keys[1].picture_ms, keys[1].payload)


def test_without_multipart_pictures_come_one_by_one(recorded: Running) -> None:
    with Player(recorded) as player:
        first = player.open(multipart="no").go(_early(player))
        second = player.ask("next")
    assert 45 <= second.current - first.current <= 55
    assert second.current == int(first.fields["Next"])
    assert first.fields["Content-type"] == "application/x-genericbytedata-octet-stream"


def test_only_key_frames_come_where_only_they_are_asked_for(player: Player) -> None:
    player.call("goto", f"<time>{round(_early(player))}</time><keyframesonly>yes</keyframesonly>", 7)
    [first] = player.ask("next").parts() if player.message() else []
    [second] = player.ask("next").parts()
    assert first.is_key
    assert second.is_key
    assert 900 <= second.ms - first.ms <= 1100


def test_jpeg_comes_picture_by_picture(recorded: Running) -> None:
    with Player(recorded) as player:
        first = player.open(alwaysstdjpeg="yes").go(_early(player))
        second = player.ask("next")
    assert first.fields["Content-type"] == "image/jpeg"
    assert second.current == int(first.fields["Next"])
    for answer in (first, second):
        [picture] = av.CodecContext.create("mjpeg", "r").decode(av.Packet(answer.body))
        assert (picture.width, picture.height) == (160, 90)


def test_alarms_list_the_recorded_stretches(player: Player) -> None:
    before, after = _gap(player)
    span = "<timespan>30000</timespan><numalarms>{}</numalarms>"
    centre = f"<centertime>{round(_now_ms())}</centertime>"
    player.call("alarms", centre + span.format(5), 8)
    listed = [
        [int(alarm.findtext(name) or 0) for name in ("starttime", "alarmtime", "endtime")]
        for alarm in player.document().iter("alarm")
    ]
    assert len(listed) == 2
    assert before < listed[0][2] < before + 1000
    assert listed[1][:2] == [after, after]
    player.call("alarms", centre + span.format(1), 8)
    assert len([*player.document().iter("alarm")]) == 1


@pytest.mark.parametrize(("name", "inner"), [("goto", "<time>now</time>"), ("goto", ""), ("alarms", "")])
def test_the_recorder_hangs_up_on_a_request_without_its_numbers(player: Player, name: str, inner: str) -> None:
    player.call(name, inner)
    assert list(player.messages()) == []


def test_a_lost_camera_is_not_recorded(video: Path) -> None:
    with run(video, "--recorded-seconds", "5") as site, Player(site) as player:
        site.act("lose-camera", camera=site.camera)
        lost_at, time_out = _now_ms(), time.monotonic() + TIMEOUT_S
        last = player.open().ask("end")
        while _now_ms() - lost_at < 1500 and time.monotonic() < time_out:
            last = player.ask("end")
    assert lost_at - 3000 < last.current <= lost_at
