"""``vigie bench kills``: workers killed at random while cameras are watched, then a count."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import yaml

from core.cli.measuring import Say, add_measuring_options, measured
from core.cli.parsing import positive, positive_whole
from core.demo.kills import KillBench, KillsResult
from core.demo.run import demo_bench
from core.demo.site import DEMO_RULES

PER_VMS = 2
"""Cameras are shared out between two VMS."""

GROUND_SCALE = [[0.62, 0.18], [0.97, 0.30]]
"""Of the simulators' scene. A detector that has to learn it from who walks by misses the first of them after each start."""


class KillsCommand:
    """The sub-command."""

    name = "kills"
    help = "kill -9 of analysis workers at random, then count alerts, take-over times and gaps of the others"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--minutes", type=positive, default=10.0, help="how long (default: %(default)s)")
        parser.add_argument("--kills", type=positive_whole, default=50, help="how often (default: %(default)s)")
        parser.add_argument(
            "--cameras", type=positive_whole, default=8, help="cameras, an even number (default: %(default)s)"
        )
        parser.add_argument("--seed", type=int, default=1, help="of the moments and the victims")
        add_measuring_options(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        return measured(arguments, _measured)


def _measured(arguments: argparse.Namespace, folder: Path, say: Say) -> KillsResult:
    simulators = ["--cameras", str(max(1, arguments.cameras // PER_VMS))]
    rules = [dict(rule) for rule in DEMO_RULES]
    with demo_bench(folder, rules=rules, simulator_arguments=simulators, say=say) as bench:
        _calibrate(bench.site.path)
        service = bench.service()
        try:
            service.start()
            rng = random.Random(arguments.seed)  # noqa: S311 - moments and victims, not secrets
            return KillBench(bench, service, rng, say).run(arguments.minutes * 60, arguments.kills)
        finally:
            service.stop()


def _calibrate(site: Path) -> None:
    document = yaml.safe_load(site.read_text(encoding="utf-8"))
    document["analysis"] = {"ground_scale": GROUND_SCALE}
    site.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")


COMMAND = KillsCommand()
