"""``vigie bench storm``: minutes of faults on one VMS, then a count of what is lost, doubled, late or grown."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.measuring import Say, add_measuring_options, measured
from core.cli.parsing import positive, positive_whole
from core.demo.one_vms import one_vms
from core.demo.site import DEMO_RULES
from core.demo.storm import STORMS, StormBench, StormResult


class StormCommand:
    """The sub-command."""

    name = "storm"
    help = "minutes of faults on one VMS, then count what is lost, doubled, late or grown"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--vms", choices=STORMS, default="xprotect", help="which simulator (default: %(default)s)")
        parser.add_argument("--minutes", type=positive, default=5.0, help="how long (default: %(default)s)")
        parser.add_argument("--cameras", type=positive_whole, default=8, help="cameras (default: %(default)s)")
        add_measuring_options(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        return measured(arguments, _measured)


def _measured(arguments: argparse.Namespace, folder: Path, say: Say) -> StormResult:
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


COMMAND = StormCommand()
