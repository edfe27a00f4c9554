"""Bookmarks: through the gateway's REST API (2024 R2 and later), through SOAP in older releases."""

from __future__ import annotations

from config.model import CameraSettings
from connectors.milestone import wording
from connectors.milestone.discovery import Version
from connectors.milestone.inventory import canonical_id
from connectors.milestone.rest import created_id, succeeded, without_effect
from connectors.milestone.session import XProtectSession
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.soap import Bookmark
from core.clock import iso_utc
from core.types import Alert, Delivery, Receipt, UtcSeconds

REST_SINCE: Version = (24, 2)
"""2024 R2."""
_SEARCH_MARGIN_S = 60.0
_REMEDY = "Management Client → Security → Roles → Device: give this account Create bookmarks on the camera."


class BookmarkPublisher:
    """Makes bookmarks whose description ends with the delivery's token, and searches for that token."""

    def __init__(self, session: XProtectSession, settings: MilestoneSettings) -> None:
        self._session = session
        self._settings = settings

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Makes the bookmark over the alert's own time, whenever it is sent."""
        bookmark = self._bookmark(delivery, alert, camera)
        with without_effect():
            addresses = self._session.addresses()
        if addresses.is_before(REST_SINCE):
            return Receipt(remote_id=self._make_by_soap(bookmark))
        return Receipt(remote_id=self._make_by_rest(bookmark))

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        """Searches the camera's bookmarks around the alert's time; by SOAP, whose search is documented."""
        wanted = self._bookmark(delivery, alert, camera)
        begin, end = wanted.begin - _SEARCH_MARGIN_S, wanted.end + _SEARCH_MARGIN_S
        found = self._search(wanted.device, begin, end, delivery.token)
        return next((Receipt(remote_id=name) for name, text in found.items() if delivery.token in text), None)

    def look(self, camera: CameraSettings, now: UtcSeconds) -> None:
        """Searches the camera's bookmarks of the last minute. Raises ``VmsError`` where ``find`` could not ask either."""
        self._search(canonical_id(camera.device), now - _SEARCH_MARGIN_S, now, "vigie:")

    def _bookmark(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Bookmark:
        return Bookmark(
            device=canonical_id(camera.device),
            begin=min(alert.started_at, alert.captured_at) - self._settings.bookmark_before_s,
            triggered=alert.captured_at,
            end=alert.captured_at + self._settings.bookmark_after_s,
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
        return created_id(succeeded(response, what, remedy=_REMEDY))

    def _make_by_soap(self, bookmark: Bookmark) -> str:
        return self._session.with_corporate_token(lambda commands, token: commands.create_bookmark(token, bookmark))

    def _search(self, device: str, begin: UtcSeconds, end: UtcSeconds, words: str) -> dict[str, str]:
        with without_effect():
            return self._session.with_corporate_token(
                lambda commands, token: commands.search_bookmarks(token, device, begin, end, words)
            )
