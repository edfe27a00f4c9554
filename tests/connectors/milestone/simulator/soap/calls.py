"""SOAP by hand: envelopes, results and faults of the services, composed from the notes."""

from __future__ import annotations

from typing import Any

import requests
from lxml import etree

from tests.connectors.milestone.simulator.running import NS, Running

ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
S = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(operation: str, body: str, namespace: str = NS) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{S}"><s:Body>'
        f'<{operation} xmlns="{namespace}">{body}</{operation}></s:Body></s:Envelope>'
    ).encode()


def result(answer: requests.Response, operation: str, namespace: str = NS) -> etree._Element:
    assert answer.status_code == 200, answer.text
    path = f"{{{S}}}Body/{{{namespace}}}{operation}Response/{{{namespace}}}{operation}Result"
    found = etree.fromstring(answer.content).find(path)
    assert found is not None, answer.text
    return found


def fault(answer: requests.Response) -> str:
    assert answer.status_code == 500, answer.text
    return str(etree.fromstring(answer.content).findtext(f"{{{S}}}Body/{{{S}}}Fault/faultcode"))


def numbers(answer: requests.Response) -> tuple[str | None, str | None]:
    """``ErrorNumber`` and ``SubErrorNumber`` of the fault of an ``.asmx`` service."""
    assert answer.status_code == 500, answer.text
    detail = etree.fromstring(answer.content).find(".//detail")
    assert detail is not None
    return detail.get("ErrorNumber"), detail.get("SubErrorNumber")


def plain(element: etree._Element) -> Any:
    """An element as text, as a dict of its members, or (members of one name, or none) as a list."""
    if not len(element):
        return element.text or ""
    names = [etree.QName(child).localname for child in element]
    if len(set(names)) == 1 and (len(names) > 1 or names[0][0].islower() or names[0].endswith(("Info", "Option"))):
        return [plain(child) for child in element]
    return {name: plain(child) for name, child in zip(names, element, strict=True)}


def guids(name: str, *values: str) -> str:
    items = "".join(f"<a:guid>{value}</a:guid>" for value in values)
    return f'<{name} xmlns:a="{ARRAYS}">{items}</{name}>'


def call(site: Running, operation: str, body: str = "", **options: Any) -> requests.Response:
    """One call of the Basic service, with a token in front of ``body``."""
    return site.soap(operation, f"<token>{site.soap_token()}</token>{body}", **options)
