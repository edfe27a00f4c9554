import pytest
from lxml import etree

from config.model import RuleSettings
from connectors.onvif.device.notifications import notifications_of, resting
from connectors.onvif.device.topics import ALERT_ITEM
from connectors.onvif.device.xml import element
from tests.connectors.onvif.device.event_support import GATE, YARD, a_channel, an_alert, read, token_of
from tests.connectors.onvif.schemas import validate

TYPES = ("line_crossing", "zone_presence", "loitering", "fire", "weapon", "abandoned_object", "person_down")


@pytest.mark.shared_data
@pytest.mark.parametrize("rule_type", TYPES)
def test_every_message_of_an_alert_is_valid(rule_type: str) -> None:
    rule = RuleSettings(id="r", type=rule_type)
    for item in notifications_of(an_alert(rule), a_channel(0, rule), "vigie:0"):
        validate(item.element())
        validate(item.fallen(1.0).element())
        validate(item.initialized(1.0).element())


def test_a_message_says_when_it_happened_where_and_which_alert_it_is() -> None:
    alert = an_alert(YARD)
    for item in notifications_of(alert, a_channel(0, YARD), token_of(alert)):
        (pulled,) = read(_within(item.element()))
        assert pulled.at == "2023-11-14T22:13:20.250Z"
        assert pulled.operation == "Changed"
        assert pulled.state == "true"
        assert pulled.items["VideoSourceConfigurationToken"] == "quai-0"
        assert pulled.items["ObjectId"] == "7 12"
        assert pulled.items["ClassTypes"] == "Human shopping_cart"
        assert pulled.token == token_of(alert)


def test_a_rules_name_with_any_characters_survives_the_way_through_xml() -> None:
    item = notifications_of(an_alert(GATE), a_channel(0, GATE), "vigie:0")[-1]
    (pulled,) = read(etree.fromstring(etree.tostring(_within(item.element()), encoding="utf-8")))
    assert pulled.items["Rule"] == GATE.name


def test_prefixes_in_texts_stay_declared_inside_another_document() -> None:
    written = etree.tostring(_within(notifications_of(an_alert(), a_channel(0, GATE), "")[-1].element()))
    message = etree.fromstring(written)[0]
    assert {"tns1", "vigie"} <= set(message.nsmap)


def test_the_end_of_a_state_and_its_repetition_carry_no_alert() -> None:
    rise = notifications_of(an_alert(YARD), a_channel(0, YARD), "vigie:1")[-1]
    assert rise.data[ALERT_ITEM] == "vigie:1"
    assert rise.fallen(2.0).data == {"State": "false", "ObjectId": "", "ClassTypes": "", ALERT_ITEM: ""}
    assert rise.initialized(2.0).data == {"State": "true", "ObjectId": "", "ClassTypes": "", ALERT_ITEM: ""}
    assert rise.fallen(2.0).subject == rise.subject


def test_the_resting_state_is_of_the_same_property_as_an_alert() -> None:
    channel = a_channel(0, GATE, YARD, RuleSettings(id="n", type="counting"))
    rests = {item.subject for item in resting(channel)}
    rises = [*notifications_of(an_alert(GATE), channel, ""), *notifications_of(an_alert(YARD), channel, "")]
    assert rests == {item.subject for item in rises if item.state is not None}


def _within(message: etree._Element) -> etree._Element:
    answer = element("tev:PullMessagesResponse")
    answer.append(message)
    return answer
