"""Evidence locks ("marked data"), however they are made: recordings of some cameras kept from being erased (notes §5)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass, field

from connectors.milestone.simulator.site import Camera, fresh_id, milliseconds
from connectors.protocols.simulation import Ledger
from core.contracts import Clock
from core.types import Json, UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a lock holds. ``kind`` and ``units`` are ``retentionOption``'s members as they were sent."""

    is_used: bool
    expires_at: UtcSeconds | None = None
    kind: str = ""
    units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLock:
    """A locked sequence of one or more cameras. ``begin <= tagged <= end``."""

    lock_id: str
    cameras: tuple[Camera, ...]
    reference: str
    header: str
    description: str
    begin: UtcSeconds
    tagged: UtcSeconds
    end: UtcSeconds
    retention: Retention
    user: str
    created_at: UtcSeconds

    def mentions(self, text: str) -> bool:
        """Whether the text is in its header, description or reference, in any case."""
        return any(text.lower() in own.lower() for own in (self.header, self.description, self.reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class LockContent:
    """What a caller says of a lock, whichever interface it uses."""

    cameras: tuple[Camera, ...]
    begin: UtcSeconds
    tagged: UtcSeconds
    end: UtcSeconds
    header: str
    description: str
    reference: str = ""
    retention: Retention = Retention(is_used=False)


@dataclass(slots=True, kw_only=True)
class EvidenceLockBook:
    """Every evidence lock of this run; shared by SOAP and REST. Only Corporate has any: ``site.has_evidence_locks``."""

    clock: Clock
    ledger: Ledger
    user: str
    locks: dict[str, EvidenceLock] = field(default_factory=dict)
    references: int = 0

    def new_reference(self) -> str:
        """Reserves the next reference number."""
        self.references += 1
        return f"no.{self.references:06d}"

    def create(self, content: LockContent, *, interface: str, lock_id: str = "") -> EvidenceLock:
        """Makes a lock and writes it into the ledger; ``lock_id`` is the caller's choice.

        Raises ``ValueError`` where the times are out of order, no camera is named, or the id is taken.
        """
        lock_id = lock_id or fresh_id()
        if lock_id in self.locks:
            raise ValueError(f"an evidence lock {lock_id} exists already")
        lock = self._lock(lock_id, content, self.clock.utc())
        self.locks[lock_id] = lock
        self._record(lock, interface)
        return lock

    def update(self, lock_id: str, content: LockContent) -> EvidenceLock:
        """Replaces what the lock says. Raises ``KeyError`` where there is none, ``ValueError`` as ``create`` does."""
        known = self.locks[lock_id]
        self.locks[lock_id] = self._lock(lock_id, content, known.created_at)
        return self.locks[lock_id]

    def delete(self, lock_id: str) -> EvidenceLock:
        """Takes the lock off. Raises ``KeyError`` where there is none."""
        return self.locks.pop(lock_id)

    def search(
        self, *, begin: UtcSeconds, end: UtcSeconds, camera_ids: Collection[str], users: Collection[str], text: str
    ) -> list[EvidenceLock]:
        """Locks that reach into the window, oldest first; an empty collection or text asks for any.

        Whether XProtect wants the whole lock inside the window is *unverified*.
        """
        found = [
            lock
            for lock in self.locks.values()
            if milliseconds(lock.begin) <= milliseconds(end)
            and milliseconds(begin) <= milliseconds(lock.end)
            and (not camera_ids or any(camera.camera_id in camera_ids for camera in lock.cameras))
            and (not users or lock.user in users)
            and lock.mentions(text)
        ]
        return sorted(found, key=lambda lock: lock.begin)

    def _lock(self, lock_id: str, content: LockContent, created_at: UtcSeconds) -> EvidenceLock:
        if not content.begin <= content.tagged <= content.end:
            raise ValueError("the times must be in the order begin, tagged, end")
        if not content.cameras:
            raise ValueError("an evidence lock needs at least one device")
        content = dataclasses.replace(content, reference=content.reference or self.new_reference())
        fields = {item.name: getattr(content, item.name) for item in dataclasses.fields(content)}
        return EvidenceLock(lock_id=lock_id, user=self.user, created_at=created_at, **fields)

    def _record(self, lock: EvidenceLock, interface: str) -> None:
        cameras: list[Json] = [camera.camera_id for camera in lock.cameras]
        fields: dict[str, Json] = {
            "id": lock.lock_id,
            "cameras": cameras,
            "reference": lock.reference,
            "header": lock.header,
            "description": lock.description,
            "begin": lock.begin,
            "tagged": lock.tagged,
            "end": lock.end,
            "retention_expires_at": lock.retention.expires_at,
            "interface": interface,
        }
        self.ledger.add("evidence_lock", **fields)
