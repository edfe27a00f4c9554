"""Config REST as setting up and checking a site need it: whole lists, children, creations, changes and tasks.

Facts: lists may hold disabled objects and come in pages; a creation that lacks properties is answered 400 with ``params``,
which names them with proposed values; a task is polled at ``/tasks/<id>`` until its state is ``Success`` or ``Error``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests

from connectors.milestone.access.rest import created_id, json_object, single, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.by_rest import RestInventory
from core.errors import ProtocolViolation, VmsError, VmsRefused
from core.redaction import redact

_MAX_ROUNDS = 4
_DONE = "success"
_FAILED = "error"


class ConfigClient:
    """Every method raises ``VmsError``."""

    def __init__(self, session: XProtectSession) -> None:
        self._session = session
        self._rest = RestInventory(session)

    def listed(self, path: str) -> list[dict[str, Any]]:
        """Every object of ``cameras``, of ``hardware/<id>/cameras`` …, disabled ones too."""
        return list(self._rest.listed(path))

    def one(self, path: str) -> dict[str, Any]:
        """The object ``hardware/<id>``, disabled or not."""
        what = f"{path} of XProtect"
        with without_effect():
            return single(succeeded(self._session.rest("GET", f"/{path}", what=what, params="disabled"), what), what)

    def create(self, collection: str, body: dict[str, Any]) -> str:
        """Makes an object; what is asked for beside ``body`` gets the value that XProtect proposes. Returns its id."""
        what = f"new object in {collection} of XProtect"
        response = self._session.rest("POST", f"/{collection}", what=what, json=body)
        for _ in range(_MAX_ROUNDS):
            proposed = _proposed(response, what, body)
            if not proposed:
                break
            body = {**body, **proposed}
            response = self._session.rest("POST", f"/{collection}", what=what, json=body)
        return created_id(succeeded(response, what))

    def change(self, path: str, body: dict[str, Any]) -> None:
        """Sets these properties of one object, such as ``hardware/<id>``. Doing it again changes nothing."""
        what = f"change of {path} of XProtect"
        with without_effect():
            succeeded(self._session.rest("PATCH", f"/{path}", what=what, json=body), what)

    def run_task(self, path: str, task: str, body: dict[str, Any]) -> dict[str, Any]:
        """Begins a task of an object; returns its state, and where it is polled as ``path``."""
        what = f"task {task} of {path}"
        response = self._session.rest("POST", f"/{path}", what=what, params={"task": task}, json=body)
        return single(succeeded(response, what), what)

    def task(self, task_id: str) -> dict[str, Any]:
        """How far it is: ``progress``, ``state``, ``errorText``, ``path``."""
        what = f"task {task_id} of XProtect"
        with without_effect():
            found = single(succeeded(self._session.rest("GET", f"/tasks/{task_id}", what=what), what), what)
        inner = found.get("result")  # 2022 R3's description has it around
        return inner if isinstance(inner, dict) else found

    def made_by(
        self, task: dict[str, Any], wait: Callable[[], bool], say: Callable[[int], None] = lambda _percent: None
    ) -> str:
        """The id of what a begun task makes. ``wait`` pauses, and is False once the patience is over."""
        task_id = path_id(task.get("path"))
        while str(task.get("state") or "").lower() not in {_DONE, _FAILED}:
            if not wait():
                raise VmsRefused(
                    f"task {task_id} of XProtect did not end in time",
                    remedy="Look in Management Client whether it ended meanwhile, and run this again.",
                )
            task = self.task(task_id)
            say(_percent(task))
        with suppress(VmsError):  # the list of tasks only grows longer
            self._clean_up(task_id)
        if str(task.get("state")).lower() == _FAILED:
            raise VmsRefused(f"XProtect refused: {redact(str(task.get('errorText') or 'no reason given'))}")
        made = path_id(task.get("path"))
        if not made:
            raise ProtocolViolation(f"task {task_id} of XProtect ended without telling what it made")
        return made

    def _clean_up(self, task_id: str) -> None:
        """Lets XProtect forget a task that ended."""
        what = f"end of task {task_id} of XProtect"
        with without_effect():
            response = self._session.rest(
                "POST", f"/tasks/{task_id}", what=what, params={"task": "TaskCleanup"}, json={}
            )
            succeeded(response, what)


def path_id(path: object) -> str:
    """The id in ``{type, id}``, or in the text ``type/id`` of 2022 R3, in lower case; empty where there is none."""
    text = str(path.get("id") or "") if isinstance(path, dict) else str(path or "").rpartition("/")[2]
    return text.lower()


def object_id(item: dict[str, Any]) -> str:
    """The id of an object, in lower case; of a child without one, what its relations say."""
    relations = item.get("relations")
    own = relations.get("self") if isinstance(relations, dict) else None
    return str(item.get("id") or "").lower() or path_id(own)


def is_enabled(item: dict[str, Any]) -> bool:
    """Booleans were texts before 2022 R2."""
    return str(item.get("enabled", True)).lower() == "true"


def _percent(task: dict[str, Any]) -> int:
    try:
        return int(task.get("progress") or 0)
    except (TypeError, ValueError):
        return 0


def _proposed(response: requests.Response, what: str, body: dict[str, Any]) -> dict[str, Any]:
    """The properties that are still missing, with their proposed values."""
    if response.status_code != requests.codes.bad_request:
        return {}
    try:
        params = json_object(response, what).get("params")
    except ProtocolViolation:
        return {}
    if not isinstance(params, dict):
        return {}
    return {name: value for name, value in params.items() if name not in body}
