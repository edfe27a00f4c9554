"""Brings a database to this version's tables."""

from __future__ import annotations

from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from core.errors import StoreError


def upgrade(writer: Engine, place: str) -> None:
    """Runs the missing migrations in one transaction; raises ``StoreError`` for a database of a newer Vigie."""
    config = _config()
    with writer.connect() as connection:
        _switch_foreign_keys(connection, "OFF")
        try:
            with connection.begin():
                _refuse_newer(connection, ScriptDirectory.from_config(config), place)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            _switch_foreign_keys(connection, "ON")


def require_current(reader: Engine, place: str) -> None:
    """Raises ``StoreError`` unless the database has exactly this version's tables; changes nothing."""
    scripts = ScriptDirectory.from_config(_config())
    with reader.connect() as connection:
        _refuse_newer(connection, scripts, place)
        heads = set(MigrationContext.configure(connection).get_current_heads())
    if heads != set(scripts.get_heads()):
        raise StoreError(
            f"the database {place} does not have the tables of this version of Vigie yet",
            remedy="Start the service of this version once: it makes them.",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "core.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _refuse_newer(connection: Connection, scripts: ScriptDirectory, place: str) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        raise StoreError(
            f"the database {place} was written by a newer Vigie (version {', '.join(sorted(unknown))} of its tables)",
            remedy="Install that version of Vigie again, or restore the backup made before it.",
        )


def _switch_foreign_keys(connection: Connection, state: str) -> None:
    """SQLite changes a table by copying it and dropping the old one, which with foreign keys on deletes its children.

    The switch only works outside a transaction, hence on the driver's own connection.
    """
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA foreign_keys = {state}")
