"""Connections to the two kinds of database: one that writes, a few that only read.

SQLite up to 3.51.2 can corrupt a WAL database when two connections write or checkpoint at the same instant, so there
is exactly one writing connection per file, and a lock file refuses a second service.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import StoreError, StoreInUse
from core.store.failures import translated
from core.store.lock import FileLock
from core.store.rows import dump_json

WAIT_S = 5.0
"""Longest wait for a lock of the database, a free connection or the server."""

_READERS = 4
_STATEMENT_MS = 60_000
_ADVISORY_LOCK = 0x5649_4749_45
"""PostgreSQL's advisory lock of a Vigie service ("VIGIE"), held by the writing connection."""

_LOOKED_AT = ("alerts", "deliveries", "lanes")
"""Checked at start. Not ``snapshots``: it holds the pictures, and reading them all would take minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """An open database. ``place`` names it in messages, without its password."""

    writer: Engine
    reader: Engine
    place: str
    driver_error: type[Exception]
    release: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Readers first: the last connection to an SQLite file checkpoints it, and that must be the writer."""
        self.reader.dispose()
        self.writer.dispose()
        self.release()


def connect(url: str) -> Backend:
    """Opens ``sqlite:///path`` or ``postgresql+psycopg://…`` for one service alone, without migrating it."""
    parsed = _parsed(url)
    return _connect_sqlite(parsed) if _is_sqlite(parsed) else _connect_postgresql(parsed)


def look(url: str) -> Backend:
    """Opens the database for reading only, beside whoever owns it: nothing is claimed, made, migrated or written."""
    parsed = _parsed(url)
    engine = _sqlite_reader(parsed) if _is_sqlite(parsed) else _postgresql_reader(parsed)
    place = _sqlite_path(parsed) if _is_sqlite(parsed) else _shown(parsed)
    return Backend(writer=engine, reader=engine, place=str(place), driver_error=_driver_error(parsed))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("the database URL cannot be read", remedy=_KNOWN_URLS) from error
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    if _is_sqlite(parsed) and parsed.database not in {None, "", ":memory:"}:
        return parsed
    raise StoreError(f"databases of kind {parsed.drivername!r} are not supported", remedy=_KNOWN_URLS)


def _is_sqlite(url: URL) -> bool:
    return url.drivername in {"sqlite", "sqlite+pysqlite"}


def _sqlite_path(url: URL) -> Path:
    return Path(url.database or "").absolute()


_KNOWN_URLS = "Write sqlite:///path/to/vigie.db or postgresql+psycopg://user@host/database in storage.url."


def _connect_sqlite(url: URL) -> Backend:
    path = _sqlite_path(url)
    lock = _private_file(path)
    url = url.set(database=str(path))
    backend = Backend(
        writer=_engine(url, size=1, connect_args={"timeout": WAIT_S}),
        reader=_engine(url, size=_READERS, connect_args={"timeout": WAIT_S}),
        place=str(path),
        driver_error=_driver_error(url),
        release=lock.release,
    )
    _hook_sqlite(backend.writer, "BEGIN IMMEDIATE", ("secure_delete = ON",))
    _hook_sqlite(backend.reader, "BEGIN", ("query_only = ON", "wal_autocheckpoint = 0"))
    try:
        _look_at_sqlite(backend)
    except StoreError:
        backend.close()
        raise
    return backend


def _private_file(path: Path) -> FileLock:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f"{path.name}.lock"))
        # SQLite gives its -wal and -shm files the mode of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(
            f"the database {path} cannot be created or opened: {error.strerror}",
            remedy="Give the service's account the right to write that folder.",
        ) from error
    return lock


def _hook_sqlite(engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def _look_at_sqlite(backend: Backend) -> None:
    with translated(backend.place), backend.writer.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if mode != "wal":
            raise StoreError(
                f"the database {backend.place} cannot use a write-ahead log (it says {mode!r})",
                remedy="Put it on a local disk, not on a network share.",
            )
        names = {str(row.name) for row in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
        for table in names.intersection(_LOOKED_AT):
            result = connection.exec_driver_sql(f"PRAGMA quick_check({table})").scalars().first()
            if result != "ok":
                raise StoreError(
                    f"the database {backend.place} is damaged: {result}",
                    remedy="Stop the service, keep a copy of the file, and restore the last backup.",
                )


def _sqlite_reader(url: URL) -> Engine:
    """``mode=ro``: such a connection can neither write nor checkpoint, not even as the last one that closes."""
    path = _sqlite_path(url)
    try:
        path.stat()  # not by opening it: closing would drop the locks that SQLite holds in this process
    except FileNotFoundError as error:
        raise StoreError(
            f"there is no database {path}", remedy="Start the service once, or mend storage in the site file."
        ) from error
    except OSError as error:
        raise StoreError(
            f"the database {path} cannot be read: {error.strerror}", remedy="Run the command as the service's account."
        ) from error
    named = url.set(database=path.as_uri(), query={"mode": "ro", "uri": "true"})
    engine = _engine(named, size=_READERS, connect_args={"timeout": WAIT_S})
    _hook_sqlite(engine, "BEGIN", ("query_only = ON",))
    return engine


def _postgresql_arguments(more: str = "") -> dict[str, Any]:
    options = f"-c lock_timeout={int(WAIT_S * 1000)} -c statement_timeout={_STATEMENT_MS}{more}"
    return {"connect_timeout": int(WAIT_S), "options": options, "application_name": "vigie"}


def _postgresql_reader(url: URL) -> Engine:
    return _engine(url, size=_READERS, connect_args=_postgresql_arguments(" -c default_transaction_read_only=on"))


def _shown(url: URL) -> str:
    return url.set(query={}).render_as_string(hide_password=True)


def _connect_postgresql(url: URL) -> Backend:
    backend = Backend(
        writer=_engine(url, size=1, connect_args=_postgresql_arguments()),
        reader=_postgresql_reader(url),
        place=_shown(url),
        driver_error=_driver_error(url),
    )

    @event.listens_for(backend.writer, "connect")
    def _claim(connection: Any, _record: Any) -> None:
        claimed = connection.execute("SELECT pg_try_advisory_lock(%s)", (_ADVISORY_LOCK,)).fetchone()[0]
        connection.commit()
        if not claimed:
            connection.close()
            raise StoreInUse(
                f"another Vigie service uses the database {backend.place}",
                remedy="Stop that service first: only one may write a database.",
            )

    return backend


def _engine(url: URL, *, size: int, connect_args: dict[str, Any]) -> Engine:
    try:
        return create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            pool_timeout=WAIT_S,
            pool_pre_ping=url.get_backend_name() == "postgresql",
            json_serializer=dump_json,
            hide_parameters=True,
            connect_args=connect_args,
        )
    except ImportError as error:
        raise StoreError(
            f"the database driver of {url.drivername} is not installed", remedy="pip install 'vigie[postgres]'"
        ) from error


def _driver_error(url: URL) -> type[Exception]:
    error: type[Exception] = url.get_dialect().import_dbapi().Error
    return error
