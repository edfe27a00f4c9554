"""Evidence locks, which keep a recording from being deleted: REST (2024 R2 and later), SOAP "marked data" before.

Only XProtect Corporate has them; elsewhere the delivery is parked with that reason.
"""

from __future__ import annotations

from config.model import CameraSettings
from connectors.milestone.access.rest import created_id, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.access.soap import EvidenceLock
from connectors.milestone.inventory.inventory import Inventory, canonical_id
from connectors.milestone.publish import wording
from connectors.milestone.publish.action import ActionPublisher, interval, parked_where_deleted, with_remedy
from connectors.milestone.publish.bookmarks import SEARCH_MARGIN_S
from connectors.milestone.settings import MilestoneSettings
from core.clock import iso_utc
from core.types import Alert, Delivery, Receipt, UtcSeconds

_DAY_S = 86_400.0
_REMEDY = (
    "Only XProtect Corporate has evidence locks: elsewhere, take 'evidence_lock' out of 'publish'. In Corporate: "
    "Management Client → Security → Roles → Device: give this account Create evidence locks on the camera."
)


class EvidenceLockPublisher(ActionPublisher):
    """Locks the alert's recording; the lock's description ends with the delivery's token, which is searched for.

    By SOAP the lock's id is the delivery's key. By REST the VMS chooses it, and the retention is told by its end.
    """

    def __init__(self, session: XProtectSession, settings: MilestoneSettings, inventory: Inventory) -> None:
        self._session = session
        self._settings = settings
        self._inventory = inventory

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        lock = self._lock(delivery, alert, camera)
        with without_effect():
            route = self._session.routes.bookmarks()  # came in the same release
        make = self._make_by_rest if route == "rest" else self._make_by_soap
        with parked_where_deleted(self._inventory, camera), with_remedy(_REMEDY):
            return Receipt(remote_id=make(lock))

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        """Searches the camera's locks around the alert's time; by SOAP, as the body of the REST search is unverified."""
        begin, end = interval(alert, self._settings)
        device = canonical_id(camera.device)
        found = self._search(device, begin - SEARCH_MARGIN_S, end + SEARCH_MARGIN_S, delivery.token)
        return next((Receipt(remote_id=lock_id) for lock_id in found), None)

    def look(self, camera: CameraSettings, now: UtcSeconds) -> None:
        """Searches the camera's locks of the last minute. Raises ``VmsError`` where ``find`` could not ask either."""
        self._search(canonical_id(camera.device), now - SEARCH_MARGIN_S, now, "")

    def _lock(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> EvidenceLock:
        begin, end = interval(alert, self._settings)
        return EvidenceLock(
            device=canonical_id(camera.device),
            begin=begin,
            tagged=alert.captured_at,
            end=end,
            header=wording.title(alert),
            description=wording.description(delivery, alert, camera),
            retention_days=self._settings.evidence_lock_days,
            lock_id=str(delivery.key),
        )

    def _make_by_rest(self, lock: EvidenceLock) -> str:
        """The members of ``retentionOption`` are unverified; ``retentionExpire`` alone says the same."""
        what = "evidence lock in XProtect"
        body = {
            "header": lock.header,
            "description": lock.description,
            "startTime": iso_utc(lock.begin),
            "tagTime": iso_utc(lock.tagged),
            "endTime": iso_utc(lock.end),
            "retentionExpire": iso_utc(lock.tagged + lock.retention_days * _DAY_S),
            "devicePaths": [{"type": "cameras", "id": lock.device}],
        }
        response = self._session.rest("POST", "/evidenceLocks", what=what, json=body)
        return created_id(succeeded(response, what))

    def _make_by_soap(self, lock: EvidenceLock) -> str:
        return self._session.with_corporate_token(lambda commands, token: commands.create_evidence_lock(token, lock))

    def _search(self, device: str, begin: UtcSeconds, end: UtcSeconds, text: str) -> dict[str, str]:
        with without_effect(), with_remedy(_REMEDY):
            return self._session.with_corporate_token(
                lambda commands, token: commands.find_evidence_locks(token, device, begin, end, text)
            )
