"""What every bench that plays a whole site does: a work folder, a word of progress, and the result told at the end."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from rich.console import Console

from core.cli.output import add_json_flag, print_json
from core.demo.run import work_folder
from core.logs import configure_logging

Say: TypeAlias = Callable[[str], None]


class Result(Protocol):
    """What a bench found."""

    @property
    def is_good(self) -> bool:
        """Whether all limits were kept."""

    def as_json(self) -> Mapping[str, Any]:
        """Figures by name."""


def add_measuring_options(parser: argparse.ArgumentParser) -> None:
    """``--keep`` and ``--json``."""
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep site file, database and logs here")
    add_json_flag(parser)


def measured(arguments: argparse.Namespace, measure: Callable[[argparse.Namespace, Path, Say], Result]) -> int:
    """Runs the bench, tells its figures, and returns the exit code: 1 where a limit was not kept."""
    configure_logging("error")
    console = Console(stderr=True)
    with work_folder(arguments.keep) as folder:
        result = measure(arguments, folder, lambda text: console.print(text, style="dim", highlight=False))
    if arguments.json:
        print_json(result.as_json())
    else:
        _show(result, Console())
    return 0 if result.is_good else 1


def _show(result: Result, console: Console) -> None:
    for name, figure in result.as_json().items():
        console.print(f"{name}: {figure}", highlight=False)
    console.print("good" if result.is_good else "NOT good", highlight=False)
