from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.connectors.milestone.simulator.running import Running, run
from tests.connectors.milestone.simulator.soap.calls import call, fault


def _event_id(site: Running) -> str:
    return str(site.rest("GET", "/userDefinedEvents").json()["array"][0]["id"])


def test_a_user_defined_event_is_triggered_and_stored_like_one_of_rest(video: Path) -> None:
    with run(video, "--user-defined-event", "Start recording", "--event-retention-days", "1") as site:
        answer = call(site, "EventTrigger", f"<eventId>{_event_id(site)}</eventId>")
        assert (answer.status_code, "EventTriggerResponse" in answer.text) == (200, True)
        [record] = site.ledger("event")
        [stored] = site.rest("GET", "/events").json()["array"]
    assert (record["event_type"], record["interface"]) == ("Start recording", "soap")
    assert "source" not in stored


def test_metadata_goes_into_the_ledger_and_may_name_the_camera(video: Path) -> None:
    with run(video, "--user-defined-event", "Start recording") as site:
        pair = f"<KeyValue><Key>RelatedCamera</Key><Value>{site.camera}</Value></KeyValue>"
        body = f"<eventId>{_event_id(site)}</eventId><metadata>{pair}</metadata>"
        call(site, "EventTriggerWithMetadata", body).raise_for_status()
        [record] = site.ledger("event")
    assert (record["camera"], record["metadata"]) == (site.camera, {"RelatedCamera": site.camera})


def test_an_unknown_event_is_a_fault(simulator: Running) -> None:
    assert fault(call(simulator, "EventTrigger", f"<eventId>{uuid4()}</eventId>")) == "a:InternalServiceFault"
