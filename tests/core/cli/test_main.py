from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from core.cli.main import BUILT_IN, EXIT_BROKEN_PIPE, EXIT_DEFECT, EXIT_INTERRUPTED, main

pytestmark = pytest.mark.slow

MISSING_SITE = "cannot be read: No such file or directory"


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"vigie {version('vigie')}\n"


@pytest.mark.usefixtures("plugin")
def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, (_, help_) in BUILT_IN.items():
        assert f"  {name:<12}{help_}\n" in shown
    also = next(line for line in shown.splitlines() if line.startswith("also installed: "))
    assert "act" in also.removeprefix("also installed: ").split(", ")


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from core.cli.main import main; main(['--help']);"
        "loaded = {'core.cli.run', 'core.cli.check', 'core.engine.service', 'cv2', 'onnxruntime', 'av', 'sqlalchemy',"
        " 'requests', 'zeep'} & set(sys.modules); sys.exit(repr(loaded) if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_without_a_command_help_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: vigie ")


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_command_is_where_the_table_says_and_does_what_it_says(name: str) -> None:
    target, help_ = BUILT_IN[name]
    module, _, attribute = target.partition(":")
    command = getattr(import_module(module), attribute)
    assert (command.name, command.help) == (name, help_)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_command_has_its_own_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: vigie {name} ")


@pytest.mark.usefixtures("plugin")
def test_an_added_command_gets_its_arguments_and_gives_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["act", "--json", "now"]) == 7
    assert capsys.readouterr().out == "act now True\n"


@pytest.mark.usefixtures("plugin")
def test_an_expected_error_is_one_redacted_line_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["act", "refuse"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "vigie: error: xprotect: wrong password password=*** refused. Check the account.\n"


@pytest.mark.usefixtures("plugin")
def test_a_defect_is_logged_with_its_traceback_and_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["act", "crash"]) == EXIT_DEFECT
    log, line = capsys.readouterr().err.splitlines()
    assert "Traceback (most recent call last)" in json.loads(log)["exception"]
    assert line == (
        "vigie: error: this is a defect of Vigie, please report it with the lines above: "
        "ZeroDivisionError: by https://***@vms"
    )
    assert "Zq7" not in log


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(("what", "code"), [("interrupt", EXIT_INTERRUPTED), ("pipe", EXIT_BROKEN_PIPE)])
def test_an_interruption_and_a_reader_that_left_are_quiet(
    what: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["act", what]) == code
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["act"], "vigie act: the following arguments are required: what. 'vigie act --help' shows how it is called."),
        (
            ["act", "now", "--jsn"],
            "vigie act: unrecognized arguments: --jsn. 'vigie act --help' shows how it is called.",
        ),
        (
            ["--log-level", "loud", "act", "now"],
            "vigie: argument --log-level: invalid choice: 'loud' (choose from",
        ),
        (["chek"], "there is no command 'chek'. Commands: act, "),
        (["check", "nowhere.yaml"], f"nowhere.yaml: {MISSING_SITE}"),
        (["simulate", "nothing"], "'nothing' is not installed in vigie.simulators. Known names: fake, "),
        (["simulate", "fake"], "vigie simulate fake: the following arguments are required: what. "),
    ],
)
def test_wrong_use_is_one_line_and_exits_with_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"vigie: error: {line}")
    assert captured.err.count("\n") == 1


def test_every_problem_of_a_site_file_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.yaml").write_text("version: 2\nsite: {name: 5}\nvms: []\n", encoding="utf-8")
    assert main(["check", "site.yaml"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        (
            "vigie: error: site.yaml:1: version: this Vigie reads version 1 of the settings (got 2). "
            "Install the Vigie that this file was written for, or write the file anew."
        ),
        "vigie: error: site.yaml:2: site.name: must be text (got 5). Put it in quotes: '5'.",
        "vigie: error: site.yaml:3: vms: must have at least 1 entry (has 0)",
    ]


@pytest.mark.usefixtures("plugin")
def test_a_simulator_is_a_command_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "fake", "--json", "now"]) == 7
    assert main(["simulate", "fake", "now"]) == 7
    assert capsys.readouterr().out == "fake now True\nfake now False\n"


@pytest.mark.usefixtures("plugin")
def test_a_simulator_shows_its_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "fake", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: vigie simulate fake [-h]")


@pytest.mark.usefixtures("plugin")
def test_the_help_of_simulate_names_the_simulators(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--help"]) == 0
    assert "fake" in capsys.readouterr().out


@pytest.mark.slow
def test_a_closed_pipe_ends_the_process_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "core.cli.main", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == EXIT_BROKEN_PIPE
    assert error == b""
