"""Measured figures as a bench would have kept them, with round numbers."""

from __future__ import annotations

from datetime import UTC, datetime

from core.capacity.machine import Machine
from core.capacity.measurement import (
    MeasuredDecoding,
    MeasuredDetector,
    MeasuredMachine,
    MeasuredPower,
    Measurement,
)

MACHINE = Machine(cpu="Test CPU", cores=2, memory_mb=8192, system="Linux x86_64")
AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def detector(core_s: float = 0.016) -> MeasuredDetector:
    """0.08 cores of inference at 5 pictures per second, 0.01 of the rest."""
    return MeasuredDetector(
        core_s=core_s,
        overhead_cores=0.01,
        fps=5.0,
        streams=8,
        worker_mb=250.0,
        stream_mb=10.0,
        measured_at=AT,
        others_cores=0.1,
    )


def measurement(machine: Machine = MACHINE, power: MeasuredPower | None = None) -> Measurement:
    """Decoding takes 0.02 cores at 25 pictures per second of 0.4 megapixels."""
    decoding = MeasuredDecoding(core_s_per_megapixel=0.002, megapixels=0.4, fps=25.0, measured_at=AT)
    return Measurement(
        machine=MeasuredMachine.model_validate(machine.as_json()),
        supervisor_mb=150.0,
        decoding={"h264": decoding},
        detectors={"yolox_nano.onnx": detector()},
        power=power,
        alert_kb=40.0,
    )
