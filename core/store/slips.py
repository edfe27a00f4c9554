"""Verdicts given to Vigie itself, on slips of paper: small files that whoever owns the database takes in.

A second process may not write the database: SQLite up to 3.51.2 can corrupt a WAL database when two connections write
at the same instant, and one owner per database is what the guarantees rest on. A file that is moved into place whole
needs no owner, and is on the disk before the command that made it ends.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import structlog

from core.errors import StoreError
from core.types import Answer, UtcSeconds

_SUFFIX = ".json"

_log = structlog.get_logger(component="store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a person told Vigie itself of an alert."""

    alert_id: UUID
    answer: Answer
    at: UtcSeconds
    by: str
    comment: str = ""


class SlipBox:
    """A folder of slips, see ``core.engine.books.slip_box``. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._strangers: set[Path] = set()

    def put(self, given: Judgement) -> Path:
        """Leaves a slip, on the disk when this returns. Raises ``StoreError`` where the folder takes none."""
        content = {
            "alert": str(given.alert_id),
            "answer": given.answer.value,
            "at": given.at,
            "by": given.by,
            "comment": given.comment,
        }
        final = self._folder / f"{uuid4().hex}{_SUFFIX}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _give_to_owner(self._folder, self._folder.parent)
            _write_whole(final, json.dumps(content).encode())
        except OSError as error:
            raise StoreError(
                f"the verdict cannot be left in {self._folder}: {error.strerror}",
                remedy="Run the command as the account of the service, or give this one the right to write there.",
            ) from error
        return final

    def waiting(self) -> dict[Path, Judgement]:
        """What nobody took in yet. A file that is no slip is left alone, and told in the log once."""
        found = {path: self._read(path) for path in self._paths()}
        return {path: given for path, given in found.items() if given is not None}

    def discard(self, slip: Path) -> None:
        """Removes a slip that was taken in. One that cannot be removed is taken in again, which changes nothing."""
        try:
            slip.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("a verdict that was taken in cannot be removed", path=str(slip), cause=error.strerror)

    def _paths(self) -> list[Path]:
        try:
            return sorted(self._folder.glob(f"*{_SUFFIX}"))
        except OSError:  # another account's folder: whoever owns the database reads it
            return []

    def _read(self, path: Path) -> Judgement | None:
        try:
            return _parsed(json.loads(path.read_bytes()))
        except FileNotFoundError:  # taken in meanwhile
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            if path not in self._strangers:
                self._strangers.add(path)
                _log.warning("a file among the verdicts cannot be read: it stays", path=str(path), cause=str(error))
            return None


def _write_whole(final: Path, content: bytes) -> None:
    part = final.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _give_to_owner(part, final.parent)
    part.replace(final)


def _give_to_owner(path: Path, folder: Path) -> None:
    """What root leaves must be readable by the account of the service, which owns the folder."""
    if sys.platform != "win32" and os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _parsed(content: dict[str, Any]) -> Judgement:
    return Judgement(
        alert_id=UUID(content["alert"]),
        answer=Answer(content["answer"]),
        at=float(content["at"]),
        by=str(content["by"]),
        comment=str(content["comment"]),
    )
