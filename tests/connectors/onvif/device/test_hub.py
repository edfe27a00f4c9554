import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import pytest

from config.model import RuleSettings
from connectors.onvif.device.calls import Fault
from connectors.onvif.device.hub import SETTLED_S, EventHub
from connectors.onvif.device.pull_points import MAX_QUEUED
from connectors.onvif.device.xml import element
from core.clock import ManualClock
from core.errors import NotFoundInVms, VmsRefused, VmsUnavailable
from core.types import Alert
from tests.connectors.onvif.device.event_support import (
    GATE,
    YARD,
    Client,
    Pulled,
    a_device,
    an_alert,
    key_of,
    token_of,
    until_waiting,
)
from tests.connectors.onvif.schemas import validate

pytestmark = pytest.mark.slow

LONG_S = 3_600.0
"""A pulse that does not end within a test."""


def running(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        async with asyncio.timeout(10):
            await story()

    asyncio.run(told())


def alerts_in(messages: Sequence[Pulled]) -> list[str]:
    return [message.token for message in messages if message.token]


def publish(hub: EventHub, alert: Alert) -> None:
    hub.publish(alert, key_of(alert))


def test_an_alert_without_subscriber_stays_with_the_core_and_a_later_subscriber_gets_nothing_old() -> None:
    async def story() -> None:
        hub = EventHub(a_device())
        with pytest.raises(VmsUnavailable, match="nobody is subscribed") as caught:
            publish(hub, an_alert())
        assert "vms" in caught.value.remedy
        assert hub.state_of(key_of(an_alert())) == "unknown"
        client = Client(hub)
        await client.subscribe()
        assert not alerts_in(await client.pull())
        publish(hub, an_alert())
        assert alerts_in(await client.pull()) == [token_of(an_alert())] * 2

    running(story)


def test_a_subscriber_that_filters_the_alert_out_is_none() -> None:
    async def story() -> None:
        hub = EventHub(a_device())
        await Client(hub).subscribe("tns1:RuleEngine/FieldDetector//.")
        with pytest.raises(VmsUnavailable, match="nobody"):
            publish(hub, an_alert(GATE))
        publish(hub, an_alert(YARD))

    running(story)


def test_an_alert_that_a_settled_vms_filters_out_does_not_hold_up_those_behind_it() -> None:
    async def story() -> None:
        clock = ManualClock()
        hub = EventHub(a_device(clock=clock))
        client = Client(hub)
        await client.subscribe("tns1:RuleEngine/FieldDetector//.")
        clock.advance(SETTLED_S + 1)
        with pytest.raises(VmsRefused, match="leaves out the events of rule gate of camera quai-0") as caught:
            publish(hub, an_alert(GATE))
        assert "filter" in caught.value.remedy
        await Client(hub).subscribe("tns1:RuleEngine/FieldDetector//.")  # it may be connecting again
        with pytest.raises(VmsUnavailable):
            publish(hub, an_alert(GATE))

    running(story)


def test_a_waiting_pull_is_answered_by_the_next_alert_and_the_alert_is_then_taken() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        client = Client(hub)
        await client.subscribe(changed_only=True)
        pulling = asyncio.create_task(client.pull("PT1M"))
        await until_waiting()
        alert = an_alert()
        publish(hub, alert)
        assert hub.state_of(key_of(alert)) == "waiting"
        assert await hub.wait_taken(key_of(alert), 5)
        assert [message.topic for message in await pulling] == [
            "tns1:RuleEngine/LineDetector/Crossed",
            "tns1:RuleEngine/vigie:LineCrossing/gate",
        ]
        assert hub.state_of(key_of(alert)) == "taken"
        publish(hub, alert)
        assert await client.pull() == []
        hub.close()

    running(story)


def test_every_subscriber_gets_an_alert_once_however_often_it_is_published() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        early, late = Client(hub), Client(hub)
        await early.subscribe(changed_only=True)
        publish(hub, an_alert())
        publish(hub, an_alert())
        await late.subscribe(changed_only=True)  # nobody took it yet: who comes gets it too
        publish(hub, an_alert())
        for client in (early, late):
            assert alerts_in(await client.pull()) == [token_of(an_alert())] * 2
        assert hub.statistics()["alerts_published"] == 1
        hub.close()

    running(story)


def test_messages_of_a_broken_answer_come_again_first_and_in_order() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        alerts = [an_alert(at=at) for at in (1.0, 2.0, 3.0)]
        breaks = iter([True, False, True, True])
        client = Client(hub, writes=lambda: next(breaks))
        await client.subscribe("tns1:RuleEngine/LineDetector//.")
        publish(hub, alerts[0])
        publish(hub, alerts[1])
        with pytest.raises(ConnectionError):
            await client.pull()
        assert hub.state_of(key_of(alerts[0])) == "waiting"
        publish(hub, alerts[2])
        assert alerts_in(await client.pull(limit=2)) == [token_of(alert) for alert in alerts[:2]]
        assert alerts_in(await client.pull(limit=2)) == [token_of(alerts[2])]
        assert hub.statistics()["answers_broken"] == 1
        hub.close()

    running(story)


def test_a_broken_answer_wakes_the_pull_that_came_meanwhile() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        client = Client(hub)
        await client.subscribe("tns1:RuleEngine/LineDetector//.")
        second: list[asyncio.Task[Sequence[Pulled]]] = []

        def breaks() -> bool:
            if second:
                return True
            second.append(asyncio.get_running_loop().create_task(client.pull("PT1M")))
            return False

        client.writes = breaks
        publish(hub, an_alert())
        with pytest.raises(ConnectionError):
            await client.pull()
        assert alerts_in(await second[0]) == [token_of(an_alert())]
        hub.close()

    running(story)


def test_an_alert_is_taken_only_with_the_last_of_its_messages() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        client = Client(hub)
        await client.subscribe(changed_only=True)
        publish(hub, an_alert())
        await client.pull(limit=1)
        assert hub.state_of(key_of(an_alert())) == "waiting"
        await client.pull(limit=1)
        assert hub.state_of(key_of(an_alert())) == "taken"

    running(story)


def test_a_vms_that_crashed_and_subscribes_anew_gets_what_its_old_pull_point_still_holds() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=0.02)
        crashed, back = Client(hub), Client(hub)
        await crashed.subscribe(lifetime="P1D")
        publish(hub, an_alert(YARD, at=1.0))
        publish(hub, an_alert(GATE, at=2.0))
        await back.subscribe("tns1:RuleEngine/vg:ZonePresence//.|tns1:RuleEngine/LineDetector//.", changed_only=True)
        assert alerts_in(await back.pull()) == [token_of(an_alert(YARD, at=1.0)), token_of(an_alert(GATE, at=2.0))]
        assert {hub.state_of(key_of(alert)) for alert in (an_alert(YARD, at=1.0), an_alert(GATE, at=2.0))} == {"taken"}
        (fallen,) = await back.pull("PT5S")
        assert (fallen.state, fallen.token) == ("false", "")
        later = Client(hub)
        await later.subscribe(changed_only=True)
        assert await later.pull() == []

    running(story)


@pytest.mark.parametrize("ends", ["unsubscribed", "expired"])
def test_an_alert_whose_only_subscriber_is_gone_is_published_again_to_the_next(ends: str) -> None:
    async def story() -> None:
        clock = ManualClock()
        hub = EventHub(a_device(clock=clock), pulse_s=LONG_S)
        gone, next_one = Client(hub), Client(hub)
        await gone.subscribe(changed_only=True)
        publish(hub, an_alert())
        if ends == "expired":
            clock.advance(61)
        else:
            await gone.unsubscribe()
        assert hub.state_of(key_of(an_alert())) == "unknown"
        with pytest.raises(VmsUnavailable):
            publish(hub, an_alert())
        await next_one.subscribe(changed_only=True)
        publish(hub, an_alert())
        assert alerts_in(await next_one.pull()) == [token_of(an_alert())] * 2
        hub.close()

    running(story)


def test_a_broken_answer_of_a_pull_point_that_ended_meanwhile_frees_its_alert() -> None:
    async def story() -> None:
        clock = ManualClock()
        hub = EventHub(a_device(clock=clock), pulse_s=LONG_S)

        def breaks_late() -> bool:
            clock.advance(61)
            hub.statistics()
            return False

        client = Client(hub)
        await client.subscribe(changed_only=True)
        client.writes = breaks_late
        publish(hub, an_alert())
        with pytest.raises(ConnectionError):
            await client.pull()
        assert hub.state_of(key_of(an_alert())) == "unknown"
        hub.close()

    running(story)


def test_a_state_falls_after_its_pulse_and_every_alert_rises_again() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=0.02)
        client = Client(hub)
        await client.subscribe("tns1:RuleEngine/vg:ZonePresence//.", changed_only=True)
        publish(hub, an_alert(YARD, at=10.0))
        publish(hub, an_alert(YARD, at=10.5))
        seen = [*await client.pull("PT5S"), *await client.pull("PT5S")]
        assert [(message.state, message.at[17:23], bool(message.token)) for message in seen] == [
            ("true", "10.000", True),
            ("false", "10.500", False),
            ("true", "10.500", True),
            ("false", "10.520", False),
        ]
        assert {message.operation for message in seen} == {"Changed"}

    running(story)


def test_who_subscribes_is_told_the_present_states_and_hears_of_their_end_only_if_they_were_up() -> None:
    async def story() -> None:
        hub = EventHub(a_device(YARD, RuleSettings(id="shore", type="zone_presence")), pulse_s=0.02)
        early, late = Client(hub), Client(hub)
        await early.subscribe("tns1:RuleEngine/vg:ZonePresence//.")
        assert [(item.operation, item.state) for item in await early.pull()] == [("Initialized", "false")] * 2
        publish(hub, an_alert(YARD))
        await early.pull()
        await late.subscribe("tns1:RuleEngine/vg:ZonePresence//.")
        present = await late.pull()
        assert {item.topic.rpartition("/")[2]: item.state for item in present} == {"yard": "true", "shore": "false"}
        assert not alerts_in(present)
        (fallen,) = await late.pull("PT5S")
        assert (fallen.state, fallen.operation) == ("false", "Changed")

    running(story)


def test_a_synchronisation_repeats_the_states_once_however_often_it_is_asked_for() -> None:
    async def story() -> None:
        hub = EventHub(a_device())
        client = Client(hub)
        await client.subscribe()
        for _ in range(3):
            await client.ask(element("tev:SetSynchronizationPoint"))
        assert len(await client.pull()) == 3  # gate's own, and yard's two

    running(story)


def test_the_later_of_two_pulls_goes_on_and_the_earlier_gets_the_fault() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        client = Client(hub)
        await client.subscribe(changed_only=True)
        earlier = asyncio.create_task(client.pull("PT1M"))
        await until_waiting()
        later = asyncio.create_task(client.pull("PT1M"))
        await until_waiting()
        publish(hub, an_alert())
        assert len(await later) == 2
        with pytest.raises(Fault, match="taken over"):
            await earlier
        hub.close()

    running(story)


def test_a_pull_that_waits_when_its_pull_point_ends_gets_the_fault() -> None:
    async def story() -> None:
        hub = EventHub(a_device())
        client = Client(hub)
        await client.subscribe(changed_only=True)
        waiting = asyncio.create_task(client.pull("PT1M"))
        await until_waiting()
        hub.close()
        with pytest.raises(Fault, match="no such pull point"):
            await waiting
        with pytest.raises(Fault, match="no such pull point"):
            await client.pull()

    running(story)


def test_a_pull_that_is_cancelled_takes_nothing_with_it() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        client = Client(hub)
        await client.subscribe(changed_only=True)
        waiting = asyncio.create_task(client.pull("PT1M"))
        await until_waiting()
        publish(hub, an_alert())  # wakes it; it is cancelled before it runs
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert alerts_in(await client.pull()) == [token_of(an_alert())] * 2
        hub.close()

    running(story)


def test_a_subscriber_that_never_pulls_is_given_no_more_than_its_queue_holds() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        sleeping, awake = Client(hub), Client(hub)
        await sleeping.subscribe(changed_only=True)
        told = 0
        for number in range(MAX_QUEUED):
            with contextlib.suppress(VmsUnavailable):
                publish(hub, an_alert(at=float(number)))
                told += 1
        assert 0 < told < MAX_QUEUED
        with pytest.raises(VmsUnavailable, match="queues are full"):
            publish(hub, an_alert(at=-1.0))
        assert hub.statistics()["queued_messages"] <= MAX_QUEUED + 1
        await awake.subscribe(changed_only=True)
        while await awake.pull(limit=256):
            pass
        last = an_alert(at=float(MAX_QUEUED))
        publish(hub, last)
        assert token_of(last) in alerts_in(await awake.pull())
        assert hub.state_of(key_of(last)) == "taken"
        hub.close()

    running(story)


def test_what_a_hung_subscriber_holds_goes_to_the_other_as_soon_as_that_one_has_room() -> None:
    async def story() -> None:
        hub = EventHub(a_device(), pulse_s=LONG_S)
        hung, back = Client(hub), Client(hub)
        await hung.subscribe(changed_only=True, lifetime="P1D")
        held = []
        for number in range(MAX_QUEUED):
            with contextlib.suppress(VmsUnavailable):
                publish(hub, an_alert(at=float(number)))
                held.append(an_alert(at=float(number)))
        await back.subscribe()  # the present states take some of its room
        assert held
        while await back.pull(limit=256):
            pass
        assert hub.state_of(key_of(held[-1])) == "waiting"
        assert token_of(held[-1]) in alerts_in(await back.pull(limit=256))
        assert hub.state_of(key_of(held[-1])) == "taken"
        hub.close()

    running(story)


def test_only_a_subscriber_that_pulls_or_just_did_is_waited_for() -> None:
    async def story() -> None:
        clock = ManualClock()
        hub = EventHub(a_device(clock=clock), pulse_s=LONG_S)
        client = Client(hub)
        await client.subscribe(changed_only=True)
        publish(hub, an_alert(at=1.0))
        assert not hub.is_awaited(key_of(an_alert(at=1.0)), 1.0)
        await client.pull()
        publish(hub, an_alert(at=2.0))
        assert hub.is_awaited(key_of(an_alert(at=2.0)), 1.0)
        clock.advance(1.5)
        assert not hub.is_awaited(key_of(an_alert(at=2.0)), 1.0)
        await client.pull()
        pulling = asyncio.create_task(client.pull("PT1M"))
        await until_waiting()
        clock.advance(1.5)
        publish(hub, an_alert(at=3.0))
        assert hub.is_awaited(key_of(an_alert(at=3.0)), 1.0)
        await pulling
        hub.close()

    running(story)


def test_a_camera_that_is_no_channel_needs_a_person() -> None:
    async def story() -> None:
        hub = EventHub(a_device())
        with pytest.raises(NotFoundInVms, match="quai-9"):
            publish(hub, an_alert(camera="quai-9"))

    running(story)


@pytest.mark.shared_data
def test_the_same_messages_go_into_metadata_documents() -> None:
    device = a_device()
    for message in EventHub(device).notification(an_alert(), device.channels[0]):
        validate(message)
        assert token_of(an_alert()) in [item.get("Value") for item in message.iter("{*}SimpleItem")]


@pytest.mark.parametrize("seed", range(20))
def test_no_alert_is_lost_or_doubled_whatever_breaks(seed: int) -> None:
    """An outbox that retries, subscribers whose answers break, who leave and come again: each alert once per pull point."""

    async def story() -> None:
        chance = random.Random(seed)
        clock = ManualClock()
        hub = EventHub(a_device(clock=clock), pulse_s=LONG_S)
        alerts = [an_alert(chance.choice((GATE, YARD)), at=float(number)) for number in range(40)]
        received: dict[str, Counter[tuple[str, str]]] = {}
        client = Client(hub, writes=lambda: chance.random() < 0.7)

        async def act() -> None:
            clock.advance(chance.choice((0, 0, 0, 20, 61)))
            try:
                if client.path not in received or chance.random() < 0.1:
                    await client.subscribe(changed_only=True)
                    received[client.path] = Counter()
                elif chance.random() < 0.1:
                    await client.unsubscribe()
                pulled = await client.pull(limit=chance.choice((1, 2, 5)))
                received[client.path].update((item.token, item.topic) for item in pulled if item.token)
            except (Fault, ConnectionError, KeyError):
                if chance.random() < 0.5:
                    client.path = "gone"

        for alert in alerts:
            while hub.state_of(key_of(alert)) != "taken":
                with contextlib.suppress(VmsUnavailable):
                    publish(hub, alert)
                await act()
        told = Counter(key for seen in received.values() for key in seen)
        assert {token for token, _ in told} == {token_of(alert) for alert in alerts}
        assert all(count == 1 for seen in received.values() for count in seen.values())
        hub.close()

    running(story)
