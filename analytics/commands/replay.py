"""``vigie replay DOSSIER``: decides again by what a dossier holds."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analytics.commands.options import rule_kinds
from analytics.dossier.verdict import Outcome, replay
from core.cli.output import add_json_flag, print_json, print_table, remarks


class ReplayCommand:
    """Says whether an alert was what its rule says of what was seen."""

    name = "replay"
    help = "run an alert dossier's rule again and compare the verdict"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("dossier", type=Path, metavar="DOSSIER", help="a folder that 'analyse --dossier' made")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        with remarks().status("replaying"):
            outcome = replay(arguments.dossier, rule_kinds())
        if arguments.json:
            print_json(_as_json(arguments.dossier, outcome))
        else:
            _show(outcome)
        return 1 if outcome.differences else 0


COMMAND = ReplayCommand()


def _as_json(folder: Path, outcome: Outcome) -> dict[str, Any]:
    dossier = outcome.dossier
    return {
        "dossier": str(folder),
        "sha256": outcome.sha256,
        "is_same": not outcome.differences,
        "differences": list(outcome.differences),
        "alert": None if dossier is None else dossier.alert.model_dump(mode="json"),
        "made_by": None if dossier is None else dossier.vigie,
        "replayed_by": version("vigie"),
    }


def _show(outcome: Outcome) -> None:
    print_table(("difference",), [(line,) for line in outcome.differences])
    console = remarks()
    if outcome.dossier is not None:
        alert, made_by = outcome.dossier.alert, outcome.dossier.vigie
        console.print(f"{alert.name} ({alert.type}) at {alert.time_s:.2f} s, decided by Vigie {made_by}", markup=False)
    verdict = "not the same verdict" if outcome.differences else "the same verdict"
    console.print(f"{verdict}; sha256 {outcome.sha256}", soft_wrap=True)
