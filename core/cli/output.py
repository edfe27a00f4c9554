"""Results on standard output, remarks and progress on standard error."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json``, which every command has."""
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def print_json(document: object) -> None:
    """One JSON document on standard output; what JSON cannot say (NaN, objects) is an error."""
    json.dump(document, sys.stdout, ensure_ascii=False, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def remarks() -> Console:
    """Where progress and remarks go: standard error, plain where no terminal is."""
    return Console(stderr=True, highlight=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere one line for each row, its cells parted by tabs."""
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(row) + "\n" for row in rows)
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
