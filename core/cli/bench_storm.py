"""``vigie bench storm``: minutes of faults on one VMS, then a count of what is lost, doubled, late or grown."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from core.cli.output import add_json_flag, print_json
from core.cli.parsing import positive, positive_whole
from core.demo.one_vms import one_vms
from core.demo.run import work_folder
from core.demo.site import DEMO_RULES
from core.demo.storm import STORMS, StormBench, StormResult
from core.logs import configure_logging


class StormCommand:
    """The sub-command."""

    name = "storm"
    help = "minutes of faults on one VMS, then count what is lost, doubled, late or grown"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--vms", choices=STORMS, default="xprotect", help="which simulator (default: %(default)s)")
        parser.add_argument("--minutes", type=positive, default=5.0, help="how long (default: %(default)s)")
        parser.add_argument("--cameras", type=positive_whole, default=8, help="cameras (default: %(default)s)")
        parser.add_argument("--keep", type=Path, metavar="DIR", help="keep site file, database and logs here")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        configure_logging("error")
        console = Console(stderr=True)
        with work_folder(arguments.keep) as folder:
            result = _measured(arguments, folder, lambda text: console.print(text, style="dim", highlight=False))
        if arguments.json:
            print_json(result.as_json())
        else:
            _show(result, Console())
        return 0 if result.is_good else 1


def _measured(arguments: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> StormResult:
    storm = STORMS[arguments.vms]
    simulator = ["--cameras", str(arguments.cameras), *storm.arguments]
    with one_vms(
        folder, arguments.vms, rules=DEMO_RULES, arguments=simulator, settings=storm.settings, say=say
    ) as bench:
        service = bench.service()
        try:
            service.start()
            return StormBench(bench, service, storm, say).run(arguments.minutes * 60)
        finally:
            service.stop()


def _show(result: StormResult, console: Console) -> None:
    for name, figure in result.as_json().items():
        console.print(f"{name}: {figure}", highlight=False)
    console.print("good" if result.is_good else "NOT good", highlight=False)


COMMAND = StormCommand()
