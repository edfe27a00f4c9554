from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

import pytest
import requests

from connectors.onvif.simulator.client.command import COMMAND, start
from connectors.protocols.simulation import simulator_in_thread
from core.errors import UsageError
from tests.connectors.onvif.simulator.client.scripted_device import PASSWORD, ScriptedDevice, serve
from tests.connectors.onvif.simulator.client.scripted_streams import StreamScript, serve_streams

pytestmark = pytest.mark.slow


@pytest.fixture
def device() -> Iterator[ScriptedDevice]:
    with serve_streams(StreamScript()) as uri, serve(ScriptedDevice(stream=uri)) as running:
        yield running


def parsed(*arguments: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return parser.parse_args([str(argument) for argument in arguments])


def checking(device: ScriptedDevice, *more: str) -> int:
    fixed = ("--password", PASSWORD, "--check", "--seconds", "1.5", "--pull-every", "0.2", "--stream-method", "tcp")
    return COMMAND.run(parsed("--url", device.base, *fixed, *more))


def test_a_check_of_a_good_device_ends_well_and_tells_what_it_saw(
    device: ScriptedDevice, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checking(device, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["role"] == "xprotect"
    assert report["is_satisfied"]
    assert [channel["channel"] for channel in report["channels"]] == [0, 1]
    assert all(channel["metadata"]["documents"] > 5 for channel in report["channels"])
    assert all(channel["video"]["packets"] > 5 for channel in report["channels"])
    looked_at = {one["code"]: one["looked_at"] for one in report["expectations"]}
    assert all(looked_at[code] for code in ("challenge", "same-token", "pull", "metadata-document", "stream-clock"))


def test_a_check_of_a_wrong_device_ends_with_1_and_says_what_was_expected(
    device: ScriptedDevice, capsys: pytest.CaptureFixture[str]
) -> None:
    device.answers["GetScopes"] = ""
    assert checking(device, "--play", "none") == 1
    told = capsys.readouterr().out
    assert "NOT satisfied" in told
    assert "BROKEN  scopes tell Profile, hardware and name" in told
    assert "1 x no scope of Profile, hardware, name" in told


def test_a_device_that_nobody_serves_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parsed("--url", "http://127.0.0.1:9", "--check", "--seconds", "0.2", "--play", "none")
    assert COMMAND.run(arguments) == 1
    assert "could not be added" in capsys.readouterr().out


def test_acts_and_ledger_are_behind_the_admin_port(device: ScriptedDevice) -> None:
    arguments = parsed(
        "--url", device.base, "--password", PASSWORD, "--pull-every", "0.2", "--stream-method", "tcp",
        "--play", "metadata",
    )  # fmt: skip
    with simulator_in_thread(arguments, start) as announced:
        admin = announced.admin
        known = requests.get(f"{admin}/acts", timeout=5).json()
        added = requests.post(f"{admin}/acts/re-add", timeout=5).json()
        restarted = requests.post(f"{admin}/acts/restart-metadata", json={"channel": 0}, timeout=5).json()
        wrong = requests.post(f"{admin}/acts/restart-metadata", json={"channel": "x"}, timeout=5)
        report = requests.post(f"{admin}/acts/report", timeout=5).json()
        ledger = requests.get(f"{admin}/ledger?kind=hardware", timeout=5).json()
    assert known == ["drop-subscription", "re-add", "report", "restart-metadata", "synchronise"]
    assert [event["name"] for event in added["events"]] == ["Intrusion", "RuleEngine/PersonDown"]
    assert restarted == {"sessions": 1}
    assert wrong.status_code == 400
    assert report["is_added"]
    assert ledger[0]["role"] == "xprotect"
    assert announced.extra == {"role": "xprotect", "stream_method": "tcp"}


@pytest.mark.parametrize(
    "wrong",
    [["--url", "ftp://x"], ["--url", "https://user:word@x"], ["--url", "https://x", "--ca", "absent.pem"]],
    ids=["scheme", "account in the address", "no CA"],
)
def test_wrong_use_is_told_before_anything_starts(wrong: list[str]) -> None:
    with pytest.raises(UsageError):
        COMMAND.run(parsed(*wrong))


@pytest.mark.parametrize("wrong", [["--pull-every", "0"], ["--role", "other"], ["--admin-port", "70000"]])
def test_values_that_are_none_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--url", "https://x", *wrong)
