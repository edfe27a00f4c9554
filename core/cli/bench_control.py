"""``vigie bench control``: how soon an operator's act in the VMS takes effect in Vigie."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from rich.console import Console

from core.cli.output import add_json_flag, print_json
from core.cli.parsing import positive_whole
from core.demo.control_bench import CONTROLLED, LIMIT_S, ORDERS, ControlBenchResult, round_trips
from core.demo.one_vms import one_vms
from core.demo.run import work_folder
from core.demo.site import DEMO_RULES
from core.logs import configure_logging


class ControlBench:
    """The sub-command."""

    name = "control"
    help = "close alarms and trigger events in a VMS, and time their effect"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--vms", choices=CONTROLLED, default="xprotect", help="which simulator (default: %(default)s)"
        )
        parser.add_argument(
            "--rounds", type=positive_whole, default=10, help="alarms closed, and events each way (default: 10)"
        )
        parser.add_argument("--cameras", type=positive_whole, default=4, help="cameras (default: %(default)s)")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        configure_logging("error")
        console = Console(stderr=True)
        result = _measured(arguments, lambda text: console.print(text, style="dim", highlight=False))
        if arguments.json:
            print_json(result.as_json())
        else:
            _show(result, Console())
        return 0 if result.is_good else 1


def _measured(arguments: argparse.Namespace, say: Callable[[str], None]) -> ControlBenchResult:
    controlled = CONTROLLED[arguments.vms]
    simulator = ["--cameras", str(arguments.cameras), *controlled.arguments]
    settings = {"control": list(ORDERS), "publish": [controlled.judged]}
    with (
        work_folder(None) as folder,
        one_vms(folder, arguments.vms, rules=DEMO_RULES, arguments=simulator, settings=settings, say=say) as bench,
    ):
        service = bench.service()
        try:
            service.start()
            return round_trips(bench, service, judged=controlled.judged, rounds=arguments.rounds, say=say)
        finally:
            service.stop()


def _show(result: ControlBenchResult, console: Console) -> None:
    for name, figures in result.as_json().items():
        console.print(f"{name}: {figures}", highlight=False)
    console.print("in time" if result.is_good else f"too late: more than {LIMIT_S:g} s", highlight=False)


COMMAND = ControlBench()
