from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.config_client import ConfigClient, object_id, path_id
from core.errors import ProtocolViolation, RequestInvalid, VmsRefused, VmsUnavailable
from tests.connectors.milestone.gateway import gateway
from tests.connectors.milestone.support import REST, services, settings

TASK = {"state": "Idle", "path": {"type": "tasks", "id": "33"}}


@pytest.fixture
def vms() -> Iterator[responses.RequestsMock]:
    with gateway() as mock:
        mock.post(f"{REST}/tasks/33?task=TaskCleanup", json={"result": {"state": "Success"}})
        yield mock


@pytest.fixture
def client() -> Iterator[ConfigClient]:
    session = XProtectSession(settings(), services())
    yield ConfigClient(session)
    session.close()


def show(mock: responses.RequestsMock, *tasks: dict[str, Any]) -> None:
    for task in tasks:
        mock.get(f"{REST}/tasks/33", json={"data": task})


@pytest.mark.parametrize(
    "ended",
    [
        {"state": "Success", "progress": 100, "path": {"type": "hardware", "id": "H1"}},
        {"result": {"state": "Success", "progress": 100, "path": "hardware/H1"}},
    ],
)
def test_a_task_is_followed_to_its_end(
    vms: responses.RequestsMock, client: ConfigClient, ended: dict[str, Any]
) -> None:
    show(vms, {"state": "InProgress", "progress": 40}, ended)
    told: list[int] = []
    assert client.made_by(TASK, lambda: True, told.append) == "h1"
    assert told == [40, 100]


def test_a_task_that_may_not_be_cleaned_up_was_done_all_the_same(
    vms: responses.RequestsMock, client: ConfigClient
) -> None:
    vms.replace("POST", f"{REST}/tasks/33?task=TaskCleanup", status=403)
    show(vms, {"state": "Success", "path": {"type": "hardware", "id": "H1"}})
    assert client.made_by(TASK, lambda: True) == "h1"


def test_a_task_that_ends_in_an_error_is_a_refusal_in_its_own_words(
    vms: responses.RequestsMock, client: ConfigClient
) -> None:
    show(vms, {"state": "Error", "errorText": "VMO61003: The address is used already"})
    with pytest.raises(VmsRefused, match="VMO61003"):
        client.made_by(TASK, lambda: True)


@pytest.mark.usefixtures("vms")
def test_patience_ends(client: ConfigClient) -> None:
    with pytest.raises(VmsRefused, match="did not end in time"):
        client.made_by(TASK, lambda: False)


def test_a_task_that_does_not_tell_what_it_made_is_a_violation(
    vms: responses.RequestsMock, client: ConfigClient
) -> None:
    show(vms, {"state": "Success"})
    with pytest.raises(ProtocolViolation):
        client.made_by(TASK, lambda: True)


def test_a_creation_that_is_refused_for_another_reason_is_not_repeated(
    vms: responses.RequestsMock, client: ConfigClient
) -> None:
    answer = vms.post(f"{REST}/analyticsEvents", json={"error": {"details": [{"errorText": "exists"}]}}, status=400)
    with pytest.raises(RequestInvalid, match="exists"):
        client.create("analyticsEvents", {"name": "Vigie"})
    assert answer.call_count == 1


def test_a_creation_that_asks_for_ever_more_ends(vms: responses.RequestsMock, client: ConfigClient) -> None:
    for number in range(6):
        vms.post(f"{REST}/rules", json={"params": {f"p{number}": ""}}, status=400)
    with pytest.raises(RequestInvalid):
        client.create("rules", {"name": "Vigie"})


def test_a_change_whose_answer_is_lost_may_be_repeated(vms: responses.RequestsMock, client: ConfigClient) -> None:
    vms.patch(f"{REST}/hardware/h1", status=500)
    with pytest.raises(VmsUnavailable) as caught:
        client.change("hardware/h1", {"enabled": True})
    assert type(caught.value) is VmsUnavailable


@pytest.mark.parametrize(
    ("path", "expected"), [({"type": "tasks", "id": "A1"}, "a1"), ("tasks/A1", "a1"), (None, ""), ("", "")]
)
def test_paths_are_objects_or_text(path: object, expected: str) -> None:
    assert path_id(path) == expected


def test_an_object_without_an_id_has_its_relations() -> None:
    assert object_id({"relations": {"self": {"type": "licenseInformations", "id": "A1"}}}) == "a1"
    assert object_id({}) == ""
