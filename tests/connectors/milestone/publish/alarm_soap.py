"""Answers of the SOAP alarm service, put together from the published data contracts."""

from __future__ import annotations

from typing import Any

import responses
from lxml import etree

from connectors.milestone.publish.alarm_service import NAMESPACE
from tests.connectors.milestone.gateway import soap_body

ADDRESS = "https://vms.site.test:22331/Central/AlarmServiceToken"
PLAIN_ADDRESS = ADDRESS.replace("https:", "http:")
CONTRACT = "http://schemas.datacontract.org/2004/07/VideoOS.Platform.Proxy.Alarm"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
TOKEN = "TOKEN#a#vms//ServerConnector#"  # what the mocked gateway's login gives


def answer(operation: str, result: str | None = None) -> str:
    """``result`` is what stands in the result element; without it the operation answers nothing."""
    found = ""
    if result is not None:
        found = f'<{operation}Result xmlns:a="{CONTRACT}" xmlns:b="{ARRAYS}" xmlns:i="{INSTANCE}">{result}</{operation}Result>'
    return soap_body(f'<{operation}Response xmlns="{NAMESPACE}">{found}</{operation}Response>')


def line(**members: str | None) -> str:
    return element("AlarmLine", **members)


def element(name: str, **members: str | None) -> str:
    """None is nil."""
    inside = "".join(
        f'<a:{key} i:nil="true"/>' if value is None else f"<a:{key}>{value}</a:{key}>" for key, value in members.items()
    )
    return f"<a:{name}>{inside}</a:{name}>"


def fault(reason: str, description: str = "because") -> str:
    """As WCF writes a declared fault."""
    return soap_body(
        '<s:Fault><faultcode>s:Client</faultcode><faultstring xml:lang="en-US">The creator of this fault did not specify'
        f' a Reason.</faultstring><detail><AlarmServiceFault xmlns="{CONTRACT}"><ErrorDescription>{description}'
        f"</ErrorDescription><ErrorReason>{reason}</ErrorReason></AlarmServiceFault></detail></s:Fault>"
    )


def serve(mock: responses.RequestsMock, *bodies: str, status: int = 200, address: str = ADDRESS) -> None:
    """The bodies one after the other; the last one again and again."""
    for body in bodies:
        is_fault = "<s:Fault>" in body
        mock.post(address, body=body, status=500 if is_fault else status, content_type="text/xml; charset=utf-8")


def sent(mock: responses.RequestsMock, number: int = -1) -> etree._Element:
    """The operation of a request to the alarm service."""
    calls = [call for call in mock.calls if str(call.request.url).endswith("/Central/AlarmServiceToken")]
    body = calls[number].request.body
    assert isinstance(body, bytes)
    found: etree._Element = etree.fromstring(body)[0][0]
    return found


def parameters(operation: etree._Element) -> list[tuple[str, str | None]]:
    return [(etree.QName(item).localname, item.text) for item in operation]


def texts(root: etree._Element, name: str) -> list[Any]:
    return [item.text for item in root.iter(f"{{*}}{name}")]
