"""Bookmarks, however they are made, and the Bookmarks REST interface (notes §5.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypedDict

from aiohttp import web

from connectors.milestone.simulator.config.objects import relations
from connectors.milestone.simulator.config.rest import REST
from connectors.milestone.simulator.marks.rest_values import refused, text_of, time_of
from connectors.milestone.simulator.site import Camera, Site, fresh_id, milliseconds, rest_time
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
from connectors.milestone.simulator.web.routing import Routes
from connectors.protocols.simulation import Ledger
from core.contracts import Clock
from core.types import Json, UtcSeconds

_PROPERTIES = frozenset({"header", "description", "timeBegin", "timeEnd", "timeTriggered", "reference", "devicePath"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A tagged sequence of one camera. ``begin <= triggered <= end``."""

    bookmark_id: str
    camera: Camera
    reference: str
    header: str
    description: str
    begin: UtcSeconds
    triggered: UtcSeconds
    end: UtcSeconds
    user: str

    def as_json(self) -> JsonObject:
        """As Bookmarks REST shows it."""
        return {
            "id": self.bookmark_id,
            "header": self.header,
            "description": self.description,
            "timeBegin": rest_time(self.begin),
            "timeEnd": rest_time(self.end),
            "timeTriggered": rest_time(self.triggered),
            "reference": self.reference,
            "user": self.user,
            "devicePath": {"type": "cameras", "id": self.camera.camera_id},
            "deviceName": self.camera.name,
            "relations": relations("bookmarks", self.bookmark_id),
        }

    def mentions(self, text: str) -> bool:
        """Whether the text is in its header, description or reference, in any case."""
        return any(text.lower() in own.lower() for own in (self.header, self.description, self.reference))


@dataclass(slots=True, kw_only=True)
class BookmarkBook:
    """Every bookmark of this run."""

    clock: Clock
    ledger: Ledger
    user: str
    bookmarks: dict[str, Bookmark] = field(default_factory=dict)
    references: int = 0

    def new_reference(self) -> str:
        """Reserves the next reference number."""
        self.references += 1
        return f"no.{self.references:06d}"

    def create(
        self,
        *,
        camera: Camera,
        begin: UtcSeconds,
        triggered: UtcSeconds,
        end: UtcSeconds,
        reference: str,
        header: str,
        description: str,
        interface: str,
    ) -> Bookmark:
        """Makes a bookmark and writes it into the ledger. Raises ``ValueError`` where the times are out of order."""
        if not begin <= triggered <= end:
            raise ValueError("the times must be in the order begin, triggered, end")
        bookmark = Bookmark(
            bookmark_id=fresh_id(),
            camera=camera,
            reference=reference or self.new_reference(),
            header=header,
            description=description,
            begin=begin,
            triggered=triggered,
            end=end,
            user=self.user,
        )
        self.bookmarks[bookmark.bookmark_id] = bookmark
        self._record(bookmark, interface)
        return bookmark

    def update(
        self,
        bookmark_id: str,
        *,
        camera: Camera,
        begin: UtcSeconds,
        triggered: UtcSeconds,
        end: UtcSeconds,
        reference: str,
        header: str,
        description: str,
    ) -> Bookmark:
        """Replaces what a bookmark says. Raises ``KeyError`` where there is none, ``ValueError`` as ``create`` does."""
        known = self.bookmarks[bookmark_id]
        if not begin <= triggered <= end:
            raise ValueError("the times must be in the order begin, triggered, end")
        self.bookmarks[bookmark_id] = dataclasses.replace(
            known,
            camera=camera,
            begin=begin,
            triggered=triggered,
            end=end,
            reference=reference,
            header=header,
            description=description,
        )
        return self.bookmarks[bookmark_id]

    def search(
        self, *, begin: UtcSeconds, end: UtcSeconds, camera_ids: Collection[str], users: Collection[str], text: str
    ) -> list[Bookmark]:
        """Bookmarks that lie wholly within the window, oldest first; an empty collection or text asks for any.

        Whether XProtect also finds those that reach out of the window is *unverified*.
        """
        found = [
            bookmark
            for bookmark in self.bookmarks.values()
            if milliseconds(begin) <= milliseconds(bookmark.begin)
            and milliseconds(bookmark.end) <= milliseconds(end)
            and (not camera_ids or bookmark.camera.camera_id in camera_ids)
            and (not users or bookmark.user in users)
            and bookmark.mentions(text)
        ]
        return sorted(found, key=lambda bookmark: bookmark.begin)

    def _record(self, bookmark: Bookmark, interface: str) -> None:
        fields: dict[str, Json] = {
            "id": bookmark.bookmark_id,
            "camera": bookmark.camera.camera_id,
            "camera_name": bookmark.camera.name,
            "reference": bookmark.reference,
            "header": bookmark.header,
            "description": bookmark.description,
            "begin": bookmark.begin,
            "triggered": bookmark.triggered,
            "end": bookmark.end,
            "interface": interface,
        }
        self.ledger.add("bookmark", **fields)


class _Content(TypedDict):
    camera: Camera
    begin: UtcSeconds
    triggered: UtcSeconds
    end: UtcSeconds
    reference: str
    header: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookmarksRest:
    """Serves ``/bookmarks``. There is no list; errors have the form that the bookmark pages show."""

    site: Site
    book: BookmarkBook
    gate: PublishGate

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        routes.add("GET", f"{REST}/bookmarks", self._refuse_list)
        routes.add("POST", f"{REST}/bookmarks", self._post)
        routes.add("GET", f"{REST}/bookmarks/{{id}}", self._get)
        routes.add("PATCH", f"{REST}/bookmarks/{{id}}", self._patch)
        routes.add("DELETE", f"{REST}/bookmarks/{{id}}", self._delete)

    async def _refuse_list(self, _request: web.BaseRequest, _id: str) -> web.Response:
        raise refused("Unknown request")

    async def _post(self, request: web.BaseRequest, _id: str) -> web.Response:
        if not self.site.has_bookmarks:
            raise RestRefused(403, "Bookmarks are not part of this product", wrapped=False)  # status unverified
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
        require_known(body, frozenset({"devicePath"}), wrapped=False)
        self._camera(body)
        reference, now = self.book.new_reference(), rest_time(self.book.clock.utc())
        return web.json_response({"result": {"reference": reference, "time": now, "state": "Success"}})

    async def _create(self, request: web.BaseRequest) -> web.Response:
        body = await json_body(request, wrapped=False)
        require_known(body, _PROPERTIES, wrapped=False)
        try:
            bookmark = self.book.create(**self._content(body), interface="rest")
        except ValueError as error:
            raise refused(str(error), "timeTriggered") from error
        return created("bookmarks", bookmark.bookmark_id, bookmark.header, rest_time(self.book.clock.utc()))

    def _content(self, body: JsonObject) -> _Content:
        begin, triggered, end = (time_of(body, name) for name in ("timeBegin", "timeTriggered", "timeEnd"))
        header, description, reference = (text_of(body, name) for name in ("header", "description", "reference"))
        return {
            "camera": self._camera(body),
            "begin": begin,
            "triggered": triggered,
            "end": end,
            "reference": reference,
            "header": header,
            "description": description,
        }

    async def _get(self, _request: web.BaseRequest, bookmark_id: str) -> web.Response:
        return data(self._found(bookmark_id).as_json())

    async def _patch(self, request: web.BaseRequest, bookmark_id: str) -> web.Response:
        shown = self._found(bookmark_id).as_json()
        body = await json_body(request, wrapped=False)
        require_known(body, _PROPERTIES, wrapped=False)
        known = {name: value for name, value in shown.items() if name in _PROPERTIES}
        try:
            return data(self.book.update(bookmark_id, **self._content({**known, **body})).as_json())
        except ValueError as error:
            raise refused(str(error), "timeTriggered") from error

    async def _delete(self, _request: web.BaseRequest, bookmark_id: str) -> web.Response:
        del self.book.bookmarks[self._found(bookmark_id).bookmark_id]
        return web.json_response({"state": "Success"})

    def _found(self, bookmark_id: str) -> Bookmark:
        if bookmark_id not in self.book.bookmarks:
            raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id", wrapped=False)
        return self.book.bookmarks[bookmark_id]

    def _camera(self, body: JsonObject) -> Camera:
        path = body.get("devicePath")
        if not isinstance(path, dict) or path.get("type") != "cameras":
            raise refused("'devicePath' must be {type: cameras, id}", "devicePath")
        camera = self.site.camera(str(path.get("id")))
        if camera is None:
            raise refused("Unknown device", "devicePath")
        return camera
