from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection

from core.engine import outbound
from core.engine.messages import BoxesSeen, Heartbeat, StreamChanged
from core.engine.outbound import MAX_BOXES, Outbound
from core.types import FrameBoxes, StreamState


def state(camera_id: str) -> StreamChanged:
    return StreamChanged(camera_id=camera_id, state=StreamState.STREAMING)


def boxes(captured_at: float) -> BoxesSeen:
    return BoxesSeen(boxes=FrameBoxes(camera_id="a", captured_at=captured_at, tracks=()))


def drain(connection: Connection) -> list[object]:
    received = []
    try:
        while connection.poll(5.0):
            received.append(connection.recv())
    except EOFError:
        pass
    return received


def test_what_was_queued_before_close_arrives_in_order() -> None:
    ours, theirs = multiprocessing.Pipe()
    lane = Outbound(theirs)
    for number in range(20):
        lane.send(state(str(number)))
    lane.close(5.0)
    theirs.close()
    assert [message.camera_id for message in drain(ours) if isinstance(message, StreamChanged)] == [
        str(number) for number in range(20)
    ]


def test_boxes_beyond_the_bound_are_dropped_oldest_first_and_counted() -> None:
    ours, theirs = multiprocessing.Pipe()
    lane = Outbound(theirs)
    surplus = 3
    # Far more than the pipe's own buffer: the writer is held until we read.
    for number in range(20 * MAX_BOXES):
        lane.send(boxes(float(number)))
    assert lane.dropped_boxes >= surplus
    newest = boxes(float(20 * MAX_BOXES - 1))
    received: list[object] = []
    while newest not in received and ours.poll(5.0):
        received.append(ours.recv())
    lane.close(5.0)
    assert received[-1] == newest


def test_a_supervisor_that_is_gone_breaks_the_lane_and_frees_who_waits() -> None:
    ours, theirs = multiprocessing.Pipe()
    lane = Outbound(theirs)
    ours.close()
    for _ in range(outbound.MAX_MESSAGES + 10):
        lane.send(state("a"))
    lane.close(5.0)
    assert lane.is_broken
    lane.send(state("a"))
    assert not lane._messages


def test_a_message_that_cannot_be_pickled_does_not_stop_the_others() -> None:
    ours, theirs = multiprocessing.Pipe()
    lane = Outbound(theirs)
    lane.send(Heartbeat(statistics={"a": {"x": lambda: 1.0}}, dropped_boxes=0))  # type: ignore[dict-item]
    lane.send(state("a"))
    lane.close(5.0)
    theirs.close()
    assert drain(ours) == [state("a")]
