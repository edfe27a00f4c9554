"""``vigie simulate xprotect``."""

from __future__ import annotations

import argparse

from connectors.milestone.simulator.options import add_arguments
from connectors.milestone.simulator.simulator import FAULTS, start
from connectors.protocols.simulation import run_simulator


class XProtectSimulator:
    """The sub-command."""

    name = "xprotect"
    help = "a simulated Milestone XProtect site: gateway, recorder and event server"

    def configure(self, parser: object) -> None:
        """Adds its arguments to an ``argparse.ArgumentParser``."""
        assert isinstance(parser, argparse.ArgumentParser)
        add_arguments(parser)
        known = "; ".join(f"{name}={'|'.join(sorted(outcomes))}" for name, outcomes in FAULTS.items())
        parser.epilog = f"faults: {known}"

    def run(self, arguments: object) -> int:
        """Runs until told to stop; returns 0."""
        assert isinstance(arguments, argparse.Namespace)
        return run_simulator(arguments, start, faults=FAULTS)


COMMAND = XProtectSimulator()
