"""Bookmarks: through the gateway's REST API (2024 R2 and later), through SOAP in older releases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config.model import CameraSettings
from connectors.milestone.access.rest import created_id, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.access.soap import Bookmark
from connectors.milestone.inventory.inventory import Inventory, canonical_id
from connectors.milestone.publish import wording
from connectors.milestone.publish.action import (
    ActionPublisher,
    interval,
    is_answered,
    parked_where_deleted,
    with_remedy,
)
from connectors.milestone.settings import MilestoneSettings
from core.clock import iso_utc
from core.errors import NotFoundInVms, RightMissing, VmsError
from core.types import Alert, Delivery, Receipt, UtcSeconds

SEARCH_MARGIN_S = 60.0
"""So much earlier and later than its interval a bookmark or lock is searched."""
_REMEDY = (
    "Management Client → Security → Roles → Device: give this account Create bookmarks on the camera. "
    "XProtect Essential+ has no bookmarks: there, take 'bookmark' out of 'publish'."
)


class BookmarkPublisher(ActionPublisher):
    """Makes bookmarks whose description ends with the delivery's token, and searches for that token."""

    def __init__(self, session: XProtectSession, settings: MilestoneSettings, inventory: Inventory) -> None:
        self._session = session
        self._settings = settings
        self._inventory = inventory

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Makes the bookmark over the alert's own time, whenever it is sent."""
        bookmark = self._bookmark(delivery, alert, camera)
        with without_effect():
            route = self._session.routes.bookmarks()
        make = self._make_by_rest if route == "rest" else self._make_by_soap
        with self._edition_told(), parked_where_deleted(self._inventory, camera), with_remedy(_REMEDY):
            return Receipt(remote_id=make(bookmark))

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        """Searches the camera's bookmarks around the alert's time; by SOAP, whose search is documented."""
        wanted = self._bookmark(delivery, alert, camera)
        begin, end = wanted.begin - SEARCH_MARGIN_S, wanted.end + SEARCH_MARGIN_S
        found = self._search(wanted.device, begin, end, delivery.token)
        return next((Receipt(remote_id=bookmark_id) for bookmark_id in found), None)

    def look(self, camera: CameraSettings, now: UtcSeconds) -> None:
        """Searches the camera's bookmarks of the last minute. Raises ``VmsError`` where ``find`` could not ask either."""
        self._search(canonical_id(camera.device), now - SEARCH_MARGIN_S, now, "")

    def _bookmark(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Bookmark:
        begin, end = interval(alert, self._settings)
        return Bookmark(
            device=canonical_id(camera.device),
            begin=begin,
            triggered=alert.captured_at,
            end=end,
            header=wording.title(alert),
            description=wording.description(delivery, alert, camera),
        )

    def _make_by_rest(self, bookmark: Bookmark) -> str:
        what = "bookmark in XProtect"
        body = {
            "header": bookmark.header,
            "description": bookmark.description,
            "timeBegin": iso_utc(bookmark.begin),
            "timeTriggered": iso_utc(bookmark.triggered),
            "timeEnd": iso_utc(bookmark.end),
            "devicePath": {"type": "cameras", "id": bookmark.device},
        }
        response = self._session.rest("POST", "/bookmarks", what=what, json=body)
        return created_id(succeeded(response, what))

    def _make_by_soap(self, bookmark: Bookmark) -> str:
        return self._session.with_corporate_token(lambda commands, token: commands.create_bookmark(token, bookmark))

    @contextmanager
    def _edition_told(self) -> Iterator[None]:
        """Around the making: in which words an edition without bookmarks refuses is unverified, so its options decide."""
        try:
            yield
        except VmsError as error:
            if not isinstance(error, NotFoundInVms) and is_answered(error) and self._has_no_bookmarks():
                raise RightMissing(f"this edition of XProtect has no bookmarks ({error})", remedy=_REMEDY) from error
            raise

    def _has_no_bookmarks(self) -> bool:
        try:
            options = self._inventory.server_options()
        except VmsError:
            return False
        return options.get("Bookmark", "").casefold() == "false"

    def _search(self, device: str, begin: UtcSeconds, end: UtcSeconds, text: str) -> dict[str, str]:
        with without_effect():
            return self._session.with_corporate_token(
                lambda commands, token: commands.search_bookmarks(token, device, begin, end, text)
            )
