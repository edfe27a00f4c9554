from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, create_engine, inspect

from core.clock import ManualClock
from core.errors import StoreError
from core.store import Store
from core.store.models import metadata
from tests.core.store.alerts import EVENT, alert

pytestmark = pytest.mark.slow


@pytest.fixture
def migrated(url: str, clock: ManualClock) -> str:
    Store.open(url, clock=clock).close()
    return url


def test_migrations_and_models_agree(migrated: str) -> None:
    engine = create_engine(migrated)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrations_and_models_have_the_same_checks_and_partial_indexes(migrated: str) -> None:
    engine = create_engine(migrated)
    inspector = inspect(engine)
    for table in metadata.sorted_tables:
        meant = {check.name for check in table.constraints if isinstance(check, CheckConstraint)}
        assert {check["name"] for check in inspector.get_check_constraints(table.name)} == meant
    waiting = next(index for index in inspector.get_indexes("deliveries") if index["name"] == "ix_deliveries_waiting")
    where = str(waiting["dialect_options"][f"{engine.dialect.name}_where"])
    assert "pending" in where
    assert "sending" in where
    engine.dispose()


def test_every_constraint_and_index_has_a_name_in_both() -> None:
    for table in metadata.sorted_tables:
        assert all(constraint.name for constraint in table.constraints)
        assert all(index.name for index in table.indexes)


def test_opening_again_changes_nothing(migrated: str, clock: ManualClock) -> None:
    store = Store.open(migrated, clock=clock)
    store.add_alert(alert(), EVENT)
    store.close()
    again = Store.open(migrated, clock=clock)
    assert len(again.deliveries()) == 1
    again.close()


def test_a_database_of_a_newer_vigie_is_refused_untouched(migrated: str, clock: ManualClock) -> None:
    engine = create_engine(migrated)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer Vigie") as refused:
        Store.open(migrated, clock=clock)
    assert "9999" in str(refused.value)
    assert "Install that version" in refused.value.remedy
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
    engine.dispose()


def test_foreign_keys_are_off_while_tables_change_and_on_afterwards(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def upgrade(config: Config, _revision: str) -> None:
        seen.append(config.attributes["connection"].exec_driver_sql("PRAGMA foreign_keys").scalar())

    monkeypatch.setattr("core.store.migrate.command.upgrade", upgrade)
    store = Store.open(f"sqlite:///{tmp_path / 'vigie.db'}", clock=clock)
    with store._backend.writer.connect() as connection:
        seen.append(connection.exec_driver_sql("PRAGMA foreign_keys").scalar())
    store.close()
    assert seen == [0, 1]


def test_migrations_travel_with_the_package() -> None:
    names = {entry.name for entry in (files("core.store") / "migrations" / "versions").iterdir()}
    assert "v0001_alerts_and_deliveries.py" in names
    assert (files("core.store") / "migrations" / "env.py").is_file()
