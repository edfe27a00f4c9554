import asyncio
from collections.abc import Awaitable, Callable

import pytest
from lxml import etree

from config.model import RuleSettings
from connectors.onvif.device.calls import Access, Fault
from connectors.onvif.device.hub import EventHub
from connectors.onvif.device.services import events
from connectors.onvif.device.xml import child, element
from core.clock import ManualClock, iso_utc
from tests.connectors.onvif.device.event_support import (
    BASE_URL,
    EVENTS,
    GATE,
    Client,
    a_device,
    an_alert,
    key_of,
    pull_messages,
    text_at,
)
from tests.connectors.onvif.schemas import validate

pytestmark = pytest.mark.shared_data


def running(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        async with asyncio.timeout(10):
            await story()

    asyncio.run(told())


def test_the_whole_life_of_a_subscription_is_valid() -> None:
    async def story() -> None:
        hub = EventHub(a_device())
        client = Client(hub)
        created = await client.subscribe("tns1:RuleEngine//.")
        validate(created)
        hub.publish(an_alert(), key_of(an_alert()))
        for body in (
            pull_messages("PT0S", 100),
            pull_messages("PT0S", 100),
            element("tev:SetSynchronizationPoint"),
            _renew("PT2M"),
            element("wsnt:Unsubscribe"),
        ):
            validate(body)
            validate(await client.ask(body))
        hub.close()

    running(story)


def test_capabilities_say_that_nothing_is_sent_unasked() -> None:
    async def story() -> None:
        answer = await Client(EventHub(a_device(limit=3))).ask(element("tev:GetServiceCapabilities"))
        validate(answer)
        assert answer[0].get("MaxNotificationProducers") == "0"
        assert answer[0].get("MaxPullPoints") == "3"

    running(story)


@pytest.mark.parametrize(
    "rules",
    [(), (GATE,), tuple(RuleSettings(id=f"r.{n}", type=n) for n in ("fire", "weapon", "loitering", "counting"))],
)
def test_event_properties_are_valid_and_tell_both_dialects(rules: tuple[RuleSettings, ...]) -> None:
    async def story() -> None:
        answer = await Client(EventHub(a_device(*rules, cameras=2))).ask(element("tev:GetEventProperties"))
        validate(answer)
        dialects = [item.text or "" for item in answer.iterfind("{*}TopicExpressionDialect")]
        assert [dialect.rpartition("/")[2] for dialect in dialects] == ["Concrete", "ConcreteSet"]
        assert text_at(answer, "wsnt:FixedTopicSet") == "false"

    running(story)


def test_what_the_device_does_not_do_is_no_operation_and_only_capabilities_are_open_to_all() -> None:
    operations = EventHub(a_device()).operations()
    names = {operation.name for operation in operations}
    assert not {"Subscribe", "Seek", "GetCurrentMessage", "Notify", "PauseSubscription", "CreatePullPoint"} & names
    assert [item.name for item in operations if item.access is Access.PRE_AUTH] == ["GetServiceCapabilities"]


def test_a_pull_points_address_is_where_the_client_reached_us() -> None:
    async def story() -> None:
        created = await Client(EventHub(a_device())).subscribe()
        address = text_at(created, "tev:SubscriptionReference/wsa:Address")
        assert address.startswith(f"{BASE_URL}/onvif/pull_point/")

    running(story)


@pytest.mark.parametrize(
    ("asked", "granted_s"), [("PT2M", 120), ("2023-11-14T22:14:20Z", 60), ("", 60), ("P1D", 86_400), ("PT0.5S", 0.5)]
)
def test_a_termination_time_is_granted_as_asked(asked: str, granted_s: float) -> None:
    async def story() -> None:
        created = await Client(EventHub(a_device(clock=ManualClock(1_700_000_000.0)))).subscribe(lifetime=asked)
        assert text_at(created, "wsnt:CurrentTime") == "2023-11-14T22:13:20.000Z"
        assert text_at(created, "wsnt:TerminationTime") == _iso(granted_s)

    running(story)


@pytest.mark.parametrize(
    "asked", ["PT0S", "-PT1S", "P1DT1S", "2023-11-14T22:13:20Z", "2020-01-01T00:00:00Z", "soon", "P"]
)
def test_a_termination_time_that_cannot_be_granted_gets_the_fault_that_tells_the_limits(asked: str) -> None:
    async def story() -> None:
        client = Client(EventHub(a_device(clock=ManualClock(1_700_000_000.0))))
        fault = await _fault(client.subscribe(lifetime=asked))
        _assert_detail(fault, "UnacceptableInitialTerminationTimeFault")
        await client.subscribe()
        _assert_detail(await _fault(client.ask(_renew(asked))), "UnacceptableTerminationTimeFault")
        await client.pull()

    running(story)


def test_pulling_and_renewing_keep_a_pull_point_alive_and_silence_ends_it() -> None:
    async def story() -> None:
        clock = ManualClock(1_700_000_000.0)
        hub = EventHub(a_device(clock=clock))
        client = Client(hub)
        await client.subscribe(lifetime="PT10S")
        for _ in range(3):
            clock.advance(9)
            await client.pull()
        clock.advance(9)
        renewed = await client.ask(_renew("PT30S"))
        assert text_at(renewed, "wsnt:TerminationTime") == _iso(4 * 9 + 30)
        clock.advance(29)
        await client.pull()
        clock.advance(30)
        assert hub.statistics()["subscribers"] == 0
        for body in (pull_messages("PT1S", 1), _renew("PT1M"), element("wsnt:Unsubscribe")):
            _assert_detail(await _fault(client.ask(body)), "ResourceUnknownFault")

    running(story)


def test_after_an_answer_the_pull_point_lives_for_the_pulls_own_time_out() -> None:
    async def story() -> None:
        client = Client(EventHub(a_device(clock=ManualClock(1_700_000_000.0))))
        await client.subscribe(lifetime="PT10S")
        answer = await client.ask(pull_messages("PT5M", 1))
        assert text_at(answer, "tev:TerminationTime") == _iso(300)

    running(story)


@pytest.mark.parametrize("path", [EVENTS, "/onvif/pull_point/", "/onvif/pull_point/0", "/elsewhere"])
def test_an_unknown_pull_point_gets_the_fault_that_makes_clients_subscribe_again(path: str) -> None:
    async def story() -> None:
        client = Client(EventHub(a_device()))
        await client.subscribe()
        for body in (pull_messages("PT1S", 1), element("tev:SetSynchronizationPoint"), element("wsnt:Unsubscribe")):
            _assert_detail(await _fault(client.ask(body, path)), "ResourceUnknownFault")

    running(story)


def test_no_more_pull_points_than_the_site_allows_and_each_that_ends_frees_one() -> None:
    async def story() -> None:
        hub = EventHub(a_device(limit=2))
        clients = [Client(hub) for _ in range(3)]
        await clients[0].subscribe()
        await clients[1].subscribe()
        _assert_detail(await _fault(clients[2].subscribe()), "SubscribeCreationFailedFault")
        await clients[0].unsubscribe()
        await clients[2].subscribe()

    running(story)


@pytest.mark.parametrize(
    ("timeout", "limit", "subcode"),
    [
        ("", 1, "InvalidTimeout"),
        ("60", 1, "InvalidTimeout"),
        ("-PT1S", 1, "InvalidTimeout"),
        ("PT1S", 0, "InvalidMessageLimit"),
        ("PT1S", -5, "InvalidMessageLimit"),
        ("PT1S", "many", "InvalidMessageLimit"),
        ("PT1S", "9" * 5_000, "InvalidMessageLimit"),
    ],
)
def test_a_pull_with_wrong_arguments_is_refused(timeout: str, limit: object, subcode: str) -> None:
    async def story() -> None:
        client = Client(EventHub(a_device()))
        await client.subscribe()
        fault = await _fault(client.ask(pull_messages(timeout, limit)))
        assert (fault.code, fault.subcodes) == ("Sender", ("InvalidArgVal", subcode))

    running(story)


def test_a_longer_time_out_than_we_wait_gets_the_fault_with_the_limits_but_any_message_limit_is_fine() -> None:
    async def story() -> None:
        client = Client(EventHub(a_device()))
        await client.subscribe()
        await client.ask(pull_messages("PT0S", 2**31 - 1))
        fault = await _fault(client.ask(pull_messages("PT2H", 1)))
        _assert_detail(fault, "PullMessagesFaultResponse")
        assert fault.detail is not None
        assert text_at(fault.detail, "tev:MaxTimeout") == f"PT{events.MAX_PULL_S:.0f}S"

    running(story)


async def _fault(asking: Awaitable[object]) -> Fault:
    with pytest.raises(Fault) as caught:
        await asking
    return caught.value


def _assert_detail(fault: Fault, name: str) -> None:
    assert (fault.code, fault.subcodes) == ("Receiver", ())
    assert fault.detail is not None
    assert etree.QName(fault.detail).localname == name
    validate(fault.detail)


def _renew(text: str) -> etree._Element:
    body = element("wsnt:Renew")
    child(body, "wsnt:TerminationTime", text)
    return body


def _iso(after_s: float) -> str:
    return iso_utc(1_700_000_000.0 + after_s)
