from __future__ import annotations

import socket
from typing import Any

import pytest
import zeep

from connectors.onvif.client.media import DEVICE, EVENTS, MEDIA, MEDIA2
from connectors.onvif.client.soap import WSDL_FOLDER, OwnFiles
from core.errors import ProtocolViolation
from tests.connectors.onvif.client.bridge import client_of, running_bridge


@pytest.mark.parametrize(
    "path",
    [
        "https://www.onvif.org/ver10/schema/onvif.xsd",
        "http://127.0.0.1/schema.xsd",
        "file:///etc/passwd",
        "/etc/passwd",
        "../schema.xsd",
        str(WSDL_FOLDER / ".." / "wsdl" / "schema.xsd"),
        str(WSDL_FOLDER.parent / "soap.py"),
        "soap.py",
        "",
    ],
)
def test_nothing_but_our_own_wsdls_is_loaded(path: str) -> None:
    with pytest.raises(ProtocolViolation, match="nothing is fetched"):
        OwnFiles().load(path)


def test_the_wsdls_are_read_without_any_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("device", "media", "media2"):
        client = zeep.Client(str(WSDL_FOLDER / f"{name}.wsdl"), transport=OwnFiles())  # type: ignore[no-untyped-call]
        assert client.wsdl.bindings


def test_a_document_that_names_another_schema_makes_nothing_be_loaded() -> None:
    strange = (
        '<tds:GetDeviceInformationResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://x http://127.0.0.1:1/x.xsd"><tds:Model>M</tds:Model></tds:GetDeviceInformationResponse>'
    )
    with running_bridge(script={"GetDeviceInformation": lambda _: strange}) as bridge, client_of(bridge) as client:
        assert client.information().model == "M"


def test_the_services_of_the_bridge_are_known_by_their_namespaces() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        assert set(client.addresses()) == {DEVICE, EVENTS, MEDIA, MEDIA2}
