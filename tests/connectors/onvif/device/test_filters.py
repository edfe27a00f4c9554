import pytest
from lxml import etree

from connectors.onvif.device.calls import Fault
from connectors.onvif.device.filters import CONCRETE_SET, TopicFilter, parse_filter
from connectors.onvif.device.notifications import CONCRETE
from connectors.onvif.device.topics import topics_of
from connectors.onvif.device.xml import child, element
from tests.connectors.onvif.device.event_support import topic_expression
from tests.connectors.onvif.schemas import validate

CROSSED, OWN = topics_of("line_crossing", "gate")


@pytest.mark.parametrize(
    ("expression", "dialect", "wants_crossed", "wants_own"),
    [
        ("tns1:RuleEngine/LineDetector/Crossed", CONCRETE, True, False),
        ("tns1:RuleEngine/LineDetector/Crossed", CONCRETE_SET, True, False),
        ("tns1:RuleEngine/tns1:LineDetector/Crossed", CONCRETE, True, False),
        ("tns1:RuleEngine/LineDetector", CONCRETE_SET, False, False),
        ("tns1:RuleEngine/LineDetector//.", CONCRETE_SET, True, False),
        ("tns1:RuleEngine//.", CONCRETE_SET, True, True),
        ("tns1:VideoSource//.|\n tns1:RuleEngine/vg:LineCrossing/gate ", CONCRETE_SET, False, True),
        ("tns1:RuleEngine/LineDetector/Crossed|tns1:RuleEngine/vg:LineCrossing//.", CONCRETE_SET, True, True),
        ("tns1:RuleEngine/LineCrossing/gate", CONCRETE_SET, False, False),
        ("tns1:RuleEngine/LineDetector/Crossed/Deeper//.", CONCRETE_SET, False, False),
    ],
)
def test_a_topic_expression_lets_through_what_its_dialect_says(
    expression: str, dialect: str, wants_crossed: bool, wants_own: bool
) -> None:
    chosen = element("tev:Filter")
    chosen.append(topic_expression(expression, dialect))
    parsed = parse_filter(chosen, 0.0)
    assert (parsed.wants(CROSSED), parsed.wants(OWN)) == (wants_crossed, wants_own)


def test_without_a_filter_everything_is_wanted() -> None:
    assert TopicFilter().wants(OWN)
    assert parse_filter(None, 0.0).wants(CROSSED)
    assert parse_filter(element("tev:Filter"), 0.0).wants(CROSSED)


def test_several_expressions_must_all_hold() -> None:
    chosen = element("tev:Filter")
    chosen.append(topic_expression("tns1:RuleEngine//."))
    chosen.append(topic_expression("tns1:RuleEngine/LineDetector//."))
    assert parse_filter(chosen, 0.0).wants(CROSSED)
    assert not parse_filter(chosen, 0.0).wants(OWN)


@pytest.mark.parametrize(
    ("expression", "dialect", "fault"),
    [
        ("", CONCRETE, "InvalidTopicExpressionFault"),
        ("a|", CONCRETE_SET, "InvalidTopicExpressionFault"),
        ("nope:RuleEngine", CONCRETE_SET, "InvalidTopicExpressionFault"),
        ("tns1:A|tns1:B", CONCRETE, "InvalidTopicExpressionFault"),
        ("tns1:A//.", CONCRETE, "InvalidTopicExpressionFault"),
        ("tns1:RuleEngine/*", CONCRETE_SET, "InvalidTopicExpressionFault"),
        ("|" * 9_000, CONCRETE_SET, "InvalidTopicExpressionFault"),
        ("tns1:A", "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Full", "TopicExpressionDialectUnknownFault"),
    ],
)
@pytest.mark.shared_data
def test_what_is_no_expression_of_a_known_dialect_gets_the_fault_that_names_it(
    expression: str, dialect: str, fault: str
) -> None:
    chosen = element("tev:Filter")
    chosen.append(topic_expression(expression, dialect))
    _assert_refused(chosen, fault)


@pytest.mark.shared_data
def test_filters_by_content_are_not_offered_and_refused() -> None:
    chosen = element("tev:Filter")
    child(chosen, "wsnt:MessageContent", "boolean(//tt:SimpleItem)", Dialect="urn:x")
    _assert_refused(chosen, "InvalidFilterFault")


def _assert_refused(chosen: etree._Element, fault: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_filter(chosen, 0.0)
    assert caught.value.code == "Receiver"
    assert caught.value.detail is not None
    assert etree.QName(caught.value.detail).localname == fault
    validate(caught.value.detail)
