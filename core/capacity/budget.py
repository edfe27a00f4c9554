"""Admission: what ``vigie bench`` found out, in the words in which the engine asks."""

from __future__ import annotations

import structlog

from config.model import AnalysisSettings, CameraSettings, SiteSettings
from core.capacity.cost import Stream, budget_of, cost_of
from core.capacity.machine import Machine, this_machine
from core.capacity.measurement import MeasuredMachine, Measurement, load_first, machine_file, site_file
from core.engine.costs import Budget, UnknownBudget
from core.engine.workers import worker_count
from core.errors import VigieError

_log = structlog.get_logger(component="capacity")


class MeasuredBudget(Budget):
    """A machine that was measured. A camera whose cost was not (another model, a GPU) is not estimated: it is admitted."""

    def __init__(self, measured: Measurement, site: SiteSettings) -> None:
        self._measured = measured
        self._per_worker = budget_of(measured.machine.cores) / worker_count(site)

    def estimate(self, camera: CameraSettings, analysis: AnalysisSettings) -> float | None:  # noqa: ARG002 - see Budget
        if analysis.provider != "cpu" or analysis.decoder != "software":
            return None
        cost = cost_of(self._measured, detector=analysis.detector, fps=analysis.fps, stream=Stream())
        return None if cost is None else cost.cores

    def per_worker(self) -> float | None:
        return min(1.0, self._per_worker)


def budget_for(site: SiteSettings) -> Budget:
    """The budget of this machine for a site: measured for the site, else for the machine; else unknown, said once."""
    try:
        measured = load_first((site_file(site.storage.dir), machine_file()))
    except VigieError as error:
        _log.warning("every camera is admitted", cause=error.line())
        return UnknownBudget()
    if measured is None:
        _log.info("every camera is admitted: this machine was never measured", remedy="vigie bench")
        return UnknownBudget()
    if not is_of(measured.machine, this_machine()):
        _log.warning("every camera is admitted: the figures kept are of another machine", remedy="vigie bench")
        return UnknownBudget()
    return MeasuredBudget(measured, site)


def is_of(measured: MeasuredMachine, machine: Machine) -> bool:
    """Whether a measurement was made on such a machine."""
    return measured.kind == (machine.cpu, machine.cores, machine.system)
