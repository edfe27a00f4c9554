from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.genetec.sdk.center import Center
from tests.connectors.genetec.sdk.runtimes import Hosted, compiled_stub, hosted

CACHE = "vigie-dotnet"


@pytest.fixture(scope="session")
def stub_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled_stub(tmp_path_factory.mktemp("stub-sdk"))


@pytest.fixture(scope="session")
def downloads(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kept from run to run, unless pytest runs without its cache."""
    cache = getattr(pytestconfig, "cache", None)
    return Path(cache.mkdir(CACHE)) if cache is not None else tmp_path_factory.mktemp(CACHE)


@pytest.fixture(scope="session", params=["coreclr", "mono"])
def each_host(request: pytest.FixtureRequest, stub_sdk: Path, downloads: Path) -> Hosted:
    """Each runtime in turn."""
    return hosted(request.param, stub_sdk, downloads)


@pytest.fixture(scope="session")
def host(stub_sdk: Path, downloads: Path) -> Hosted:
    """The runtime that is nearest to what sites use, of those that are there."""
    try:
        return hosted("coreclr", stub_sdk, downloads)
    except pytest.skip.Exception:
        return hosted("mono", stub_sdk, downloads)


@pytest.fixture
def center(host: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Center]:
    with Center(tmp_path, host, monkeypatch) as center:
        yield center


@pytest.fixture
def each_center(each_host: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Center]:
    with Center(tmp_path, each_host, monkeypatch) as center:
        yield center
