"""``vigie``: finds the command, runs it, and says in one line how it failed."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version

import structlog

from config.load import SettingsProblems
from core import registry
from core.cli.parsing import Parser, run_command
from core.contracts import Command
from core.errors import SettingsError, UsageError, VigieError
from core.logs import LEVELS, configure_logging, describe
from core.redaction import redact
from core.registry import Group

BUILT_IN = {
    "bench": ("core.cli.bench:COMMAND", "measure guarantees on this machine"),
    "check": ("core.cli.check:COMMAND", "check a site file, its secrets, its VMS and its cameras"),
    "demo": ("core.cli.demo:COMMAND", "show the main job on two simulated VMS"),
    "parked": ("core.cli.parked:COMMAND", "show deliveries that were set aside, or send them again"),
    "qualify": ("core.cli.qualify:COMMAND", "show whether a rule that is observed may be armed"),
    "run": ("core.cli.run:COMMAND", "watch a site until stopped"),
    "schema": ("core.cli.schema:COMMAND", "print the JSON Schema of the site file"),
    "simulate": ("core.cli.simulate:COMMAND", "run a simulated VMS on this machine"),
    "size": ("core.cli.size:COMMAND", "tell which machine so many streams need"),
    "verdict": ("core.cli.verdict:COMMAND", "judge alerts, or list those that nobody judged"),
}
"""Where each command is and what it does: ``--help`` imports none of them."""

EXIT_DEFECT = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

_log = structlog.get_logger(component="cli")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs ``vigie`` with these arguments; returns the exit code and never raises."""
    _speak_utf8()
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse, after --help and --version
        return stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge of the process: everything ends as a code and a line
        return _exit_code(error)
    return code


def _run(argv: Sequence[str]) -> int:
    parser = _top_parser()
    arguments = parser.parse_args(argv)
    configure_logging(arguments.log_level)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    return run_command(_command(arguments.command), f"vigie {arguments.command}", arguments.rest)


def _top_parser() -> Parser:
    parser = Parser(
        prog="vigie",
        usage="vigie [-h] [--version] [--log-level LEVEL] COMMAND ...",
        description="Video analytics that raises alarms, events and bookmarks inside the site's own VMS.",
        epilog=_command_list(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vigie {version('vigie')}")
    parser.add_argument("--log-level", choices=LEVELS, default="info", metavar="LEVEL", help=", ".join(LEVELS))
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _command_list() -> str:
    lines = [f"  {name:<12}{help_}" for name, (_, help_) in BUILT_IN.items()]
    added = [name for name in registry.names(Group.COMMANDS) if name not in BUILT_IN]
    more = ["", f"also installed: {', '.join(added)}"] if added else []
    return "\n".join(["commands:", *lines, *more, "", "'vigie COMMAND --help' shows how a command is called."])


def _command(name: str) -> Command:
    if name not in BUILT_IN:
        return _added_command(name)
    module, _, attribute = BUILT_IN[name][0].partition(":")
    command: Command = getattr(import_module(module), attribute)
    return command


def _added_command(name: str) -> Command:
    added = registry.names(Group.COMMANDS)
    if name not in added:
        known = ", ".join(sorted({*BUILT_IN, *added}))
        raise UsageError(f"there is no command {name!r}", remedy=f"Commands: {known}.")
    return registry.command(Group.COMMANDS, name)


def _exit_code(error: Exception) -> int:
    if isinstance(error, SettingsProblems):
        for problem in error.problems:
            _say(problem.text())
        return SettingsError.exit_code
    if isinstance(error, VigieError):
        _say(redact(error.line()))
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        _log.debug("the reader of the output left", exc_info=error)
        _discard_output()
        return EXIT_BROKEN_PIPE
    _log.error("defect", exc_info=error)
    _say(f"this is a defect of Vigie, please report it with the lines above: {describe(error)}")
    return EXIT_DEFECT


def _say(line: str) -> None:
    sys.stderr.write(f"vigie: error: {' '.join(line.split())}\n")


def _discard_output() -> None:
    """Else the interpreter would complain of what is still buffered, on its way out."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speak_utf8() -> None:
    """Windows would write redirected output in its own code page."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
