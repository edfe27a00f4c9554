import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import RuleSettings
from connectors.onvif.device.notifications import notifications_of
from connectors.onvif.mqtt.payload import mqtt_message
from tests.connectors.onvif.device.event_support import GATE, YARD, a_channel, an_alert


def test_an_alert_is_a_topic_without_the_default_prefix_and_a_json_of_source_and_data() -> None:
    standard, own = notifications_of(an_alert(YARD), a_channel(0, YARD), "vigie:1")
    message = mqtt_message(own, "site/nord")
    assert message.topic == "site/nord/onvif-ej/RuleEngine/vigie:ZonePresence/yard/&quai-0/yard"
    assert message.is_retained
    assert json.loads(message.payload) == {
        "UtcTime": "2023-11-14T22:13:20.250Z",
        "Source": {"VideoSourceConfigurationToken": "quai-0", "Rule": "yard"},
        "Data": {"State": True, "ObjectId": "7 12", "ClassTypes": "Human shopping_cart", "vigie:AlertId": "vigie:1"},
    }
    assert json.loads(mqtt_message(standard, "x").payload)["Data"]["IsInside"] is True
    assert json.loads(mqtt_message(own.fallen(2.0), "x").payload)["Data"]["State"] is False


def test_what_is_no_property_is_not_kept_by_the_broker() -> None:
    standard = notifications_of(an_alert(GATE), a_channel(0, GATE), "")[0]
    assert not mqtt_message(standard, "x").is_retained


@pytest.mark.parametrize("name", ["a/b", "a+b", "a#", "#", "+/+"])
def test_a_name_cannot_bring_levels_or_wildcards_into_the_topic_but_stays_whole_in_the_payload(name: str) -> None:
    rule = RuleSettings(id="r", type="person_down", name=name)
    message = mqtt_message(notifications_of(an_alert(rule), a_channel(0, rule), "")[0], "x")
    assert message.topic.startswith("x/onvif-ej/RuleEngine/vigie:PersonDown/r/&quai-0/")
    assert message.topic.count("/") == 6
    assert json.loads(message.payload)["Source"]["Rule"] == name


@given(st.text(max_size=30))
def test_any_name_gives_a_topic_that_may_be_published(name: str) -> None:
    rule = RuleSettings(id="r", type="fire", name=name)
    for item in notifications_of(an_alert(rule), a_channel(0, rule), ""):
        message = mqtt_message(item, "x")
        assert not set("#+\0") & set(message.topic)
        json.loads(message.payload)
