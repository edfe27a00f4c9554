"""Bookmarks over SOAP (notes §5.2).

Result members come in alphabetical order, as data contracts without explicit order are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.milestone.simulator.marks.bookmarks import Bookmark, BookmarkBook
from connectors.milestone.simulator.site import Site, rest_time
from connectors.milestone.simulator.soap.messages import SERVER_COMMAND, Parameters, SoapFault, Value
from connectors.milestone.simulator.soap.operations import Operation, Operations, known_camera
from core.types import UtcSeconds

_CONTENT = ("deviceId", "timeBegin", "timeTrigged", "timeEnd", "reference", "header", "description")
_SEARCH = ("timeLimit", "countLimit", "deviceTypes", "optDeviceIds", "optUsers", "optSearchStr")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookmarkOperations:
    """Every operation on bookmarks; the edition must have any."""

    site: Site
    book: BookmarkBook

    def operations(self) -> Operations:
        """By name."""
        return {
            "BookmarkGetNewReference": Operation(
                parameters=("token", "deviceId", "live"), carry_out=self._new_reference
            ),
            "BookmarkCreate": Operation(parameters=("token", *_CONTENT), carry_out=self._create, publishes=True),
            "BookmarkUpdate": Operation(parameters=("token", "bookmarkId", *_CONTENT), carry_out=self._update),
            "BookmarkDelete": Operation(parameters=("token", "bookmarkId"), carry_out=self._delete),
            "BookmarkGet": Operation(parameters=("token", "bookmarkId"), carry_out=self._get),
            "BookmarkSearchTime": Operation(parameters=("token", "time", *_SEARCH), carry_out=self._search),
            "BookmarkSearchFromBookmark": Operation(
                parameters=("token", "fromBookmarkId", *_SEARCH), carry_out=self._search_from
            ),
        }

    def _new_reference(self, parameters: Parameters) -> Value:
        self._require_edition()
        parameters.boolean("live")
        known_camera(self.site, parameters.guid("deviceId"))
        return {"Reference": self.book.new_reference(), "Time": rest_time(self.book.clock.utc())}

    def _create(self, parameters: Parameters) -> Value:
        self._require_edition()
        camera = known_camera(self.site, parameters.guid("deviceId"))
        begin, triggered, end = _times(parameters)
        reference, header, description = _texts(parameters)
        try:
            bookmark = self.book.create(
                camera=camera,
                begin=begin,
                triggered=triggered,
                end=end,
                reference=reference,
                header=header,
                description=description,
                interface="soap",
            )
        except ValueError as error:
            raise SoapFault(str(error)) from error
        return _bookmark(bookmark)

    def _update(self, parameters: Parameters) -> Value:
        known = self._found(parameters, "bookmarkId")
        camera = known_camera(self.site, parameters.guid("deviceId"))
        begin, triggered, end = _times(parameters)
        reference, header, description = _texts(parameters)
        try:
            changed = self.book.update(
                known.bookmark_id,
                camera=camera,
                begin=begin,
                triggered=triggered,
                end=end,
                reference=reference or known.reference,
                header=header,
                description=description,
            )
        except ValueError as error:
            raise SoapFault(str(error)) from error
        return _bookmark(changed)

    def _delete(self, parameters: Parameters) -> None:
        del self.book.bookmarks[self._found(parameters, "bookmarkId").bookmark_id]

    def _get(self, parameters: Parameters) -> Value:
        return _bookmark(self._found(parameters, "bookmarkId"))

    def _search(self, parameters: Parameters) -> Value:
        self._require_edition()
        return self._searched(parameters, parameters.moment("time"))

    def _search_from(self, parameters: Parameters) -> Value:
        """The page that follows a bookmark: it is not among the found (*unverified*)."""
        known = self._found(parameters, "fromBookmarkId")
        return self._searched(parameters, known.begin, passed_over=known.bookmark_id)

    def _searched(self, parameters: Parameters, moment: UtcSeconds, passed_over: str = "") -> Value:
        """A negative ``timeLimit`` searches back from ``moment``."""
        other = moment + parameters.microseconds("timeLimit") / 1_000_000
        kinds = parameters.items("deviceTypes", SERVER_COMMAND, "MediaDeviceType")
        if kinds and "Camera" not in kinds:
            return ()
        found = self.book.search(
            begin=min(moment, other),
            end=max(moment, other),
            camera_ids=parameters.guids("optDeviceIds"),
            users=parameters.strings("optUsers"),
            text=parameters.text("optSearchStr"),
        )
        kept = [bookmark for bookmark in found if bookmark.bookmark_id != passed_over]
        return [("Bookmark", _bookmark(bookmark)) for bookmark in kept[: max(0, parameters.integer("countLimit"))]]

    def _found(self, parameters: Parameters, name: str) -> Bookmark:
        self._require_edition()
        bookmark = self.book.bookmarks.get(parameters.guid(name))
        if bookmark is None:
            raise SoapFault("The bookmark is unknown.")
        return bookmark

    def _require_edition(self) -> None:
        if not self.site.has_bookmarks:
            raise SoapFault("Bookmarks are not part of this product.", "s:51000")  # wording unverified


def _times(parameters: Parameters) -> Sequence[UtcSeconds]:
    return [parameters.moment(name) for name in ("timeBegin", "timeTrigged", "timeEnd")]


def _texts(parameters: Parameters) -> Sequence[str]:
    return [parameters.text(name) for name in ("reference", "header", "description")]


def _bookmark(bookmark: Bookmark) -> Value:
    return {
        "Description": bookmark.description,
        "DeviceId": bookmark.camera.camera_id,
        "Header": bookmark.header,
        "Id": bookmark.bookmark_id,
        "Reference": bookmark.reference,
        "TimeBegin": rest_time(bookmark.begin),
        "TimeEnd": rest_time(bookmark.end),
        "TimeTrigged": rest_time(bookmark.triggered),
        "User": bookmark.user,
    }
