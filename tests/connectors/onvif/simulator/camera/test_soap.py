from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.simulator.camera.soap import SoapFault, element, fault_answer, read_request
from tests.connectors.onvif.simulator.camera.running import SOAP_TYPE, Bridge, envelope, subcodes

ASK = "<tds:GetHostname/>"
BOMB = '<!DOCTYPE a [<!ENTITY b "cccccccccc">]>'


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ("no XML at all", 400, "ter:WellFormed"),
        (envelope(ASK)[:-20], 400, "ter:WellFormed"),
        (BOMB + envelope("<tds:GetHostname>&b;</tds:GetHostname>"), 400, "ter:WellFormed"),
        (envelope(""), 400, "ter:OperationProhibited"),
        (envelope(ASK * 2), 400, "ter:OperationProhibited"),
        (envelope(ASK).replace("2003/05/soap-envelope", "2002/12/soap-envelope"), 500, "env:VersionMismatch"),
        (envelope(ASK, '<x:y xmlns:x="urn:x" env:mustUnderstand="true"/>'), 500, "env:MustUnderstand"),
    ],
)
def test_what_is_no_sound_request_is_refused(fresh: Bridge, data: str, status: int, code: str) -> None:
    response = fresh.post(f"{fresh.announced.url}/onvif/device_service", data)
    assert (response.status_code, subcodes(response)[-1]) == (status, code)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"headers": {"Content-Type": "text/xml"}}, 415),
        ({"data": b"x" * 300_000, "headers": SOAP_TYPE}, 413),
    ],
)
def test_what_is_no_soap_is_refused_by_http(fresh: Bridge, changes: dict[str, Any], status: int) -> None:
    sent = {"data": envelope(ASK), **changes}
    assert fresh.post(f"{fresh.announced.url}/onvif/device_service", **sent).status_code == status


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(SoapFault):
        read_request(data)


def test_faults_nest_their_codes() -> None:
    fault = SoapFault("Sender", ("ter:InvalidArgVal", "ter:NoProfile"), "nobody", element("tt:Name", "x"))
    text = fault_answer(fault).decode()
    assert text.index("ter:InvalidArgVal") < text.index("ter:NoProfile") < text.index("nobody") < text.index("Detail>")
    assert fault.status == 400
