import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import RuleSettings
from connectors.onvif.device.topics import qualified_path, rule_label, topic_name, topic_set, topics_of
from tests.connectors.onvif.device.event_support import a_channel

NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@pytest.mark.parametrize(
    ("rule_type", "paths"),
    [
        ("wrong_direction", ["LineDetector/Crossed", "vigie:WrongDirection/r"]),
        ("line_crossing", ["LineDetector/Crossed", "vigie:LineCrossing/r"]),
        ("zone_presence", ["FieldDetector/ObjectsInside", "vigie:ZonePresence/r"]),
        ("loitering", ["LoiteringDetector/ObjectIsLoitering", "vigie:Loitering/r"]),
        ("stopped_vehicle", ["vigie:StoppedVehicle/r"]),
        ("crowd_density", ["vigie:CrowdDensity/r"]),
        ("crowd_movement", ["vigie:CrowdMovement/r"]),
        ("abandoned_object", ["ObjectAbandoned", "vigie:UnattendedObject/r"]),
        ("person_down", ["vigie:PersonDown/r"]),
        ("fire", ["ObjectDetection/Object", "vigie:FireAlarm", "vigie:FireOrSmoke/r"]),
        ("weapon", ["ObjectDetection/Object", "vigie:WeaponDetected/r"]),
        ("all_of", ["vigie:AllOf/r"]),
    ],
)
def test_each_rule_type_is_told_under_the_standard_topic_and_under_one_of_the_rules_own(
    rule_type: str, paths: list[str]
) -> None:
    assert [topic.path for topic in topics_of(rule_type, "r")] == [f"tns1:RuleEngine/{path}" for path in paths]


@given(rule_type=st.from_regex(r"\A[a-z_]{1,20}\Z"), rule_id=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"))
def test_a_rules_own_topic_never_looks_like_one_that_a_driver_knows(rule_type: str, rule_id: str) -> None:
    own = topics_of(rule_type, rule_id)[-1].path.lower().removeprefix("tns1:ruleengine/")
    for part in ("motion", "audio", "device", "objectsinside", "firealarm", "objectisloitering", "crossed"):
        assert part not in own


@pytest.mark.parametrize(
    "rule_id", ["Motion-zone", "MOTION", "emotional", "mo.tion", "FireAlarm", "9-east", "a.b", "é"]
)
def test_a_name_that_cannot_stay_as_it_is_is_changed_and_numbered(rule_id: str) -> None:
    name = topic_name(rule_id)
    assert NCNAME.fullmatch(name)
    assert "motion" not in name.lower()
    assert re.search(r"_\d{6}$", name)
    assert name == topic_name(rule_id)


@given(st.lists(st.text(max_size=64), min_size=2, max_size=8, unique=True))
def test_different_names_stay_different(texts: list[str]) -> None:
    names = [topic_name(text) for text in texts]
    assert all(NCNAME.fullmatch(name) for name in names)
    assert len(set(names)) == len(texts)


def test_two_rules_of_one_name_are_told_apart_by_their_ids() -> None:
    rules = [RuleSettings(id=name, type="zone_presence", name="Quai") for name in ("a", "b")]
    channel = a_channel(0, *rules, RuleSettings(id="c", type="zone_presence", name='Voie\x07 <1> & "2"\n'))
    assert [rule_label(channel, name) for name in ("a", "b", "c")] == ["Quai (a)", "Quai (b)", 'Voie <1> & "2"']
    assert rule_label(channel, "gone", "Ancienne") == "Ancienne"
    assert rule_label(channel, "gone") == "gone"


def test_the_topic_set_holds_each_topic_of_every_channel_once_and_no_counting() -> None:
    rules = [
        RuleSettings(id="a", type="fire"),
        RuleSettings(id="b", type="fire"),
        RuleSettings(id="n", type="counting"),
    ]
    root = topic_set([a_channel(0, *rules), a_channel(1, *rules)])
    topics = [node for node in root.iter() if node.get("{http://docs.oasis-open.org/wsn/t-1}topic") == "true"]
    assert sorted(str(node.tag).rpartition("}")[2] for node in topics) == ["FireAlarm", "Object", "a", "b"]
    assert all(len(node.findall("{*}MessageDescription")) == 1 for node in topics)
    assert len(root) == 1


def test_in_our_own_topics_one_item_is_a_token_one_is_boolean_and_all_others_are_strings() -> None:
    channel = a_channel(0, *(RuleSettings(id="r", type=name) for name in ("fire", "weapon", "zone_presence")))
    for described in topic_set([channel]).iter("{*}MessageDescription"):
        kinds = [item.get("Type", "") for item in described.iter("{*}SimpleItemDescription")]
        names = [item.get("Name", "") for item in described.iter("{*}SimpleItemDescription")]
        assert len(set(names)) == len(names)
        assert kinds.count("tt:ReferenceToken") == 1
        assert not {"xs:int", "xs:integer"} & set(kinds)
        assert kinds.count("xs:boolean") == (described.get("IsProperty") == "true")


@pytest.mark.parametrize(
    "path", ["", "x:A", "tns1:", "tns1:A/", "tns1:A//B", "tns1:A/1", "tns1:A/B C", "tns1:a:b", "/A"]
)
def test_what_is_no_topic_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"declared|topic name"):
        qualified_path(path, {"tns1": "urn:t"})


def test_a_step_without_prefix_belongs_to_the_tree_above_it() -> None:
    assert qualified_path("t:A/B", {"t": "urn:t"}) == qualified_path("u:A/u:B", {"u": "urn:t"})
