from __future__ import annotations

import argparse
import json
import subprocess
import sys
import textwrap

import pytest

from connectors.genetec.simulator.command import COMMAND
from core.errors import UsageError, VigieError
from core.registry import Group, command
from tests.connectors.genetec.simulator.running import PASSWORD, Client, simulated, video

PROGRAM = textwrap.dedent("""
    import argparse, sys
    from connectors.genetec.simulator.command import COMMAND
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    sys.exit(COMMAND.run(parser.parse_args()))
""")
FREE_PORTS = ("--port", "0", "--stream-port", "0", "--rtsp-port", "0")


def test_the_simulator_is_found_by_its_entry_point() -> None:
    assert command(Group.SIMULATORS, "security-center") is COMMAND


def test_ports_are_the_product_s_where_they_need_no_privileges() -> None:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    arguments = parser.parse_args([])
    assert (arguments.port, arguments.stream_port, arguments.base_uri) == (4590, 4591, "WebSdk")


def test_the_announcement_says_all_that_a_client_needs(client: Client) -> None:
    announced = client.announced.as_json()
    assert {"simulator", "url", "admin", "ca", "cameras", "rtsp", "application_id", "alarm", "custom_events"} <= set(
        announced
    )
    assert PASSWORD not in announced.values()


@pytest.mark.parametrize(
    "texts",
    [("--custom-event", "Vigie"), ("--custom-event", "x:Vigie"), ("--extra-user", "other"), ("--fault", "publish=504")],
)
def test_wrong_options_are_a_usage_error(texts: tuple[str, ...]) -> None:
    with pytest.raises(VigieError) as caught, simulated(*texts):
        pass
    assert isinstance(caught.value.__cause__, UsageError)


@pytest.mark.slow
def test_as_a_command_it_announces_json_and_ends_with_standard_input() -> None:
    command_line = [
        sys.executable,
        "-c",
        PROGRAM,
        "--json",
        "--until-stdin-closes",
        "--video",
        str(video()),
        *FREE_PORTS,
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command_line, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        announced = json.loads(process.stdout.readline())
        assert announced["cameras"] == [{"device": "00000001-0000-babe-0000-000000000001", "name": "Dock"}]
        process.stdin.close()
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""
