from __future__ import annotations

import pytest
from lxml import etree

from connectors.onvif.client.faults import (
    MEANINGS,
    FilterRefused,
    PullLimited,
    SubscriptionEnded,
    fault_error,
)
from core.errors import AuthenticationRefused, NotFoundInVms, RequestInvalid, VmsError, VmsUnavailable
from tests.connectors.onvif.client.answers import fault


def meant(document: bytes) -> VmsError:
    found = next(etree.fromstring(document).iter("{*}Fault"))
    return fault_error(found, "PullMessages at https://vms")


def old_fault(code: str, text: str) -> bytes:
    envelope = "http://schemas.xmlsoap.org/soap/envelope/"
    inner = f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
    return f'<e:Envelope xmlns:e="{envelope}"><e:Body><e:Fault>{inner}</e:Fault></e:Body></e:Envelope>'.encode()


@pytest.mark.parametrize("code", sorted(MEANINGS))
def test_every_code_of_the_table_has_a_remedy_and_says_itself(code: str) -> None:
    error = meant(fault(f"ter:{code}")[1])
    kind, remedy = MEANINGS[code]
    assert type(error) is kind
    assert error.remedy == remedy
    assert remedy.endswith((".", "have none left."))
    assert code in str(error)
    assert "it said no" in str(error)


def test_the_detail_says_it_more_exactly_than_the_code() -> None:
    detail = '<w:InvalidFilterFault xmlns:w="http://docs.oasis-open.org/wsn/b-2"/>'
    assert type(meant(fault("ter:InvalidArgVal", detail=detail)[1])) is FilterRefused


def test_the_innermost_code_counts() -> None:
    document = fault("ter:InvalidArgVal</s:Value><s:Subcode><s:Value>ter:NoProfile</s:Value></s:Subcode><s:Value>")[1]
    assert type(meant(document)) is NotFoundInVms


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("e:Client", RequestInvalid),
        ("e:Server", VmsUnavailable),
        ("ter:NotAuthorized", AuthenticationRefused),
        ("SOAP-ENV:Sender/ter:NotAuthorized", AuthenticationRefused),
        ("", VmsUnavailable),
    ],
)
def test_faults_of_soap_1_1_are_read_too(code: str, kind: type[VmsError]) -> None:
    assert type(meant(old_fault(code, "why not"))) is kind


def test_a_subscription_that_is_gone_recovers_and_a_limit_tells_itself() -> None:
    detail = '<r:ResourceUnknownFault xmlns:r="http://docs.oasis-open.org/wsrf/r-2"/>'
    gone = meant(fault("ter:InvalidArgVal", detail=detail)[1])
    assert isinstance(gone, SubscriptionEnded)
    assert gone.recovers
    limits = "<tev:MaxTimeout>PT60S</tev:MaxTimeout><tev:MaxMessageLimit>7</tev:MaxMessageLimit>"
    detail = f"<tev:PullMessagesFaultResponse>{limits}</tev:PullMessagesFaultResponse>"
    limited = meant(fault("ter:InvalidArgVal", detail=detail)[1])
    assert isinstance(limited, PullLimited)
    assert limited.max_messages == 7


def test_a_credential_in_a_fault_is_hidden() -> None:
    assert "s3cret" not in str(meant(old_fault("e:Server", "password=s3cret")))
