from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.load import load_site
from config.metrics import MetricsSettings
from config.model import SiteSettings
from config.problems import SettingsProblems
from config.schema import json_schema
from tests.config.json_schema import accepts
from tests.config.kinds import KINDS

SITE = """
version: 1
site: {name: Gare}
vms: [{id: rec, type: recorder, url: 'https://a', username: u, password: {secret: s}}]
"""


def loaded(tmp_path: Path, metrics: str) -> SiteSettings:
    path = tmp_path / "site.yaml"
    path.write_text(f"{SITE}metrics: {metrics}\n" if metrics else SITE, encoding="utf-8")
    return load_site(path, KINDS)


def refused(tmp_path: Path, metrics: str) -> str:
    with pytest.raises(SettingsProblems) as problems:
        loaded(tmp_path, metrics)
    return str(problems.value)


@pytest.mark.parametrize("written", ["", "{}"])
def test_metrics_are_off_until_an_address_is_written(tmp_path: Path, written: str) -> None:
    assert loaded(tmp_path, written).metrics == MetricsSettings()
    assert MetricsSettings().prometheus is None
    assert MetricsSettings().otlp is None


def test_a_whole_section_is_read_and_its_paths_start_at_the_site_file(tmp_path: Path) -> None:
    metrics = loaded(
        tmp_path,
        "{prometheus: {listen: '0.0.0.0:9464', username: prom, password: {env: P}, certificate: a.pem, key: a.key},"
        " otlp: {endpoint: 'https://collector.site.local:4318/', ca: ca.pem, headers: {Authorization: {secret: o}},"
        " every_s: 30}}",
    ).metrics
    assert metrics.prometheus is not None
    assert metrics.prometheus.address == ("0.0.0.0", 9464)
    assert metrics.prometheus.certificate == tmp_path / "a.pem"
    assert metrics.otlp is not None
    assert metrics.otlp.endpoint == "https://collector.site.local:4318"
    assert metrics.otlp.ca == tmp_path / "ca.pem"
    assert metrics.otlp.headers["Authorization"].secret == "o"
    assert metrics.otlp.every_s == 30.0


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:1", ("::1", 1)), ("[::]:65535", ("::", 65535))],
)
def test_an_address_is_an_ip_address_with_a_port(tmp_path: Path, listen: str, address: tuple[str, int]) -> None:
    prometheus = loaded(tmp_path, f"{{prometheus: {{listen: '{listen}'}}}}").metrics.prometheus
    assert prometheus is not None
    assert prometheus.address == address


@pytest.mark.parametrize(
    "listen",
    [
        "9464",
        ":9464",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "::1:9464",
        "[127.0.0.1]:9464",
        "localhost:9464",
        "vigie.site.local:9464",
        "*:9464",
        "http://127.0.0.1:9464",
        "127.0.0.1:٩",
        "[::1:9464",
    ],
)
def test_an_address_that_leaves_something_open_is_refused(tmp_path: Path, listen: str) -> None:
    said = refused(tmp_path, f"{{prometheus: {{listen: '{listen}'}}}}")
    assert "metrics.prometheus.listen" in said
    assert "127.0.0.1:9464" in said


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ("{prometheus: {}}", "Add 'listen:'"),
        ("{prometheus: {listen: '127.0.0.1:1', username: prom}}", "username and password go together"),
        ("{prometheus: {listen: '127.0.0.1:1', password: {env: P}}}", "username and password go together"),
        ("{prometheus: {listen: '127.0.0.1:1', key: a}}", "certificate and key go together"),
        ("{prometheus: {listen: '0.0.0.0:1', username: p, password: {env: P}}}", "would travel in clear"),
        ("{prometheus: {listen: '127.0.0.1:1', username: 'a:b', password: {env: P}}}", "expected form"),
        ("{prometheus: {listen: '127.0.0.1:1', port: 2}}", "not a known key"),
        ("{otlp: {}}", "Add 'endpoint:'"),
        ("{otlp: {endpoint: 'collector:4318'}}", "https://host:port"),
        ("{otlp: {endpoint: 'grpc://collector:4317'}}", "https://host:port"),
        ("{otlp: {endpoint: 'https://collector:4318/v1/metrics'}}", "without /v1/metrics"),
        ("{otlp: {endpoint: 'https://collector:4318/?a=b'}}", "without query"),
        ("{otlp: {endpoint: 'https://collector:99999'}}", "endpoint"),
        ("{otlp: {endpoint: 'http://collector:4318'}}", "allow_http: true"),
        ("{otlp: {endpoint: 'https://c', every_s: 0.5}}", "every_s"),
        ("{otlp: {endpoint: 'https://c', headers: {'a b': {env: P}}}}", "headers"),
        ("{otel: {}}", "Did you mean 'otlp'?"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, metrics: str, said: str) -> None:
    assert said in refused(tmp_path, metrics)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_collector_on_this_machine_needs_no_tls(tmp_path: Path, host: str) -> None:
    assert loaded(tmp_path, f"{{otlp: {{endpoint: 'http://{host}:4318'}}}}").metrics.otlp is not None


@pytest.mark.parametrize(
    "metrics",
    [
        "{otlp: {endpoint: 'https://c', headers: {Authorization: Bearer Zq7}}}",
        "{otlp: {endpoint: 'https://user:Zq7@c'}}",
        "{prometheus: {listen: '127.0.0.1:1', username: p, password: Zq7}}",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, metrics: str) -> None:
    assert "Zq7" not in refused(tmp_path, metrics)


def test_the_schema_knows_it() -> None:
    schema = json_schema(KINDS)
    vms = {"id": "rec", "type": "recorder", "url": "https://a", "username": "u", "password": {"secret": "s"}}
    site: dict[str, Any] = {"version": 1, "site": {"name": "Gare"}, "vms": [vms]}
    assert accepts(schema, site | {"metrics": {"prometheus": {"listen": "127.0.0.1:9464"}}})
    assert accepts(schema, site | {"metrics": {"otlp": {"endpoint": "https://c", "headers": {"A": {"env": "P"}}}}})
    assert not accepts(schema, site | {"metrics": {"prometheus": {}}})
    assert not accepts(schema, site | {"metrics": {"otlp": {"endpoint": "https://c", "headers": {"A": "Zq7"}}}})
    for name in ("MetricsSettings", "PrometheusSettings", "OtlpSettings"):
        assert all("description" in value for value in schema["$defs"][name]["properties"].values())
