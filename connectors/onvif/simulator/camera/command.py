"""``vigie simulate onvif-camera``."""

from __future__ import annotations

import argparse

from connectors.onvif.simulator.camera.options import add_arguments
from connectors.onvif.simulator.camera.simulator import FAULTS, start
from connectors.protocols.simulation import run_simulator


class OnvifCameraSimulator:
    """The sub-command."""

    name = "onvif-camera"
    help = "a simulated VMS's ONVIF bridge with several cameras"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds its arguments."""
        add_arguments(parser)
        known = "; ".join(f"{name}={'|'.join(sorted(outcomes))}" for name, outcomes in FAULTS.items())
        parser.epilog = f"faults: {known}"

    def run(self, arguments: argparse.Namespace) -> int:
        """Runs until told to stop; returns 0."""
        return run_simulator(arguments, start, faults=FAULTS)


COMMAND = OnvifCameraSimulator()
