from __future__ import annotations

import argparse
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from connectors.milestone.simulator.command import COMMAND
from connectors.milestone.simulator.simulator import FAULTS
from core.errors import UsageError
from core.registry import Group, command
from tests.connectors.milestone.simulator.running import run

pytestmark = pytest.mark.slow

PROGRAM = textwrap.dedent("""
    import argparse, sys
    from connectors.milestone.simulator.command import COMMAND
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    sys.exit(COMMAND.run(parser.parse_args()))
""")


def test_the_simulator_is_installed_under_its_name() -> None:
    assert command(Group.SIMULATORS, "xprotect") is COMMAND


def test_it_announces_itself_in_one_line_and_ends_with_its_standard_input(video: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--json", "--until-stdin-closes", "--video", str(video)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    announced = json.loads(process.stdout.readline())
    assert announced["simulator"] == "xprotect"
    assert [camera["name"] for camera in announced["cameras"]] == ["gate"]
    assert Path(announced["ca"]).is_file()
    assert {"url", "admin", "recorder", "event_server"} <= announced.keys()
    rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")


def test_help_names_every_option_and_fault(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    text = capsys.readouterr().out
    assert all(option in text for action in parser._actions for option in action.option_strings)
    assert all(f"{fault}=" in text for fault in FAULTS)


def test_cameras_of_one_video_get_names_and_ids_of_their_own(video: Path) -> None:
    with run(video, "--cameras", "3") as three:
        assert [camera.name for camera in three.announced.cameras] == ["gate 1", "gate 2", "gate 3"]
        assert len({camera.device for camera in three.announced.cameras}) == 3


def test_a_taken_port_is_a_usage_error(video: Path) -> None:
    with run(video) as first:
        port = str(first.recorder[1])
        with pytest.raises(Exception, match="did not start") as caught, run(video, "--recorder-port", port):
            pass
    assert isinstance(caught.value.__cause__, UsageError)
