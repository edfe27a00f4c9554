"""``vigie bench [NAME]``: measures on this machine what the documentation promises. Rooms add benches in ``vigie.benches``."""

from __future__ import annotations

import argparse

from core import registry
from core.cli import bench_streams
from core.cli.parsing import run_command
from core.registry import Group


class BenchCommand:
    """Hands over to the bench named; ``vigie bench NAME --help`` shows its own arguments."""

    name = "bench"
    help = "measure guarantees on this machine"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        known = ", ".join(registry.names(Group.BENCHES)) or "none is installed"
        default = bench_streams.COMMAND
        parser.add_argument("bench", metavar="NAME", nargs="?", help=f"one of: {known} (default: {default.name})")
        parser.add_argument("rest", metavar="...", nargs=argparse.REMAINDER, help="arguments of the bench named")
        default.configure(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        if arguments.bench is None:
            return bench_streams.COMMAND.run(arguments)
        bench = registry.command(Group.BENCHES, arguments.bench)
        return run_command(bench, f"vigie bench {arguments.bench}", arguments.rest)


COMMAND = BenchCommand()
