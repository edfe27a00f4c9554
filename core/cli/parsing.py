"""Parses the arguments of one command and runs it."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import NoReturn

from core.contracts import Command
from core.errors import UsageError


class Parser(argparse.ArgumentParser):
    """Wrong use is a ``UsageError`` like every other, not an exit."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse."""
        raise UsageError(f"{self.prog}: {message}", remedy=f"'{self.prog} --help' shows how it is called.")


def positive(text: str) -> float:
    """Argument type: a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def positive_whole(text: str) -> int:
    """Argument type: a whole number above 0."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def run_command(command: Command, prog: str, arguments: Sequence[str]) -> int:
    """Parses what follows the command's name and runs it; returns its exit code."""
    parser = Parser(prog=prog, description=command.help)
    command.configure(parser)
    return command.run(parser.parse_args(arguments))
