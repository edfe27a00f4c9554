"""Runs the bench of streams: a bridge in a process of its own, and the true service that watches it, twice."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.capacity.bench_life import Window, measure_life
from core.capacity.bench_result import StreamsResult
from core.capacity.bench_site import SIMULATOR, Plan, write_bench_site
from core.capacity.machine import package_joules, this_machine
from core.demo.simulators import SimulatorProcess

READY_S: Final = 300.0
"""The bridge encodes its clips before it is ready; long ones take their time."""

FEW_S: Final = 8.0
"""How long the life with a stream for each worker lasts: memory has settled by then."""

_IDLE_S: Final = 2.0


def run_streams(plan: Plan, folder: Path, say: Callable[[str], None]) -> StreamsResult:
    """Measures with its files in ``folder``.

    Raises:
        VigieError: the bridge does not start, a stream does not come, or a process dies.
    """
    idle_watts = _idle_watts()
    with SimulatorProcess(SIMULATOR, plan.simulator_arguments, log=folder / "bridge.log") as bridge:
        say(f"making {plan.width}x{plan.height} video for {plan.streams} streams")
        bridge.wait_ready(READY_S)
        few = None
        if plan.streams > plan.workers:
            say(f"{plan.workers} streams for {FEW_S:g} s, to know what a stream more takes")
            few = _life(plan, bridge, folder / "few", plan.workers, FEW_S)
        say(f"{plan.streams} streams for {plan.seconds:g} s after their warm-up")
        window = _life(plan, bridge, folder / "all", plan.streams, plan.seconds)
    return StreamsResult(plan=plan, machine=this_machine(), window=window, few=few, idle_watts=idle_watts)


def _life(plan: Plan, bridge: SimulatorProcess, folder: Path, streams: int, seconds: float) -> Window:
    folder.mkdir()
    devices = [str(camera["device"]) for camera in bridge.announced["cameras"]][:streams]
    site = folder / "site.yaml"
    write_bench_site(site, bridge.announced, plan, devices)
    try:
        return measure_life(site, seconds, bridge.process_id)
    finally:
        shutil.rmtree(folder / "var", ignore_errors=True)


def _idle_watts() -> float | None:
    before, began = package_joules(), time.monotonic()
    if before is None:
        return None
    time.sleep(_IDLE_S)
    after = package_joules()
    return None if after is None or after < before else (after - before) / (time.monotonic() - began)
