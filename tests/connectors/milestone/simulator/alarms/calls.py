"""Hand-written calls of the SOAP alarm service."""

from __future__ import annotations

from typing import Any

import requests
from lxml import etree

from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running

SERVICE = "http://videoos.net/2/CentralServerAlarmCommand"
PROXY = "http://schemas.datacontract.org/2004/07/VideoOS.Platform.Proxy.Alarm"
URN = "urn:milestone-systems"
PAIRS = "http://schemas.datacontract.org/2004/07/System.Collections.Generic"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
ALARM_ID = "5f2d2f9e-6b8c-4a6e-9a2f-51c1b7f0a001"


def post(
    simulator: Running, operation: str, body: str = "", *, token: str | None = None, action: str | None = None
) -> requests.Response:
    """One call; ``token`` is a fresh one unless given."""
    token = simulator.soap_token() if token is None else token
    envelope = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<{operation} xmlns="{SERVICE}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="{SCHEMA}">'
        f"<token>{token}</token>{body}</{operation}></s:Body></s:Envelope>"
    )
    soap_action = f"{SERVICE}/IAlarmCommandToken/{operation}" if action is None else action
    return requests.post(
        str(simulator.announced.extra["alarm_service"]),
        data=envelope.encode(),
        headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{soap_action}"'},
        verify=simulator.ca,
        timeout=TIMEOUT_S,
    )


def call(simulator: Running, operation: str, body: str = "") -> Any:
    """The result element of a call that succeeds; None where it returns nothing."""
    answer = post(simulator, operation, body)
    assert answer.status_code == 200, answer.text
    root = etree.fromstring(answer.content)
    response = root.find(f".//{{{SERVICE}}}{operation}Response")
    assert response is not None
    return response.find(f"{{{SERVICE}}}{operation}Result")


def reason(answer: requests.Response) -> str:
    """The ``ErrorReason`` of an ``AlarmServiceFault``."""
    assert answer.status_code == 500
    return str(etree.fromstring(answer.content).findtext(f".//{{{PROXY}}}AlarmServiceFault/{{{PROXY}}}ErrorReason"))


def fault_code(answer: requests.Response) -> str:
    assert answer.status_code == 500
    return str(etree.fromstring(answer.content).findtext(".//faultcode"))


def alarm_xml(
    camera: str,
    *,
    alarm_id: str = ALARM_ID,
    message: str = "Intrusion",
    tag: str = "vigie:0123",
    members: str = "",
    header: str = "",
) -> str:
    """An ``alarm`` parameter; ``members`` follow ``Description``, ``header`` follows ``Source``."""
    return (
        f'<alarm xmlns:m="{URN}"><m:EventHeader><m:ID>{alarm_id}</m:ID>'
        "<m:Timestamp>2025-11-20T11:02:03.456+01:00</m:Timestamp><m:Type>Zone</m:Type><m:Priority>2</m:Priority>"
        f"<m:Name>Zone 7</m:Name><m:Message>{message}</m:Message><m:CustomTag>{tag}</m:CustomTag>"
        f"<m:Source><m:Name>gate</m:Name><m:FQID><m:ObjectId>{camera}</m:ObjectId></m:FQID></m:Source>{header}"
        f"</m:EventHeader><m:Description>Person in zone 7</m:Description>{members}</alarm>"
    )


def condition(operator: str, target: str, value: str, kind: str = "x:string") -> str:
    return (
        f"<p:Condition><p:Operator>{operator}</p:Operator><p:Target>{target}</p:Target>"
        f'<p:Value i:type="{kind}">{value}</p:Value></p:Condition>'
    )


def filter_xml(*conditions: str, orders: str = "") -> str:
    return (
        f'<filter xmlns:p="{PROXY}"><p:Conditions>{"".join(conditions)}</p:Conditions>'
        f"<p:Orders>{orders}</p:Orders></filter>"
    )


def order_by(target: str, order: str = "Ascending") -> str:
    return f"<p:OrderBy><p:Order>{order}</p:Order><p:Target>{target}</p:Target></p:OrderBy>"


def members(element: Any) -> dict[str, str | None]:
    """Local names and texts of an element's children; nil is None."""
    return {
        etree.QName(child).localname: None
        if child.get("{http://www.w3.org/2001/XMLSchema-instance}nil")
        else child.text
        for child in element
    }


def lines(result: Any) -> list[dict[str, str | None]]:
    return [members(line) for line in result]


def delta(simulator: Running, session: str, most: int = 100) -> dict[str, list[Any]]:
    """What changed: lines under Inserted and Updated, ids under Deleted."""
    body = f"<maxCount>{most}</maxCount><sessionId>{session}</sessionId>"
    result = call(simulator, "GetSessionAlarmLines", body)
    changes = {etree.QName(child).localname: child for child in result}
    deleted = [child.text for child in changes.pop("Deleted")]
    return {"Deleted": deleted, **{name: lines(element) for name, element in changes.items()}}
