from __future__ import annotations

import pytest

from core.clock import ManualClock
from core.errors import StoreError
from core.store import Store


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://host/base",
        "postgresql://host/base",
        "mssql+pyodbc://h/b",
    ],
)
def test_a_url_of_another_kind_is_refused_with_the_known_kinds(url: str, clock: ManualClock) -> None:
    with pytest.raises(StoreError) as refused:
        Store.open(url, clock=clock)
    assert "postgresql+psycopg://" in refused.value.remedy


def test_a_server_that_is_not_there_is_named_without_the_password(clock: ManualClock) -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1") as refused:
        Store.open("postgresql+psycopg://vigie:hunter22@127.0.0.1:1/vigie", clock=clock)
    assert "server runs" in refused.value.remedy
    assert "hunter22" not in refused.value.line()
    assert "hunter22" not in str(refused.value.__cause__)


def test_a_missing_driver_is_named_with_what_to_install(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object, **_options: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr("core.store.backend.create_engine", missing)
    with pytest.raises(StoreError, match="not installed") as refused:
        Store.open("postgresql+psycopg://host/base", clock=clock)
    assert "pip install" in refused.value.remedy
