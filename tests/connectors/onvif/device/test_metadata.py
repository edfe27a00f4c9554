from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest
from lxml import etree

from connectors.onvif.device.capture_order import CONFIRMATIONS
from connectors.onvif.device.metadata import KEEP_ALIVE_S, TRAIL_POINTS, WHOLE_EVERY_S, ChannelMetadata
from core.clock import ManualClock, iso_utc, parse_iso
from tests.connectors.onvif.device.streams import START, boxes, camera, during, find, taken, utc_times
from tests.connectors.onvif.schemas import validate_metadata

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(utc=START)


@pytest.fixture
def channel(clock: ManualClock) -> ChannelMetadata:
    return ChannelMetadata(camera(), clock)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_boxes_leave_at_once_with_the_capture_time_of_their_frame(channel: ChannelMetadata) -> None:
    async def work() -> None:
        (document,) = await during(channel.feed, lambda: channel.show(boxes(0.2, 7)))
        assert document.captured_at == START + 0.2
        assert utc_times([document]) == [iso_utc(START + 0.2)]
        (item,) = find(document, ".//tt:Object")
        assert item.get("ObjectId") == "7"

    run(work())


def test_late_boxes_are_dropped_and_counted(channel: ChannelMetadata) -> None:
    def act() -> None:
        for offset_s in (0.0, 0.2, 0.1, 0.2, 0.3):
            channel.show(boxes(offset_s, 1))

    async def work() -> None:
        documents = await during(channel.feed, act)
        assert [document.captured_at for document in documents] == [START, START + 0.2, START + 0.3]

    run(work())
    assert channel.statistics.frames_late == 2


def test_nothing_is_written_while_nobody_listens(channel: ChannelMetadata, clock: ManualClock) -> None:
    channel.show(boxes(0.0, 1))
    clock.advance(5.0)
    channel.keep_alive()
    assert not channel.tell([])
    assert channel.statistics.documents == 0
    assert channel.statistics.frames_unheard == 1


def test_who_joins_gets_the_present_boxes_at_once(channel: ChannelMetadata) -> None:
    async def work() -> None:
        channel.show(boxes(0.0, 3))
        async with channel.feed.listen() as listener:
            (document,) = await taken(listener)
        assert len(find(document, ".//tt:Object")) == 1
        assert find(document, ".//vigie:Rule")

    run(work())


def test_who_joins_a_silent_channel_gets_an_empty_frame_at_once(channel: ChannelMetadata, clock: ManualClock) -> None:
    async def work() -> None:
        channel.show(boxes(0.0, 3))
        clock.advance(KEEP_ALIVE_S)
        async with channel.feed.listen() as listener:
            (document,) = await taken(listener)
        assert find(document, ".//tt:Frame")
        assert not find(document, ".//tt:Object")

    run(work())


def test_a_synchronisation_point_repeats_the_present_state(channel: ChannelMetadata) -> None:
    async def work() -> None:
        channel.show(boxes(0.0, 3))
        (document,) = await during(channel.feed, channel.feed.synchronise)
        assert document.captured_at == START
        assert len(find(document, ".//tt:Object")) == 1

    run(work())


def test_without_frames_an_empty_one_leaves_at_least_every_second(channel: ChannelMetadata, clock: ManualClock) -> None:
    def act() -> None:
        channel.show(boxes(0.0, 1))
        for _ in range(50):
            clock.advance(0.2)
            channel.keep_alive()

    async def work() -> None:
        documents = await during(channel.feed, act)
        times = [document.captured_at for document in documents]
        assert times == sorted(times)
        assert max(later - earlier for earlier, later in pairwise(times)) <= 1.0
        assert times[-1] == pytest.approx(START + 10.0, abs=1.5)
        assert not find(documents[1], ".//tt:Object")

    run(work())


def test_neither_events_nor_synchronisation_keep_old_boxes_alive(channel: ChannelMetadata, clock: ManualClock) -> None:
    def act() -> None:
        channel.show(boxes(0.0, 1))
        for _ in range(8):
            clock.advance(KEEP_ALIVE_S / 4)
            channel.tell([_message()])
            channel.feed.synchronise()
            channel.keep_alive()

    async def work() -> None:
        documents = await during(channel.feed, act)
        assert find(documents[0], ".//tt:Object")
        assert not find(documents[-1], ".//tt:Object")

    run(work())


def test_boxes_that_come_often_need_no_empty_frames(channel: ChannelMetadata, clock: ManualClock) -> None:
    def act() -> None:
        for number in range(20):
            channel.show(boxes(number * 0.5, 1))
            clock.advance(0.5)
            channel.keep_alive()

    run(_discarded(during(channel.feed, act)))
    assert channel.statistics.empty_frames == 1  # the greeting


def test_zones_and_trails_come_about_once_per_second(channel: ChannelMetadata, clock: ManualClock) -> None:
    def act() -> None:
        for number in range(9):
            channel.show(boxes(number * 0.25, 1))
            clock.advance(0.25)

    async def work() -> None:
        documents = await during(channel.feed, act)
        whole = [document.captured_at - START for document in documents if find(document, ".//vigie:Rules")]
        assert whole == pytest.approx([1.0, 2.0])  # the greeting was whole too

    run(work())
    assert WHOLE_EVERY_S == 1.0


def test_a_trail_tells_where_the_object_was_and_when(channel: ChannelMetadata, clock: ManualClock) -> None:
    def act() -> None:
        for number in range(81):
            channel.show(boxes(number * 0.1, 1, left=number / 200))
            clock.advance(0.1)

    async def work() -> None:
        documents = await during(channel.feed, act)
        whole = next(document for document in reversed(documents) if find(document, ".//tt:ObjectTrack"))
        states = find(whole, ".//tt:ObjectTrack/tt:ObjectState")
        moments = [parse_iso(str(state.get("CaptureTime"))) for state in states]
        assert len(states) == TRAIL_POINTS
        assert moments == sorted(moments)
        assert moments[-1] <= whole.captured_at
        for state, moment in zip(states, moments, strict=True):
            box = state.find("./{*}Appearance/{*}Shape/{*}BoundingBox")
            assert box is not None
            assert float(str(box.get("left"))) == pytest.approx((moment - START) * 10 / 200 * 2 - 1, abs=1e-3)

    run(work())


def test_a_zone_is_a_polygon_and_a_line_a_polyline_in_onvifs_coordinates(channel: ChannelMetadata) -> None:
    async def work() -> None:
        async with channel.feed.listen() as listener:
            (document,) = await taken(listener)
        zone, line = find(document, ".//vigie:Rule")
        assert {str(name): value for name, value in zone.attrib.items()} == {
            "Id": "platform",
            "Type": "zone_presence",
            "Name": "Quai <1> & voie",
        }
        assert [(point.get("x"), point.get("y")) for point in zone.iterfind("./{*}Polygon/{*}Point")] == [
            ("0.0000", "1.0000"),
            ("1.0000", "1.0000"),
            ("1.0000", "-1.0000"),
        ]
        assert line.get("Name") == "door"
        assert [(point.get("x"), point.get("y")) for point in line.iterfind("./{*}Polyline/{*}Point")] == [
            ("-1.0000", "0.0000"),
            ("1.0000", "0.0000"),
        ]

    run(work())


def test_a_recorders_clock_that_was_set_back_ends_the_listeners_and_new_ones_go_on(channel: ChannelMetadata) -> None:
    async def work() -> None:
        async with channel.feed.listen() as before:
            channel.show(boxes(0.0, 1))
            for number in range(CONFIRMATIONS + 2):
                channel.show(boxes(-3600.0 + number, 1))
            assert [document.captured_at for document in (await taken(before))[1:]] == [START]
            with pytest.raises(StopAsyncIteration):
                await anext(before)
        async with channel.feed.listen() as after:
            channel.show(boxes(-3000.0, 1))
            assert (await taken(after))[-1].captured_at == START - 3000.0

    run(work())
    assert channel.statistics.clock_set_back == 1


def test_events_are_never_dated_before_what_left(channel: ChannelMetadata) -> None:
    def act() -> None:
        channel.show(boxes(5.0, 1))
        channel.tell([_message()])
        channel.show(boxes(5.1, 1))

    async def work() -> None:
        documents = await during(channel.feed, act)
        assert [document.captured_at for document in documents] == [START + 5.0, START + 5.0, START + 5.1]
        assert find(documents[1], "./tt:Event/wsnt:NotificationMessage/wsnt:Topic")

    run(work())


@pytest.mark.shared_data
def test_every_kind_of_document_is_valid(channel: ChannelMetadata, clock: ManualClock) -> None:
    def act() -> None:
        channel.show(boxes(0.0))
        for number in range(30):
            clock.advance(0.1)
            channel.show(boxes(number * 0.1 + 0.1, 1, 2, 3))
        channel.tell([_message()])
        clock.advance(2.0)
        channel.keep_alive()

    async def work() -> None:
        documents = await during(channel.feed, act)
        assert len(documents) == 33
        for document in documents:
            root = validate_metadata(document.data)
            for trail in root.iterfind(".//{*}ObjectTrack"):
                _validate_trail(root, trail)

    run(work())


def _validate_trail(root: etree._Element, trail: etree._Element) -> None:
    """In an extension an undeclared element is not looked at, unless it names its type."""
    typed = copy.deepcopy(root)
    for found in typed.iterfind(".//{*}ObjectTrack"):
        found.set(XSI_TYPE, "tt:ObjectTrack")
    validate_metadata(etree.tostring(typed))
    next(typed.iterfind(".//{*}ObjectState")).attrib.pop("CaptureTime")
    with pytest.raises(AssertionError, match="CaptureTime"):
        validate_metadata(etree.tostring(typed))
    assert trail.tag


def _message() -> etree._Element:
    return etree.fromstring(
        b'<wsnt:NotificationMessage xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"'
        b' xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tns1="http://www.onvif.org/ver10/topics">'
        b'<wsnt:Topic Dialect="http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete">tns1:RuleEngine/Loitering'
        b'</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2023-11-14T22:13:20Z" PropertyOperation="Changed"><tt:Source/>'
        b"<tt:Data/></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )


async def _discarded(work: Coroutine[Any, Any, object]) -> None:
    await work
