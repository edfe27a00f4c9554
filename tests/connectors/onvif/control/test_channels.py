"""The channel against a bridge that follows a script, over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connectors.onvif.client.client import OnvifClient
from connectors.onvif.control.channels import EVENTS, open_control
from connectors.onvif.control.memory import PullPointMemory
from core.contracts import ControlSource
from core.errors import (
    AuthenticationRefused,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import CameraReported, EventSeen, Linked
from tests.connectors.listener import Listener, listening
from tests.connectors.onvif.client.answers import Element, fault, notification
from tests.connectors.onvif.client.bridge import Bridge, running_bridge, services_for, settings_for

pytestmark = pytest.mark.slow

ARM = "tns1:Device/Trigger/DigitalInput?LogicalState=true"
WAIT_S = 10.0


def turned(state: str, at: float = 1_763_632_923.0, operation: str = "Changed") -> str:
    return notification(
        "tns1:Device/Trigger/DigitalInput", {"InputToken": "1"}, {"LogicalState": state}, at=at, operation=operation
    )


def lost(token: str, state: str = "true") -> str:
    return notification("tns1:VideoSource/SignalLoss", {"Source": token}, {"State": state})


def source_of(bridge: Bridge, memory: PullPointMemory | None = None, **changes: Any) -> ControlSource:
    options = {name: changes.pop(name) for name in ("cameras", "since") if name in changes}
    services = services_for(**({"secrets": changes.pop("secrets")} if "secrets" in changes else {}))
    settings = settings_for(bridge, **{"control": [{"event": ARM, "state": "armed"}], **changes})
    return open_control(
        EVENTS,
        options.get("since", 0.0),
        settings,
        services,
        OnvifClient(settings, services),
        memory=memory or PullPointMemory(),
        cameras=options.get("cameras", ()),
    )


@contextmanager
def heard(bridge: Bridge, memory: PullPointMemory | None = None, **changes: Any) -> Iterator[Listener]:
    with listening(source_of(bridge, memory, **changes)) as listener:
        listener.linked()
        yield listener


def error_of(bridge: Bridge, **changes: Any) -> VmsError | None:
    with listening(source_of(bridge, **changes)) as listener:
        return listener.ended_with()


def test_it_is_linked_once_subscribed_and_tells_what_the_settings_name() -> None:
    with running_bridge() as bridge, heard(bridge) as listener:
        bridge.messages.put(turned("false"))
        bridge.messages.put(turned("true", at=1_763_632_924.0))
        seen = listener.next()
    assert isinstance(seen, EventSeen)
    assert (seen.event, seen.at) == (ARM, 1_763_632_924.0)
    assert seen.event_id


def test_the_present_state_is_asked_for_and_told() -> None:
    with (
        running_bridge(present=[lost("gate"), turned("true", operation="Initialized")]) as bridge,
        heard(bridge) as listener,
    ):
        assert listener.take(2)[0] == CameraReported(
            device="gate", is_lost=True, at=1_763_632_923.0, cause="the VMS has no signal from this camera"
        )


def test_only_the_topics_that_matter_are_subscribed() -> None:
    with running_bridge() as bridge, heard(bridge):
        (asked,) = bridge.asked("CreatePullPointSubscription")
        expression = asked.find(".//{*}TopicExpression")
    assert expression is not None
    assert expression.text == "t0:Device/Trigger/DigitalInput|t0:VideoSource/SignalLoss"
    assert expression.nsmap["t0"] == "http://www.onvif.org/ver10/topics"
    assert str(expression.get("Dialect")).endswith("ConcreteSet")


@pytest.mark.parametrize(
    ("script", "events"),
    [
        ({"GetEventProperties": lambda _: fault("ter:ActionNotSupported")}, [ARM]),
        ({}, ["tns1:Device/Unheard"]),
    ],
)
def test_everything_is_subscribed_where_a_topic_is_not_announced(script: dict[str, Any], events: list[str]) -> None:
    control = [{"event": event, "state": "armed"} for event in events]
    with running_bridge(script=script) as bridge, heard(bridge, control=control):
        (asked,) = bridge.asked("CreatePullPointSubscription")
    assert asked.find("{*}Filter") is None


def test_a_bridge_that_takes_no_filter_is_subscribed_without_one() -> None:
    with running_bridge() as bridge:
        detail = '<w:InvalidFilterFault xmlns:w="http://docs.oasis-open.org/wsn/b-2"/>'

        def picky(body: Element) -> Any:
            has_filter = body.find("{*}Filter") is not None
            return (
                fault("ter:InvalidArgVal", detail=detail)
                if has_filter
                else bridge._create_pull_point_subscription(body)
            )

        bridge.script["CreatePullPointSubscription"] = picky
        with heard(bridge) as listener:
            bridge.messages.put(turned("true"))
            assert isinstance(listener.next(), EventSeen)


def test_closing_ends_the_pull_point_at_once() -> None:
    with running_bridge() as bridge:
        with heard(bridge):
            assert bridge.pull_points
        assert not bridge.pull_points
        assert len(bridge.asked("Unsubscribe")) == 1


def test_a_source_that_was_closed_before_says_nothing_and_asks_nothing() -> None:
    with running_bridge() as bridge:
        source = source_of(bridge)
        source.close()
        source.close()
        assert list(source.messages()) == []
        assert not bridge.requests


def test_after_a_broken_connection_the_same_pull_point_goes_on_without_doubling_or_losing() -> None:
    memory = PullPointMemory()
    with running_bridge() as bridge:
        broken = threading.Event()

        def pull(body: Element) -> Any:
            return (500, b"<html>gone</html>") if broken.is_set() else bridge._pull_messages(body)

        bridge.script["PullMessages"] = pull
        with listening(source_of(bridge, memory)) as listener:
            listener.linked()
            bridge.messages.put(turned("true"))
            assert isinstance(listener.next(), EventSeen)
            broken.set()
            bridge.messages.put(turned("false", at=1_763_632_930.0))
            assert isinstance(listener.ended_with(), VmsUnavailable)
        assert len(bridge.pull_points) == 1
        broken.clear()
        bridge.present = [turned("true", operation="Initialized", at=1_763_632_940.0)]
        bridge.messages.put(turned("true", at=1_763_632_940.0))
        with heard(bridge, memory) as listener:
            assert [message.at for message in listener.take(1) if isinstance(message, EventSeen)] == [1_763_632_940.0]
            bridge.messages.put(turned("true", at=1_763_632_950.0))
            assert [message.at for message in listener.take(1) if isinstance(message, EventSeen)] == [1_763_632_950.0]
        assert bridge.made == 1
        assert not bridge.pull_points


def test_a_pull_point_that_expired_meanwhile_is_made_anew_and_the_missed_change_is_told() -> None:
    memory = PullPointMemory()
    with running_bridge() as bridge:
        with listening(source_of(bridge, memory)) as listener:
            listener.linked()
            bridge.messages.put(turned("false"))
            bridge.messages.put(turned("true", at=1_763_632_924.0))
            listener.next()
            bridge.expire()
            assert isinstance(listener.ended_with(), VmsUnavailable)
        bridge.present = [turned("true", operation="Initialized", at=1_763_632_924.0)]
        with heard(bridge, memory) as listener:
            bridge.messages.put(lost("gate"))
            assert isinstance(listener.next(), CameraReported)
        assert bridge.made == 2


def test_a_pull_point_for_other_topics_is_not_resumed() -> None:
    memory = PullPointMemory()
    with running_bridge() as bridge:
        bridge.script["PullMessages"] = lambda _: (503, b"")
        with listening(source_of(bridge, memory)) as listener:
            listener.ended_with()
        del bridge.script["PullMessages"]
        with heard(bridge, memory, control=[]):
            assert bridge.made == 2


def test_it_is_renewed_before_it_expires_only_where_pulling_does_not_prolong_it() -> None:
    with running_bridge(life_s=30) as bridge:
        renewed = threading.Event()

        def renew(body: Element) -> str:
            renewed.set()
            return bridge._renew(body)

        bridge.script["Renew"] = renew
        with heard(bridge) as listener:
            bridge.messages.put(turned("true"))
            listener.next()
            assert renewed.wait(WAIT_S)
            bridge.messages.put(turned("true", at=1_763_632_924.0))
            listener.next()
        assert len(bridge.asked("Renew")) == 1


def test_a_bridge_without_renew_and_without_present_states_is_listened_to_all_the_same() -> None:
    refused = lambda _: fault("ter:ActionNotSupported")  # noqa: E731 - twice the same
    with running_bridge(life_s=30, script={"Renew": refused, "SetSynchronizationPoint": refused}) as bridge:
        with heard(bridge) as listener:
            for second in range(3):
                bridge.messages.put(turned("true", at=1_763_632_924.0 + second))
                listener.next()
        assert len(bridge.asked("Renew")) == 1


def test_a_limit_of_messages_is_kept_to() -> None:
    with running_bridge() as bridge:
        limits = "<tev:MaxTimeout>PT60S</tev:MaxTimeout><tev:MaxMessageLimit>5</tev:MaxMessageLimit>"
        detail = f"<tev:PullMessagesFaultResponse>{limits}</tev:PullMessagesFaultResponse>"

        def pull(body: Element) -> Any:
            limit = int(body.findtext("{*}MessageLimit") or 0)
            return bridge._pull_messages(body) if limit <= 5 else fault("ter:InvalidArgVal", detail=detail)

        bridge.script["PullMessages"] = pull
        with heard(bridge) as listener:
            bridge.messages.put(turned("true"))
            listener.next()
        assert [body.findtext("{*}MessageLimit") for body in bridge.asked("PullMessages")][:2] == ["100", "5"]


def test_what_cannot_be_read_is_passed_over() -> None:
    with running_bridge() as bridge, heard(bridge) as listener:
        bridge.messages.put("<wsnt:NotificationMessage><wsnt:Topic/></wsnt:NotificationMessage>")
        bridge.messages.put(turned("true"))
        assert isinstance(listener.next(), EventSeen)


@pytest.mark.parametrize(
    ("cameras", "token", "devices"),
    [
        ((), "gate", ["gate"]),
        ((), "cfg-1", ["gate"]),
        (("gate",), "cfg-1", ["gate"]),
        (("sub-1", "main-2"), "gate", ["sub-1"]),
    ],
)
def test_a_lost_camera_is_told_by_the_device_of_the_settings(
    cameras: tuple[str, ...], token: str, devices: list[str]
) -> None:
    with running_bridge() as bridge, heard(bridge, cameras=cameras) as listener:
        bridge.messages.put(lost(token))
        told = listener.take(len(devices))
    assert [message.device for message in told if isinstance(message, CameraReported)] == devices


def test_the_loss_of_a_camera_that_is_not_ours_is_not_told() -> None:
    with running_bridge() as bridge, heard(bridge, cameras=("yard",)) as listener:
        bridge.messages.put(lost("gate"))
        bridge.messages.put(lost("yard"))
        told = listener.next()
    assert isinstance(told, CameraReported)
    assert told.device == "yard"


@pytest.mark.parametrize("ahead_s", [7200.0, -7200.0])
def test_a_bridge_with_a_wrong_clock_is_understood(ahead_s: float) -> None:
    at = services_for().clock.utc()
    with running_bridge(ahead_s=ahead_s) as bridge, heard(bridge, since=at) as listener:
        bridge.messages.put(turned("true", at=at + ahead_s + 5.0))
        seen = listener.next()
    assert isinstance(seen, EventSeen)
    assert seen.at == pytest.approx(at + 5.0, abs=2.0)


def test_a_pull_point_on_a_host_that_is_not_declared_is_refused() -> None:
    reference = "<tev:SubscriptionReference><wsa:Address>http://10.9.9.9/pull</wsa:Address></tev:SubscriptionReference>"
    answer = f"<tev:CreatePullPointSubscriptionResponse>{reference}</tev:CreatePullPointSubscriptionResponse>"
    with running_bridge(script={"CreatePullPointSubscription": lambda _: answer}) as bridge:
        error = error_of(bridge)
    assert isinstance(error, VmsRefused)
    assert "does not declare" in str(error)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ({"CreatePullPointSubscription": lambda _: fault("ter:NotAuthorized")}, AuthenticationRefused),
        ({"CreatePullPointSubscription": lambda _: (503, b"")}, VmsUnavailable),
        ({"CreatePullPointSubscription": lambda _: "<tev:CreatePullPointSubscriptionResponse/>"}, ProtocolViolation),
        ({"GetEventProperties": lambda _: "<tev:GetEventPropertiesResponse/>"}, ProtocolViolation),
        ({"GetServices": lambda _: "<tds:GetServicesResponse/>"}, NotFoundInVms),
        ({"PullMessages": lambda _: b"<html/>"}, ProtocolViolation),
    ],
)
def test_what_fails_is_raised_with_a_remedy(script: dict[str, Any], kind: type[VmsError]) -> None:
    with running_bridge(script=script) as bridge:
        error = error_of(bridge)
    assert isinstance(error, kind)


def test_a_bridge_that_answers_empty_at_once_is_not_hammered() -> None:
    with running_bridge() as bridge:
        bridge.script["PullMessages"] = lambda _: bridge.pulled("")
        with heard(bridge):
            assert not bridge.ended.wait(0.6)
        assert len(bridge.asked("PullMessages")) <= 3


def test_a_wrong_password_is_said_so() -> None:
    with running_bridge() as bridge:
        assert isinstance(error_of(bridge, secrets=lambda _: "wrong"), AuthenticationRefused)


def test_other_channels_and_other_events_there_are_none() -> None:
    with running_bridge() as bridge:
        with pytest.raises(RequestInvalid, match="no ONVIF event"):
            source_of(bridge, control=[{"event": "Arm!?", "state": "armed"}])
        settings, services = settings_for(bridge), services_for()
        client = OnvifClient(settings, services)
        with pytest.raises(RequestInvalid, match="verdicts"):
            open_control("verdicts", 0.0, settings, services, client, memory=PullPointMemory())


def test_linked_is_the_first_word() -> None:
    with running_bridge() as bridge:
        bridge.messages.put(turned("true"))
        with listening(source_of(bridge)) as listener:
            assert listener.next() == Linked()


@pytest.mark.parametrize(
    "script",
    [
        {"GetServices": lambda _: "<tds:GetServicesResponse/>"},
        {"CreatePullPointSubscription": lambda _: fault("ter:ActionNotSupported")},
    ],
)
def test_a_bridge_without_events_is_no_failure_where_none_are_asked_for(script: dict[str, Any]) -> None:
    with running_bridge(script=script) as bridge, heard(bridge, control=[]) as listener:
        assert listener.error is None
        bridge.script.clear()
    assert listener.error is None
