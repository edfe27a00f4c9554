from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from core import registry
from core.cli.main import main
from core.registry import Group

pytestmark = pytest.mark.slow

VMS = "{{id: {id}, type: acme, url: 'https://{id}', username: {username}, password: {{env: VIGIE_TEST_PW}}}}"


@pytest.fixture(autouse=True)
def _password(plugin: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIE_TEST_PW", "hunter2")
    installed = registry.names
    monkeypatch.setattr(registry, "names", lambda group: ["acme-models"] if group is Group.CHECKS else installed(group))


def write_site(tmp_path: Path, *, vms: dict[str, str], devices: dict[str, str], more: str = "") -> str:
    """``vms``: id → user; ``devices``: device → VMS."""
    entries = "".join(f"  - {VMS.format(id=name, username=user)}\n" for name, user in vms.items())
    cameras = "".join(
        f"  - {{id: {device}-camera, vms: {owner}, device: {device}{', enabled: false' if device == 'off' else ''}}}\n"
        for device, owner in devices.items()
    )
    path = tmp_path / "site.yaml"
    path.write_text(
        f"version: 1\nsite: {{name: Gare}}\nvms:\n{entries}cameras:\n{cameras or '  []'}\n{more}", encoding="utf-8"
    )
    return str(path)


def checked(site: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["check", site, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return code, document


def levels(document: dict[str, Any]) -> dict[str, str]:
    return {finding["subject"]: finding["level"] for finding in document["findings"]}


def test_a_site_without_fault_is_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = write_site(tmp_path, vms={"a": "vigie"}, devices={"one": "a"})
    assert checked(site, capsys) == (
        0,
        {
            "findings": [
                {"level": "ok", "subject": "a", "code": "login", "message": "logged in", "remedy": ""},
                {"level": "ok", "subject": "detector", "code": "model", "message": "motion", "remedy": ""},
            ],
            "ok": True,
        },
    )


def test_a_warning_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = checked(write_site(tmp_path, vms={"a": "vigie"}, devices={"slow": "a"}), capsys)
    assert (code, document["ok"], levels(document)["slow-camera"]) == (0, True, "warning")


def test_a_camera_that_the_vms_does_not_have_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = checked(write_site(tmp_path, vms={"a": "vigie"}, devices={"absent": "a"}), capsys)
    assert (code, document["ok"], levels(document)["absent-camera"]) == (1, False, "failure")


def test_a_vms_that_cannot_be_asked_hides_nothing_of_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = write_site(tmp_path, vms={"a": "silent", "b": "vigie"}, devices={"slow": "b"})
    code, document = checked(site, capsys)
    assert code == 1
    assert document["findings"][0] == {
        "level": "failure",
        "subject": "a",
        "code": "vms_unavailable",
        "message": "acme: nobody answers",
        "remedy": "Start it.",
    }
    assert levels(document) == {"a": "failure", "b": "ok", "slow-camera": "warning", "detector": "ok"}


def test_each_vms_is_asked_for_its_own_enabled_cameras_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = write_site(tmp_path, vms={"a": "vigie", "b": "vigie"}, devices={"slow": "a", "off": "a", "absent": "b"})
    _, document = checked(site, capsys)
    assert [finding["subject"] for finding in document["findings"]] == [
        "a",
        "slow-camera",
        "b",
        "absent-camera",
        "detector",
    ]


def test_every_connector_is_closed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked(write_site(tmp_path, vms={"a": "silent", "b": "vigie"}, devices={}), capsys)
    assert sys.modules["vigie_cli_plugin"].AcmeConnector.closed == ["a", "b"]


def test_a_secret_that_cannot_be_read_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIGIE_TEST_PW")
    code, document = checked(write_site(tmp_path, vms={"a": "vigie"}, devices={}), capsys)
    assert code == 1
    assert document["findings"][0]["code"] == "secret_error"
    assert "VIGIE_TEST_PW is not set" in document["findings"][0]["message"]


def test_a_detector_that_cannot_be_used_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = write_site(tmp_path, vms={"a": "vigie"}, devices={}, more="analysis: {detector: broken.onnx}\n")
    code, document = checked(site, capsys)
    assert code == 1
    assert levels(document) == {"a": "ok", "acme-models": "failure"}
    assert document["findings"][1]["message"] == "the model is altered"


def test_the_address_of_the_metrics_is_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = "metrics: {prometheus: {listen: '192.0.2.1:9464'}}\n"
    code, document = checked(write_site(tmp_path, vms={"a": "vigie"}, devices={}, more=more), capsys)
    assert (code, levels(document)["metrics/prometheus"]) == (1, "failure")
    [finding] = [finding for finding in document["findings"] if finding["subject"] == "metrics/prometheus"]
    assert "cannot listen on 192.0.2.1:9464" in finding["message"]
    assert finding["remedy"]


def test_a_secret_of_the_metrics_that_cannot_be_read_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = "metrics: {prometheus: {listen: '127.0.0.1:9464', username: prom, password: {secret: absent}}}\n"
    code, document = checked(write_site(tmp_path, vms={"a": "vigie"}, devices={}, more=more), capsys)
    assert (code, levels(document)["metrics"]) == (1, "failure")


def test_without_json_each_finding_is_a_line_and_the_count_is_a_remark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = write_site(tmp_path, vms={"a": "vigie"}, devices={"absent": "a", "slow": "a"})
    assert main(["check", site]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "ok\ta\tlogged in\t",
        "failure\tabsent-camera\tthe VMS has no device 'absent'\tRun 'vigie probe'.",
        "warning\tslow-camera\tlate\t",
        "ok\tdetector\tmotion\t",
    ]
    assert captured.err == "2 ok, 1 warning, 1 failure\n"
