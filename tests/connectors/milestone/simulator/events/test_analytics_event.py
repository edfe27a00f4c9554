from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connectors.milestone.simulator.events.analytics_event import NAMESPACE, EventRefused, parse, require_normalised
from tests.shared import shared

pytestmark = pytest.mark.slow

COLOR = "<A>255</A><R>255</R><G>0</G><B>0</B>"
POLYGON = (
    f"<Closed>true</Closed><Color>{COLOR}</Color><FillColor>{COLOR}</FillColor>"
    "<PointList><Point><X>0.1</X><Y>0.2</Y></Point><Point><X>0.9</X><Y>1</Y></Point></PointList>"
)
FQID = (
    "<ServerId><Type>XPCO</Type><Hostname>h</Hostname><Port>80</Port><Id>22222222-2222-4222-8222-222222222222</Id>"
    "</ServerId><ParentId>33333333-3333-4333-8333-333333333333</ParentId>"
    "<ObjectId>11111111-1111-4111-8111-111111111111</ObjectId><FolderType>0</FolderType>"
    "<Kind>5135BA21-F1DC-4321-806A-6CE2017343C0</Kind>"
)
FULL = f"""<AnalyticsEvent xmlns="{NAMESPACE}">
<EventHeader><ID>5f2d2f9e-6b8c-4a6e-9a2f-51c1b7f0a001</ID><Timestamp>2025-11-20T11:02:03.456+01:00</Timestamp>
<Class>Analytics</Class><Type>Intrusion</Type><Version>1.0</Version><Priority>1</Priority><Name>Zone</Name>
<Message>Vigie</Message><CustomTag>zone-7</CustomTag>
<Source><Name>Gate 3</Name><Description>d</Description><FQID>{FQID}</FQID></Source></EventHeader>
<Description>Person</Description><StartTime>2025-11-20T11:02:01Z</StartTime><EndTime>2025-11-20T11:02:03</EndTime>
<Location>North</Location><Count>1</Count>
<RuleList><Rule><ID>44444444-4444-4444-8444-444444444444</ID><Name>Zone 7</Name><Type>Polygon</Type>
<PolygonList><Polygon>{POLYGON}</Polygon></PolygonList></Rule><Rule/></RuleList>
<ObjectList><Object><ID>55555555-5555-4555-8555-555555555555</ID><Name>Person</Name><Type>Human</Type>
<Description>d</Description><Confidence>0.93</Confidence><Value>41</Value><AlarmTrigger>true</AlarmTrigger>
<Removed>0</Removed><Color>red</Color><Size>1.8</Size><SizeUnit>m</SizeUnit>
<BoundingBox><Top>0.31</Top><Left>0.22</Left><Bottom>0.78</Bottom><Right>0.36</Right><Color>{COLOR}</Color></BoundingBox>
<Polygon>{POLYGON}</Polygon><Motion><Speed>1</Speed><SpeedUnit>m/s</SpeedUnit><Path>{POLYGON}</Path></Motion>
<Mask>AAAA</Mask></Object></ObjectList>
<ReferenceList><Reference><FQID>{FQID}</FQID></Reference></ReferenceList>
<SnapshotList><Snapshot><TimeOffset>-40</TimeOffset><Width>640</Width><Height>360</Height><HasOverlay>1</HasOverlay>
<SizeInBytes>3</SizeInBytes><Image>/9j/</Image><Path>p</Path><FQID>{FQID}</FQID></Snapshot></SnapshotList>
<Vendor><Name>Vigie</Name><CustomData>{{"key": 1}}</CustomData></Vendor>
</AnalyticsEvent>"""

VALUES: dict[str, list[str]] = {
    "Timestamp": [
        "2025-11-20T11:02:03",
        "2025-11-20T11:02:03.1234567Z",
        "2025-11-20T11:02:03.",
        "2025-11-20 11:02:03",
        "2025-11-20T24:00:00",
        "2025-11-20T24:00:01",
        "2025-02-29T00:00:00",
        "2024-02-29T00:00:00",
        "0000-01-01T00:00:00",
        "12025-01-01T00:00:00",
        "02025-01-01T00:00:00",
        "2025-11-20T11:02:60",
        "2025-11-20T11:02:03+14:00",
        "2025-11-20T11:02:03+14:01",
        "2025-11-20T11:02:03+00:60",
        "2025-13-01T00:00:00",
        "2025-04-31T00:00:00",
        "2025-11-20",
        "",
    ],
    "ID": [
        "{5f2d2f9e-6b8c-4a6e-9a2f-51c1b7f0a001}",
        "5F2D2F9E-6B8C-4A6E-9A2F-51C1B7F0A001",
        " 5f2d2f9e-6b8c-4a6e-9a2f-51c1b7f0a001",
        "5f2d2f9e6b8c4a6e9a2f51c1b7f0a001",
        "00000000-0000-0000-0000-000000000000",
        "",
    ],
    "Priority": ["0", "65535", "65536", "-1", "-0", "+1", "1.0", "", " 7 ", "1e2", "\u0661"],
    "Count": ["4294967295", "4294967296", "-1", "x"],
    "A": ["0", "255", "256", "-1", ""],
    "Port": ["-1", "2147483648", "--1"],
    "TimeOffset": ["-2147483648", "-2147483649", "2147483647", "2147483648"],
    "Closed": ["1", "0", "True", " false ", "", "yes"],
    "X": ["1", "1.", ".", ".5", "1e5", "1E+5", "INF", "-INF", "+INF", "NaN", "inf", "0x1", "1,5", " 0.5 ", "", "+.5"],
    "Image": ["", "AAAA", "AAA=", "AA==", "AB==", "A===", "AAA", "AAAA=", "AA AA", " AAAA ", "AA= =", "=AAA", "AA-_"],
    "FolderType": ["2", "3", "256"],
    "Message": ["", " ", "é \U0001f600"],
}
NAMES = sorted({etree.QName(element).localname for element in etree.fromstring(FULL).iter()})


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(shared("contracts/AnalyticsEvent.xsd"))))


def _schema_accepts(document: bytes) -> bool:
    return _schema().validate(etree.fromstring(document))


def _simulator_accepts(document: bytes) -> bool:
    try:
        parse(document)
    except EventRefused:
        return False
    return True


def _with(name: str, text: str) -> bytes:
    root = etree.fromstring(FULL)
    next(root.iter(f"{{{NAMESPACE}}}{name}")).text = text
    return etree.tostring(root)


def test_a_document_with_every_element_is_taken() -> None:
    assert parse(FULL.encode()).tag == f"{{{NAMESPACE}}}AnalyticsEvent"


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in VALUES.items() for text in texts])
def test_values_are_judged_as_the_published_schema_judges_them(name: str, text: str) -> None:
    document = _with(name, text)
    assert _simulator_accepts(document) == _schema_accepts(document)


@pytest.mark.shared_data
@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_damaged_documents_are_judged_as_the_published_schema_judges_them(dice: random.Random, times: int) -> None:
    root = etree.fromstring(FULL)
    for _ in range(times):
        _damage(root, dice)
    document = etree.tostring(root)
    assert _simulator_accepts(document) == _schema_accepts(document), document.decode()


def _damage(root: etree._Element, dice: random.Random) -> None:
    """One random change of structure, name, namespace, text, attribute or comment."""
    element = dice.choice([*root.iter(etree.Element)])
    parent = element.getparent()
    change = dice.randrange(9)
    if change == 0 and parent is not None:
        parent.remove(element)
    elif change == 1 and parent is not None:
        element.addnext(etree.fromstring(etree.tostring(element)))
    elif change == 2 and (previous := element.getprevious()) is not None:
        previous.addprevious(element)
    elif change == 3:
        element.tag = f"{{{NAMESPACE}}}{dice.choice(NAMES)}"
    elif change == 4:
        element.tag = dice.choice(["Message", "{urn:other}Message", "{urn:milestone-systems}message"])
    elif change == 5:
        element.text = dice.choice(["", " ", "x", "1", "0.5", "true", "2025"])
    elif change == 6:
        attribute = dice.choice(["id", "{urn:other}id", "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"])
        element.set(attribute, "urn:a b")
    elif change == 7:
        element.append(etree.Comment("said in passing"))
    else:
        name = dice.choice(NAMES)
        element.insert(dice.randrange(len(element) + 1), etree.Element(f"{{{NAMESPACE}}}{name}"))


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"", "not well-formed"),
        (b"<AnalyticsEvent", "not well-formed"),
        (b"<AnalyticsEvent/>", "root element"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + FULL.encode(), "document type"),
        (FULL.replace("<Message>Vigie</Message>", "").encode(), "expected Message"),
        (
            FULL.replace("<Name>Zone</Name>", "").replace("<CustomTag>", "<Name>n</Name><CustomTag>").encode(),
            "Name is not expected",
        ),
        (FULL.replace("<Count>1</Count>", '<Count a="1">1</Count>').encode(), "attribute a"),
        (FULL.replace("<Count>1</Count>", "<Count><a/>1</Count>").encode(), "text only"),
        (FULL.replace("<ObjectList>", "<ObjectList>text").encode(), "elements only"),
    ],
)
def test_a_refusal_says_what_is_wrong(document: bytes, problem: str) -> None:
    with pytest.raises(EventRefused, match=problem):
        parse(document)


@pytest.mark.parametrize(
    ("name", "text"), [("Image", "2025-11-20T11:02:03Z"), ("X", "1e"), ("Timestamp", " 2025-11-20T11:02:03Z")]
)
def test_values_on_which_schema_processors_differ_are_refused(name: str, text: str) -> None:
    assert not _simulator_accepts(_with(name, text))


@pytest.mark.parametrize(("name", "text"), [("X", "1.01"), ("Top", "-0.1"), ("Confidence", "93"), ("Y", "NaN")])
def test_coordinates_and_confidence_must_be_normalised(name: str, text: str) -> None:
    root = parse(_with(name, text))
    with pytest.raises(EventRefused, match=name):
        require_normalised(root)


def test_normalised_values_are_taken() -> None:
    require_normalised(parse(FULL.encode()))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_but_a_refusal_comes_of_arbitrary_bytes(document: bytes) -> None:
    with pytest.raises(EventRefused):
        parse(document)
