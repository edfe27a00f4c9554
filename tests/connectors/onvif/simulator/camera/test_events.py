from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
import requests

from connectors.onvif.simulator.camera.pull_points import PullPoints, TopicFilter
from connectors.onvif.simulator.camera.topics import CONCRETE, CONCRETE_SET, Message, matches
from core.clock import ManualClock, parse_iso
from tests.connectors.onvif.simulator.camera.running import Bridge, pull_content, subcodes

pytestmark = pytest.mark.slow

INPUT, LOSS = "tns1:Device/Trigger/DigitalInput", "tns1:VideoSource/SignalLoss"
PREFIXES = {"tns1": "http://www.onvif.org/ver10/topics", "t": "http://www.onvif.org/ver10/topics"}


def _message(topic: str = INPUT, state: str = "true", operation: str = "Changed") -> Message:
    return Message(topic=topic, at=1.0, source={"InputToken": "1"}, data={"LogicalState": state}, operation=operation)


@pytest.mark.parametrize(
    ("expression", "dialect", "taken"),
    [
        (INPUT, CONCRETE, {INPUT}),
        ("t:VideoSource/SignalLoss", CONCRETE, {LOSS}),
        (f"{INPUT}|{LOSS}", CONCRETE_SET, {INPUT, LOSS}),
        ("tns1:Device//.", CONCRETE_SET, {INPUT}),
        ("tns1:Device/Trigger//.|tns1:VideoSource//.", CONCRETE_SET, {INPUT, LOSS}),
        ("tns1:Device", CONCRETE_SET, set()),
        ("tns1:RuleEngine//.", CONCRETE_SET, set()),
    ],
)
def test_filters_choose_topics(expression: str, dialect: str, taken: set[str]) -> None:
    assert {topic for topic in (INPUT, LOSS) if matches(topic, expression, dialect, PREFIXES)} == taken


@pytest.mark.parametrize(
    ("expression", "dialect"), [(f"{INPUT}|{LOSS}", CONCRETE), ("x:Device", CONCRETE_SET), ("a//b", CONCRETE_SET)]
)
def test_what_is_no_filter_is_refused(expression: str, dialect: str) -> None:
    with pytest.raises(ValueError, match=r"names one topic|no namespace|empty"):
        matches(INPUT, expression, dialect, PREFIXES)


def test_a_newcomer_is_told_the_state_of_every_property() -> None:
    async def body() -> None:
        points = PullPoints(ManualClock(), 2)
        points.tell(_message(state="false"))
        points.tell(_message(state="true"))
        points.tell(_message(topic="tns1:Vendor/Once", operation=""))
        told = await points.open((), 60.0).take(10, 0.0)
        assert [(one.topic, one.operation, one.data["LogicalState"]) for one in told] == [
            (INPUT, "Initialized", "true")
        ]

    asyncio.run(body())


def test_a_subscription_lives_as_long_as_it_is_pulled() -> None:
    async def body() -> None:
        clock = ManualClock()
        points = PullPoints(clock, 1)
        point = points.open((), 60.0)
        for _ in range(3):
            clock.advance(59.0)
            assert points.find(point.token) is point
            points.prolong(point)
        clock.advance(60.0)
        assert points.find(point.token) is None
        assert not points.is_full

    asyncio.run(body())


def test_a_subscriber_who_never_pulls_loses_the_oldest() -> None:
    async def body() -> None:
        points = PullPoints(ManualClock(), 1)
        point = points.open((), 60.0)
        for number in range(501):
            points.tell(_message(topic=f"tns1:N{number}", operation=""))
        assert point.dropped == 1
        assert point.waiting[0].topic == "tns1:N1"

    asyncio.run(body())


def test_a_waiting_pull_is_answered_when_something_happens() -> None:
    async def body() -> None:
        points = PullPoints(ManualClock(), 1)
        chosen = TopicFilter(expression=INPUT, dialect=CONCRETE, prefixes=PREFIXES)
        point = points.open((chosen,), 60.0)
        pull = asyncio.create_task(point.take(10, 5.0))
        await asyncio.sleep(0)
        points.tell(_message(topic=LOSS))
        await asyncio.sleep(0)
        assert not pull.done()
        points.tell(_message())
        assert [one.topic for one in await pull] == [INPUT]

    asyncio.run(body())


def test_what_people_do_reaches_every_subscriber(fresh: Bridge) -> None:
    everything = fresh.subscribe()
    losses = fresh.subscribe(_filter(LOSS))
    for url in (everything, losses):
        fresh.pull(url)
    fresh.act("set-input", state=True)
    fresh.act("lose-camera")
    fresh.act("return-camera", camera=fresh.camera)
    state = [(LOSS, "Changed", {"Source": fresh.camera, "State": word}) for word in ("true", "false")]
    turned = (INPUT, "Changed", {"InputToken": "Input 1", "LogicalState": "true"})
    assert fresh.pull(everything) == [turned, *state]
    assert fresh.pull(losses) == state
    assert [event["heard_by"] for event in fresh.ledger("event")] == [2, 2, 2]


def test_any_event_can_be_raised(fresh: Bridge) -> None:
    url = fresh.subscribe()
    fresh.pull(url)
    fresh.act("raise-event", topic="tns1:Vendor/Door", source={"Door": "1"}, data={"Open": True}, operation="")
    assert fresh.pull(url) == [("tns1:Vendor/Door", "", {"Door": "1", "Open": "true"})]


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("set-input", {"input": "nobody's"}),
        ("set-input", {"state": "on"}),
        ("lose-camera", {"camera": "nobody's"}),
        ("raise-event", {"topic": "Door"}),
        ("raise-event", {"topic": "tns1:Door", "operation": "Sneezed"}),
        ("raise-event", {"topic": "tns1:Door", "data": ["x"]}),
        ("disturb", {"outcome": "upside-down"}),
        ("disturb", {"outcome": "stall"}),
    ],
)
def test_acts_that_make_no_sense_are_refused(bridge: Bridge, name: str, order: dict[str, Any]) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        bridge.act(name, **order)


@pytest.mark.parametrize(
    "content",
    [
        "<tev:InitialTerminationTime>soon</tev:InitialTerminationTime>",
        "<tev:InitialTerminationTime>2000-01-01T00:00:00Z</tev:InitialTerminationTime>",
        "<tev:InitialTerminationTime>P1Y</tev:InitialTerminationTime>",
        '<tev:Filter><wsnt:TopicExpression Dialect="urn:other">x</wsnt:TopicExpression></tev:Filter>',
        f'<tev:Filter><wsnt:TopicExpression Dialect="{CONCRETE}">v:Door</wsnt:TopicExpression></tev:Filter>',
        '<tev:Filter><wsnt:MessageContent Dialect="x">y</wsnt:MessageContent></tev:Filter>',
    ],
)
def test_subscriptions_that_make_no_sense_are_refused(bridge: Bridge, content: str) -> None:
    response = bridge.ask("tev:CreatePullPointSubscription", content)
    assert (response.status_code, subcodes(response)[:2]) == (400, ["env:Sender", "ter:InvalidArgVal"])


@pytest.mark.parametrize(
    ("timeout", "limit", "told"),
    [("PT61S", 10, "MaxTimeout"), ("PT1S", 5000, "MaxMessageLimit"), ("soon", 10, "is none"), ("PT1S", 0, "is none")],
)
def test_pulls_beyond_the_limits_are_refused(bridge: Bridge, timeout: str, limit: int, told: str) -> None:
    response = bridge.ask("tev:PullMessages", pull_content(timeout, limit), url=bridge.subscribe())
    assert response.status_code == 400
    assert told in response.text


def test_a_subscription_that_is_over_is_unknown(fresh: Bridge) -> None:
    left, expired = fresh.subscribe(), fresh.subscribe()
    fresh.told("wsnt:Unsubscribe", url=left)
    assert fresh.act("expire-subscriptions") == {"expired": 1}
    for url in (left, expired):
        response = fresh.ask("tev:PullMessages", pull_content("PT1S", 10), url=url)
        assert response.status_code == 400
        assert "ResourceUnknownFault" in response.text


def test_an_expiry_ends_a_waiting_pull(fresh: Bridge) -> None:
    url = fresh.subscribe()
    fresh.pull(url)
    answers: list[requests.Response] = []
    content = pull_content("PT30S", 10)
    thread = threading.Thread(target=lambda: answers.append(fresh.ask("tev:PullMessages", content, url=url)))
    thread.start()
    until = time.monotonic() + 5
    while len([one for one in fresh.ledger("request") if one["operation"] == "PullMessages"]) < 2:
        assert time.monotonic() < until
    fresh.act("restart")
    thread.join(5)
    assert "ResourceUnknownFault" in answers[0].text


@pytest.mark.parametrize(
    ("outcome", "seen"),
    [
        ("expire", "ResourceUnknownFault"),
        ("hasty", "PullMessagesResponse"),
        ("mute", "PullMessagesResponse"),
    ],
)
def test_pull_points_fail_as_ordered(fresh: Bridge, outcome: str, seen: str) -> None:
    url = fresh.subscribe()
    fresh.pull(url)
    fresh.act("set-input", state=True)
    fresh.order("events", outcome)
    if outcome == "hasty":
        fresh.order("events")
        fresh.pull(url)
        fresh.order("events", outcome)
    response = fresh.ask("tev:PullMessages", pull_content("PT30S" if outcome == "hasty" else "PT0S", 10), url=url)
    assert seen in response.text
    assert "NotificationMessage" not in response.text


def test_subscriptions_fail_as_ordered(fresh: Bridge) -> None:
    fresh.order("events", "full")
    assert "SubscribeCreationFailedFault" in fresh.ask("tev:CreatePullPointSubscription").text
    fresh.order("events", "undeclared-host")
    assert fresh.subscribe().startswith("http://192.0.2.10:")
    fresh.order("events", "short")
    answer = fresh.told("tev:CreatePullPointSubscription")
    now, end = (parse_iso(item.text or "") for item in answer if item.tag.endswith("Time"))
    assert end - now == pytest.approx(2.0, abs=0.01)


def test_no_more_subscriptions_than_allowed(fresh: Bridge) -> None:
    for _ in range(10):
        fresh.subscribe()
    assert "SubscribeCreationFailedFault" in fresh.ask("tev:CreatePullPointSubscription").text


def _filter(topic: str) -> str:
    expression = f'<wsnt:TopicExpression Dialect="{CONCRETE}">{topic}</wsnt:TopicExpression>'
    return f"<tev:Filter>{expression}</tev:Filter>"
