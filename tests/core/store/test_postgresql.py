"""What only concerns PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import make_url

from core.clock import ManualClock
from core.errors import StoreError
from core.store import Store
from tests.core.store.alerts import EVENT, alert, deliver_all
from tests.core.store.postgresql import Server

pytestmark = pytest.mark.slow


def test_a_store_outlives_a_restart_of_the_server(server: Server, clock: ManualClock) -> None:
    url = server.empty_database()
    store = Store.open(url, clock=clock)
    store.add_alert(alert("before"), EVENT)
    server.disconnect_others()
    assert store.add_alert(alert("after"), EVENT)
    assert len(deliver_all(store)) == 2
    store.close()


def test_after_a_restart_of_the_server_a_second_service_is_still_refused(server: Server, clock: ManualClock) -> None:
    url = server.empty_database()
    store = Store.open(url, clock=clock)
    server.disconnect_others()
    store.add_alert(alert(), EVENT)
    with pytest.raises(StoreError, match="another Vigie service"):
        Store.open(url, clock=clock)
    store.close()


def test_a_missing_database_is_named(server: Server, clock: ManualClock) -> None:
    url = make_url(server.empty_database()).set(database="elsewhere")
    with pytest.raises(StoreError, match="elsewhere") as refused:
        Store.open(url.render_as_string(), clock=clock)
    assert refused.value.remedy


def test_readers_cannot_write(server: Server, clock: ManualClock) -> None:
    store = Store.open(server.empty_database(), clock=clock)
    with (
        pytest.raises(StoreError, match="read-only"),
        store._transactions._usable(),
        store._backend.reader.connect() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM alerts")
    store.close()
