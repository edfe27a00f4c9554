"""Parses the arguments of one command and runs it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from core.contracts import Command
from core.errors import UsageError


class Parser(argparse.ArgumentParser):
    """Wrong use is a ``UsageError`` like every other, not an exit."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse."""
        raise UsageError(f"{self.prog}: {message}", remedy=f"'{self.prog} --help' shows how it is called.")


def run_command(command: Command, prog: str, arguments: Sequence[str]) -> int:
    """Parses what follows the command's name and runs it; returns its exit code."""
    parser = Parser(prog=prog, description=command.help)
    command.configure(parser)
    return command.run(parser.parse_args(arguments))
