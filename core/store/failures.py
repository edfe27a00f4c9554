"""Turns what the database drivers raise into ``StoreError``, with what a person can do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError, StatementError

from core.errors import StoreError
from core.redaction import redact

_PRIMARY_CODE = 0xFF
"""SQLite's extended result codes keep the primary one in their low byte."""

_FREE_SPACE = "Free space on the disk of the database; nothing that was stored is lost."
_RESTORE = "Stop the service, keep a copy of the file, and restore the last backup."
_RIGHTS = "Give the service's account the right to write the database file and its folder."

_SQLITE_REMEDIES = {
    sqlite3.SQLITE_BUSY: "Another program holds the database: close it, and leave the file to the service alone.",
    sqlite3.SQLITE_CANTOPEN: _RIGHTS,
    sqlite3.SQLITE_CORRUPT: _RESTORE,
    sqlite3.SQLITE_FULL: _FREE_SPACE,
    sqlite3.SQLITE_IOERR: "The disk of the database reports errors: look at it, and restore the last backup elsewhere.",
    sqlite3.SQLITE_NOTADB: _RESTORE,
    sqlite3.SQLITE_PERM: _RIGHTS,
    sqlite3.SQLITE_READONLY: _RIGHTS,
}

_POSTGRESQL_REMEDIES = {
    "08": "Check that the PostgreSQL server runs and can be reached.",
    "25": "The PostgreSQL server takes no writes (standby?): give the address of the primary.",
    "28": "Check the user and password of the database URL.",
    "3D": "Create the database, or mend its name in the URL.",
    "42": "Give the database user the right to create and change tables.",
    "53": "The PostgreSQL server lacks a resource (disk, memory or connections): free it on the server.",
    "55": "Another session holds a lock in the database: end it.",
    "57": "The PostgreSQL server was stopped or ended our session: see its log.",
    "XX": "The PostgreSQL server reports damage: see its log, and restore the last backup.",
}
"""By class of SQLSTATE."""


@contextmanager
def translated(place: str, driver_error: type[Exception] = sqlite3.Error) -> Iterator[None]:
    """Raises ``StoreError`` instead of what the driver raises; ``place`` names the database without credentials.

    ``driver_error`` is the base of the driver's own errors, which come bare out of connection hooks.
    """
    try:
        yield
    except (SQLAlchemyError, driver_error) as error:
        cause: BaseException = error
        if isinstance(error, StatementError) and error.orig is not None:
            cause = error.orig
        text = redact(" ".join(str(cause).split()))
        raise StoreError(f"the database {place} failed: {text}", remedy=_remedy(cause)) from error


def _remedy(cause: BaseException) -> str:
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0)
        return _SQLITE_REMEDIES.get(code & _PRIMARY_CODE, "")
    if hasattr(cause, "sqlstate"):
        return _POSTGRESQL_REMEDIES.get((cause.sqlstate or "08")[:2], "")
    return ""
