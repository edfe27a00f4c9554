"""Reading and writing transactions of one database: writes one at a time, every failure a ``StoreError``."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select

from core.errors import StoreError
from core.store.backend import Backend
from core.store.failures import translated

LOCK_WAIT_S = 30.0
"""Longest wait for the write under way."""


class Transactions:
    """Thread-safe. What ``writing`` wrote is on the disk when its context ends without an error."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._is_open = True

    def close(self) -> None:
        """Waits for the write under way and lets go of the database. May be called twice."""
        with self.exclusively():
            self._is_open = False
            self._backend.close()

    def execute(self, statement: Any) -> int:
        """Runs one change in a transaction of its own; returns how many rows it changed."""
        with self.writing() as connection:
            return int(connection.execute(statement).rowcount)

    def all(self, wanted: Select[Any]) -> Sequence[Any]:
        """Every row."""
        with self._reading() as connection:
            return connection.execute(wanted).all()

    def first(self, wanted: Select[Any]) -> Any:
        """The first row, or None."""
        with self._reading() as connection:
            return connection.execute(wanted).first()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed at the end, and undone by an error."""
        with self.exclusively(), self._usable(), self._backend.writer.begin() as connection:
            yield connection

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keeps every other writer out."""
        if not self._lock.acquire(timeout=LOCK_WAIT_S):
            raise StoreError(
                f"the database {self._backend.place} did not finish a write within {LOCK_WAIT_S:.0f} s",
                remedy="Its disk or server is too slow or hangs: look at it.",
            )
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._usable(), self._backend.reader.connect() as connection:
            yield connection

    @contextmanager
    def _usable(self) -> Iterator[None]:
        if not self._is_open:
            raise StoreError(f"the database {self._backend.place} was closed")
        with translated(self._backend.place, self._backend.driver_error):
            yield
