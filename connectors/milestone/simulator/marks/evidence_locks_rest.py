"""Evidence Locks REST (notes §5.1): 2024 R2, Corporate only. There is no list; errors are as on the bookmark pages."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from connectors.milestone.simulator.config.objects import relations
from connectors.milestone.simulator.config.rest import REST
from connectors.milestone.simulator.marks.evidence_locks import EvidenceLock, EvidenceLockBook, LockContent, Retention
from connectors.milestone.simulator.marks.rest_values import refused, text_of, time_of
from connectors.milestone.simulator.site import Camera, Site, rest_time
from connectors.milestone.simulator.web.publishing import PublishGate
from connectors.milestone.simulator.web.rest import (
    JsonObject,
    RestRefused,
    created,
    data,
    json_body,
    option,
    require_known,
)
from connectors.milestone.simulator.web.routing import Handler, Routes
from core.types import Json

_PROPERTIES = frozenset(
    {
        "header",
        "description",
        "startTime",
        "tagTime",
        "endTime",
        "reference",
        "retentionExpire",
        "retentionOption",
        "devicePaths",
    }
)
_RETENTION_PROPERTIES = frozenset({"retentionOptionType", "retentionUnits"})
"""*Unverified*: SOAP's names in the case of REST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLocksRest:
    """Serves ``/evidenceLocks``."""

    site: Site
    book: EvidenceLockBook
    gate: PublishGate

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        path = f"{REST}/evidenceLocks"
        for method, address, handler in (
            ("GET", path, self._refuse_list),
            ("POST", path, self._post),
            ("GET", f"{path}/{{id}}", self._get),
            ("PATCH", f"{path}/{{id}}", self._patch),
            ("DELETE", f"{path}/{{id}}", self._delete),
        ):
            routes.add(method, address, self._in_its_edition(handler))

    def _in_its_edition(self, handler: Handler) -> Handler:
        async def checked(request: web.BaseRequest, lock_id: str) -> web.StreamResponse:
            if not self.site.has_evidence_locks:
                # The status is unverified.
                raise RestRefused(403, "Evidence locks are not part of this product", wrapped=False)
            return await handler(request, lock_id)

        return checked

    async def _refuse_list(self, _request: web.BaseRequest, _id: str) -> web.Response:
        raise refused("Unknown request")

    async def _post(self, request: web.BaseRequest, _id: str) -> web.Response:
        match option(request, "task"):
            case None:
                return await self.gate.guard(request, lambda: self._create(request))
            case "newReference":
                return await self._new_reference(request)
            case task:
                raise refused(f"The task '{task}' is not simulated: its body is not published", "task")

    async def _new_reference(self, request: web.BaseRequest) -> web.Response:
        """Body and answer are *unverified*."""
        body = await json_body(request, wrapped=False)
        require_known(body, frozenset({"devicePaths"}), wrapped=False)
        self._cameras(body)
        now = rest_time(self.book.clock.utc())
        return web.json_response({"result": {"reference": self.book.new_reference(), "time": now, "state": "Success"}})

    async def _create(self, request: web.BaseRequest) -> web.Response:
        body = await json_body(request, wrapped=False)
        try:
            lock = self.book.create(self._content(body), interface="rest")
        except ValueError as error:
            raise refused(str(error), "tagTime") from error
        return created("evidenceLocks", lock.lock_id, lock.header, rest_time(lock.created_at))

    async def _get(self, _request: web.BaseRequest, lock_id: str) -> web.Response:
        return data(_shown(self._found(lock_id)))

    async def _patch(self, request: web.BaseRequest, lock_id: str) -> web.Response:
        shown = _shown(self._found(lock_id))
        body = await json_body(request, wrapped=False)
        require_known(body, _PROPERTIES, wrapped=False)
        known = {name: value for name, value in shown.items() if name in _PROPERTIES and value is not None}
        try:
            return data(_shown(self.book.update(lock_id, self._content({**known, **body}))))
        except ValueError as error:
            raise refused(str(error), "tagTime") from error

    async def _delete(self, _request: web.BaseRequest, lock_id: str) -> web.Response:
        self.book.delete(self._found(lock_id).lock_id)
        return web.json_response({"state": "Success"})

    def _found(self, lock_id: str) -> EvidenceLock:
        if lock_id not in self.book.locks:
            raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id", wrapped=False)
        return self.book.locks[lock_id]

    def _content(self, body: JsonObject) -> LockContent:
        require_known(body, _PROPERTIES, wrapped=False)
        begin, tagged, end = (time_of(body, name) for name in ("startTime", "tagTime", "endTime"))
        header, description, reference = (text_of(body, name) for name in ("header", "description", "reference"))
        return LockContent(
            cameras=self._cameras(body),
            begin=begin,
            tagged=tagged,
            end=end,
            header=header,
            description=description,
            reference=reference,
            retention=_retention(body),
        )

    def _cameras(self, body: JsonObject) -> tuple[Camera, ...]:
        paths = body.get("devicePaths")
        if not isinstance(paths, list) or not paths:
            raise refused("'devicePaths' must hold {type: cameras, id} objects", "devicePaths")
        return tuple(self._camera(path) for path in paths)

    def _camera(self, path: Json) -> Camera:
        is_path = isinstance(path, dict) and path.get("type") == "cameras"
        camera = self.site.camera(str(path.get("id"))) if isinstance(path, dict) and is_path else None
        if camera is None:
            raise refused("Unknown device", "devicePaths")
        return camera


def _retention(body: JsonObject) -> Retention:
    given = body.get("retentionOption", {})
    if not isinstance(given, dict) or not given.keys() <= _RETENTION_PROPERTIES:
        raise refused("'retentionOption' must be {retentionOptionType, retentionUnits}", "retentionOption")
    units = given.get("retentionUnits", 0)
    if not isinstance(units, int) or isinstance(units, bool) or units < 0:
        raise refused("'retentionUnits' must be a number", "retentionOption")
    expires_at = time_of(body, "retentionExpire") if "retentionExpire" in body else None
    kind = str(given.get("retentionOptionType", ""))
    return Retention(is_used=bool(given) or expires_at is not None, expires_at=expires_at, kind=kind, units=units)


def _shown(lock: EvidenceLock) -> JsonObject:
    expires_at, retention = lock.retention.expires_at, lock.retention
    devices: list[Json] = [{"type": "cameras", "id": camera.camera_id} for camera in lock.cameras]
    return {
        "id": lock.lock_id,
        "header": lock.header,
        "description": lock.description,
        "startTime": rest_time(lock.begin),
        "tagTime": rest_time(lock.tagged),
        "endTime": rest_time(lock.end),
        "reference": lock.reference,
        "retentionExpire": None if expires_at is None else rest_time(expires_at),
        "retentionOption": {"retentionOptionType": retention.kind, "retentionUnits": retention.units},
        "devicePaths": devices,
        "user": lock.user,
        "relations": relations("evidenceLocks", lock.lock_id),
    }
