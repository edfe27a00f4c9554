"""One service per database file: an advisory lock that ends with the process, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from core.errors import StoreInUse

_LOCKED_BYTE = 1 << 30
"""Far behind the text, so that on Windows, where locks are mandatory, others can still read who holds it."""

_PID_LENGTH = 20

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        # flock, not lockf: it belongs to this opening of the file, so it also refuses a second one in this process.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """Held from construction to ``release``. The file stays: removing it would race with the next holder."""

    def __init__(self, path: Path) -> None:
        """Takes the lock, or raises ``StoreInUse`` naming the process that holds it."""
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        try:
            _try_lock(self._file.fileno())
        except OSError as error:
            raise self._held(path) from error
        self._file.truncate(0)
        self._file.seek(0)
        self._file.write(str(os.getpid()).encode())

    def release(self) -> None:
        """Lets others have it. May be called twice."""
        self._file.close()

    def _held(self, path: Path) -> StoreInUse:
        self._file.seek(0)
        holder = self._file.read(_PID_LENGTH).decode("ascii", "replace") or "unknown"
        self._file.close()
        return StoreInUse(
            f"another Vigie service uses this database: process {holder} holds {path}",
            remedy="Stop that service first: only one may write a database.",
        )
