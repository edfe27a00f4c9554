"""``vigie simulate NAME``: a VMS without a VMS. Rooms add simulators in the group ``vigie.simulators``."""

from __future__ import annotations

import argparse

from core import registry
from core.cli.parsing import run_command
from core.registry import Group


class SimulateCommand:
    """Hands over to the simulator named; ``vigie simulate NAME --help`` shows its own arguments."""

    name = "simulate"
    help = "run a simulated VMS on this machine"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        known = registry.names(Group.SIMULATORS)
        parser.add_argument("simulator", metavar="NAME", help=f"one of: {', '.join(known) or 'none is installed'}")
        parser.add_argument("rest", metavar="...", nargs=argparse.REMAINDER, help="arguments of the simulator")

    def run(self, arguments: argparse.Namespace) -> int:
        simulator = registry.command(Group.SIMULATORS, arguments.simulator)
        return run_command(simulator, f"vigie simulate {arguments.simulator}", arguments.rest)


COMMAND = SimulateCommand()
