from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.genetec.simulator.query import Kind, Operation, group, parse_query
from core.errors import RequestInvalid


def _op(kind: Kind, member: str, *values: str) -> Operation:
    return Operation(kind=kind, member=member, values=values)


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        ("entity=a-b-c,Name,Guid", [_op(Kind.SET, "entity", "a-b-c"), _op(Kind.READ, "Name"), _op(Kind.READ, "Guid")]),
        ("Name=Gate 3", [_op(Kind.SET, "Name", "Gate 3")]),
        ("Name=", [_op(Kind.SET, "Name", "")]),
        ("TriggerAlarm({a-b})", [_op(Kind.CALL, "TriggerAlarm", "a-b")]),
        ("Refresh()", [_op(Kind.CALL, "Refresh")]),
        (
            "CustomEvents.Add(5000,Intrusion (AI),Camera)",
            [_op(Kind.CALL, "CustomEvents.Add", "5000", "Intrusion (AI)", "Camera")],
        ),
        (
            "EntityTypes@Camera@Door,Page=1",
            [_op(Kind.ADD, "EntityTypes", "Camera", "Door"), _op(Kind.SET, "Page", "1")],
        ),
        ("Recipients@(a-b,00:00:01)", [_op(Kind.ADD, "Recipients", "(a-b,00:00:01)")]),
        ("CustomEvents-5000", [_op(Kind.REMOVE, "CustomEvents", "5000")]),
        ("Recipients*,Name", [_op(Kind.CLEAR, "Recipients"), _op(Kind.READ, "Name")]),
        (
            "TimeRange.SetTimeRange(2026-11-20T10:15:30.120Z,2026-11-20T10:16:00Z)",
            [_op(Kind.CALL, "TimeRange.SetTimeRange", "2026-11-20T10:15:30.120Z", "2026-11-20T10:16:00Z")],
        ),
        ("event(LogicalId(Camera, 1),CameraMotion)", [_op(Kind.CALL, "event", "LogicalId(Camera, 1)", "CameraMotion")]),
        (r"Mask={2,{true,true}}", [_op(Kind.SET, "Mask", "2,{true,true}")]),
        (r"Say(a,Hi\, all\))", [_op(Kind.CALL, "Say", "a", "Hi, all)")]),
        ("Say(a,Gate (north, left))", [_op(Kind.CALL, "Say", "a", "Gate (north", " left)")]),
        ("entity=NewEntity(Alarm),Guid", [_op(Kind.SET, "entity", "NewEntity(Alarm)"), _op(Kind.READ, "Guid")]),
    ],
)
def test_operations_are_read_from_left_to_right(text: str, operations: list[Operation]) -> None:
    assert list(parse_query(text)) == operations


@pytest.mark.parametrize("text", ["", " ", "a,,b", "Say(a", "Say(a))", "Say(a)b", "=x", "a#b", "Say(a,:)),b)", "Name!"])
def test_what_is_not_a_query_is_refused(text: str) -> None:
    with pytest.raises(RequestInvalid):
        parse_query(text)


@pytest.mark.parametrize(
    ("text", "members"), [("(a-b,00:00:01)", ("a-b", "00:00:01")), ("a-b", ("a-b",)), (r"(a\,b,c)", ("a,b", "c"))]
)
def test_a_tuple_is_taken_apart(text: str, members: tuple[str, ...]) -> None:
    assert group(text) == members


TEXTS = st.text(st.characters(exclude_characters="#", exclude_categories=["Cs"]), max_size=40)


@given(TEXTS, TEXTS)
def test_an_escaped_text_comes_through_whole(first: str, second: str) -> None:
    def escaped(text: str) -> str:
        return "".join(f"\\{character}" for character in text)

    (operation,) = parse_query(f"Say(x{escaped(first)},{escaped(second)})")
    assert operation == _op(Kind.CALL, "Say", f"x{first}", second)


@given(st.text(max_size=60))
def test_any_text_is_operations_or_refused(text: str) -> None:
    with suppress(RequestInvalid):
        assert parse_query(text)
