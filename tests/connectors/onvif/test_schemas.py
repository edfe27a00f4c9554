"""The validator itself: it must refuse what ONVIF's schemas refuse, also where their wildcards are ambiguous."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.connectors.onvif.schemas import TT, validate, validate_body, validate_metadata

pytestmark = pytest.mark.shared_data

WSNT = "http://docs.oasis-open.org/wsn/b-2"
FRAME = '<tt:VideoAnalytics><tt:Frame UtcTime="2026-01-01T00:00:00Z">{}</tt:Frame></tt:VideoAnalytics>'
SHAPE = (
    '<tt:Object ObjectId="1"><tt:Appearance><tt:Shape><tt:BoundingBox left="0" top="1" right="1" bottom="0"/>{}'
    "</tt:Shape></tt:Appearance></tt:Object>"
)
CENTRE = '<tt:CenterOfGravity x="0" y="0"/>'
EVENT = (
    f'<tt:Event><wsnt:NotificationMessage xmlns:wsnt="{WSNT}"><wsnt:Topic Dialect="urn:x">a</wsnt:Topic><wsnt:Message>'
    '<tt:Message UtcTime="2026-01-01T00:00:00Z"><tt:Data><tt:SimpleItem Name="State"{}/></tt:Data></tt:Message>'
    "</wsnt:Message></wsnt:NotificationMessage></tt:Event>"
)


def document(content: str) -> bytes:
    return f'<tt:MetadataStream xmlns:tt="{TT}">{content}</tt:MetadataStream>'.encode()


@pytest.mark.parametrize(
    "content",
    [
        "",
        FRAME.format(""),
        FRAME.format(SHAPE.format(CENTRE)),
        FRAME.format(SHAPE.format(CENTRE + '<tt:Extension><tt:Anything/><x xmlns="urn:x"/></tt:Extension>')),
        EVENT.format(' Value="true"'),
    ],
)
def test_a_valid_document_passes(content: str) -> None:
    assert validate_metadata(document(content)).tag == f"{{{TT}}}MetadataStream"


@pytest.mark.parametrize(
    "content",
    [
        "<tt:VideoAnalytic/>",
        FRAME.format("").replace("UtcTime", "Utctime"),
        FRAME.format(SHAPE.format("")),
        FRAME.format(SHAPE.format(CENTRE + "<tt:Extensions/>")),
        EVENT.format(""),
    ],
)
def test_an_invalid_document_does_not(content: str) -> None:
    with pytest.raises(AssertionError):
        validate_metadata(document(content))


@pytest.mark.parametrize(
    "version", ["http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/"]
)
def test_a_body_is_validated_in_its_envelope(version: str) -> None:
    request = '<GetProfiles xmlns="http://www.onvif.org/ver20/media/wsdl">{}</GetProfiles>'
    envelope = f'<e:Envelope xmlns:e="{version}"><e:Body>{request}</e:Body></e:Envelope>'
    assert etree.QName(validate_body(envelope.format("<Type>All</Type>").encode())).localname == "GetProfiles"
    with pytest.raises(AssertionError):
        validate_body(envelope.format("<Kind>All</Kind>").encode())
    with pytest.raises(AssertionError):
        validate_body(envelope.replace(request, "").encode())


def test_an_element_of_no_service_is_not_valid() -> None:
    with pytest.raises(AssertionError):
        validate(etree.Element("{urn:x}GetProfiles"))
