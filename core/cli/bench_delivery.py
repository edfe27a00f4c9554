"""``vigie bench delivery``: kill -9 of the service while alerts flow into two VMS that misbehave, then a count."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from rich.console import Console

from core.cli.output import add_json_flag, print_json
from core.cli.parsing import positive, positive_whole
from core.demo.delivery_bench import MANY_RULES, DeliveryBenchResult, kill_repeatedly, last_life
from core.demo.run import demo_bench, work_folder
from core.demo.view import summary
from core.logs import configure_logging

FAULTS = "ok,503,drop,accept-then-drop"
"""What each VMS does to the publishing requests, in turn."""


class DeliveryBench:
    """The sub-command."""

    name = "delivery"
    help = "kill -9 while alerts flow into two VMS that misbehave"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--kills", type=positive_whole, default=20, help="how often (default: %(default)s)")
        parser.add_argument("--life", type=positive, default=9.0, help="longest life in seconds (default: %(default)s)")
        parser.add_argument("--faults", default=FAULTS, help="outcomes of the publishing requests, in turn")
        parser.add_argument("--cameras", type=positive_whole, default=3, help="cameras per VMS (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=1, help="of the lengths of the lives")
        parser.add_argument("--keep", type=Path, metavar="DIR", help="keep site file, database and logs here")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        configure_logging("error")
        console = Console(stderr=True)
        with work_folder(arguments.keep) as folder:
            result = _delivery(arguments, folder, console)
        if arguments.json:
            print_json(result.as_json())
        else:
            _show(result, Console())
        return 0 if result.is_good else 1


def _delivery(arguments: argparse.Namespace, folder: Path, console: Console) -> DeliveryBenchResult:
    def say(text: str) -> None:
        console.print(text, style="dim", highlight=False)

    simulators = ["--cameras", str(arguments.cameras), "--fault", f"publish={arguments.faults}"]
    with demo_bench(folder, rules=MANY_RULES, simulator_arguments=simulators, say=say) as bench:
        kill_repeatedly(
            bench,
            kills=arguments.kills,
            longest_life_s=arguments.life,
            rng=random.Random(arguments.seed),  # noqa: S311 - lengths of lives, not secrets
            log=folder / "service.log",
            say=say,
        )
        return last_life(bench, kills=arguments.kills, say=say)


def _show(result: DeliveryBenchResult, console: Console) -> None:
    summary(console, result.comparison)
    for vms, actions in result.askable.items():
        doubled = ", ".join(f"{action} {count}" for action, count in result.doubles[vms].items()) or "none"
        console.print(f"{vms}: can be asked before a resend: {', '.join(actions) or 'nothing'}; doubles: {doubled}")
    console.print(f"{result.kills} kills, {result.parked} parked")


COMMAND = DeliveryBench()
