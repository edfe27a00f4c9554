from __future__ import annotations

import json

import pytest
import responses
from lxml import etree

from core.errors import NotFoundInVms, ReplyLost, RequestInvalid
from core.types import Receipt
from tests.connectors.milestone.gateway import OAUTH, add_list, gateway, login_answer, soap_answer
from tests.connectors.milestone.support import DEVICE, REST, alert, camera, connector, delivery

EVENT = {"id": "44444444-4444-4444-8444-444444444444", "name": "Vigie alert"}
OTHER = {"id": "44444444-4444-4444-8444-444444444445", "name": "Vigie"}


def publish(mock: responses.RequestsMock, *events: dict[str, str]) -> Receipt:
    add_list(mock, "userDefinedEvents", list(events))
    return connector().publish(delivery("trigger"), alert(), camera())


def test_the_event_of_the_settings_is_triggered_with_the_camera_as_its_source() -> None:
    with gateway() as mock:
        mock.post(f"{REST}/events", json={"data": {"id": "e1"}}, status=202)
        assert publish(mock, OTHER, EVENT) == Receipt(remote_id="e1")
        body = json.loads(bytes(mock.calls[-1].request.body or b""))  # type: ignore[arg-type]
    assert body == {"type": EVENT["id"], "source": f"cameras/{DEVICE}"}


def test_before_2023_r2_it_is_triggered_through_soap() -> None:
    with gateway(version="23.1.0.1") as mock:
        mock.replace("POST", OAUTH, body=login_answer(), content_type="text/xml")
        mock.post(OAUTH, body=soap_answer("EventTrigger"), content_type="text/xml")
        assert publish(mock, EVENT) == Receipt()
        operation = etree.fromstring(bytes(mock.calls[-1].request.body or b""))[0][0]  # type: ignore[arg-type]
    assert etree.QName(operation).localname == "EventTrigger"
    assert operation.findtext("{*}eventId") == EVENT["id"]


def test_an_event_that_nobody_made_is_refused_with_how_to_make_it() -> None:
    with gateway() as mock, pytest.raises(NotFoundInVms, match="'Vigie alert'") as caught:
        publish(mock, OTHER)
    assert "vigie milestone setup" in caught.value.remedy


def test_a_lost_answer_cannot_be_settled_by_asking() -> None:
    with gateway() as mock:
        mock.post(f"{REST}/events", status=500)
        with pytest.raises(ReplyLost):
            publish(mock, EVENT)
        with pytest.raises(RequestInvalid):
            connector().find(delivery("trigger"), alert(), camera())
    assert "trigger" not in connector(publish=["trigger", "alarm"]).askable
