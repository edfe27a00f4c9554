"""What a VMS's ONVIF bridge answers, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from lxml import etree

from core.clock import iso_utc

JPEG = b"\xff\xd8picture\xff\xd9"
TT = "http://www.onvif.org/ver10/schema"
TDS = "http://www.onvif.org/ver10/device/wsdl"
TRT = "http://www.onvif.org/ver10/media/wsdl"
TR2 = "http://www.onvif.org/ver20/media/wsdl"
TEV = "http://www.onvif.org/ver10/events/wsdl"
WSNT = "http://docs.oasis-open.org/wsn/b-2"
ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
SPACES = (
    f'xmlns:s="{ENVELOPE}" xmlns:tt="{TT}" xmlns:tds="{TDS}" xmlns:trt="{TRT}" xmlns:tr2="{TR2}" xmlns:tev="{TEV}" '
    f'xmlns:wsnt="{WSNT}" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:ter="http://www.onvif.org/ver10/error" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" '
    'xmlns:vnd="urn:vendor" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
)

Element: TypeAlias = etree._Element
Answer: TypeAlias = str | bytes | tuple[int, bytes]
"""The body's content, a page, or a status with a page."""


def fault(code: str, *, status: int = 400, side: str = "Sender", detail: str = "") -> tuple[int, bytes]:
    body = (
        f"<s:Fault><s:Code><s:Value>s:{side}</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">it said no</s:Text></s:Reason>'
        f"{f'<s:Detail>{detail}</s:Detail>' if detail else ''}</s:Fault>"
    )
    return status, envelope(body)


def envelope(body: str) -> bytes:
    return f"<s:Envelope {SPACES}><s:Body>{body}</s:Body></s:Envelope>".encode()


def notification(
    topic: str,
    source: Mapping[str, str],
    data: Mapping[str, str],
    *,
    at: float = 1_763_632_923.0,
    operation: str = "Changed",
) -> str:
    kind = f' PropertyOperation="{operation}"' if operation else ""
    dialect = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
    return (
        f'<wsnt:NotificationMessage><wsnt:Topic Dialect="{dialect}">{topic}</wsnt:Topic><wsnt:Message>'
        f'<tt:Message UtcTime="{iso_utc(at)}"{kind}>{_items("Source", source)}{_items("Data", data)}</tt:Message>'
        "</wsnt:Message></wsnt:NotificationMessage>"
    )


def _items(name: str, items: Mapping[str, str]) -> str:
    inner = "".join(f'<tt:SimpleItem Name="{key}" Value="{value}"/>' for key, value in items.items())
    return f"<tt:{name}>{inner}</tt:{name}>"


PROFILES = (
    ("main-1", "gate", "cfg-1", "Gate", "H264", 1080),
    ("sub-1", "gate", "cfg-1", "Gate", "H264", 480),
    ("main-2", "yard", "cfg-2", "Yard", "H265", 720),
)


def profile2(profile: Sequence[Any]) -> str:
    token, source, configuration, name, encoding, height = profile
    return (
        f'<tr2:Profiles token="{token}" fixed="true"><tr2:Name>{token}</tr2:Name><tr2:Configurations>'
        f'<tr2:VideoSource token="{configuration}"><tt:Name>{name}</tt:Name><tt:UseCount>1</tt:UseCount>'
        f'<tt:SourceToken>{source}</tt:SourceToken><tt:Bounds x="0" y="0" width="64" height="{height}"/></tr2:VideoSource>'
        f'<tr2:VideoEncoder token="enc-{token}" GovLength="25"><tt:Name>e</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{encoding}</tt:Encoding><tt:Resolution><tt:Width>64</tt:Width><tt:Height>{height}</tt:Height>"
        "</tt:Resolution><tt:Quality>1</tt:Quality></tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>"
    )


def profile1(profile: Sequence[Any]) -> str:
    token, source, configuration, name, encoding, height = profile
    return (
        f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{token}</tt:Name>'
        f'<tt:VideoSourceConfiguration token="{configuration}"><tt:Name>{name}</tt:Name><tt:UseCount>1</tt:UseCount>'
        f'<tt:SourceToken>{source}</tt:SourceToken><tt:Bounds x="0" y="0" width="64" height="{height}"/>'
        f'</tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="enc-{token}"><tt:Name>e</tt:Name>'
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>{encoding}</tt:Encoding><tt:Resolution><tt:Width>64</tt:Width>"
        f"<tt:Height>{height}</tt:Height></tt:Resolution><tt:Quality>1</tt:Quality><tt:Multicast><tt:Address>"
        "<tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL>"
        "<tt:AutoStart>false</tt:AutoStart></tt:Multicast><tt:SessionTimeout>PT60S</tt:SessionTimeout>"
        "</tt:VideoEncoderConfiguration></trt:Profiles>"
    )


def media_uri(uri: str) -> str:
    return (
        f"<trt:MediaUri><tt:Uri>{uri}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
    )
