"""What the bench of streams tells: the figures, the promises, and what is kept for later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.capacity.bench_life import Window
from core.capacity.bench_site import Plan
from core.capacity.cost import CODEC
from core.capacity.machine import Machine
from core.capacity.measurement import (
    MeasuredDecoding,
    MeasuredDetector,
    MeasuredMachine,
    MeasuredPower,
    Measurement,
    detector_key,
    now,
)
from core.histogram import quantile
from core.types import Json

KEPT_RATE: Final = 0.96
OVERHEAD: Final = 1.25
ALERT_P95_MS: Final = 500.0
STREAM_MB: Final = 60.0
"""What is promised: share of the rate asked that every stream keeps, processor time over that of decoding and inference,
decoded picture to alert, memory of each stream more."""

_MS: Final = 1000.0
_ROW_OCTETS: Final = 1500
"""What an alert takes in the database beside its picture, its deliveries included; measured with SQLite."""

_LEAST_MB: Final = 1.0
"""A difference of two lives below that is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamsResult:
    """One bench. ``few`` is the life with a stream for each worker, None where there were no more to add."""

    plan: Plan
    machine: Machine
    window: Window
    few: Window | None
    idle_watts: float | None

    @property
    def analysed_fps(self) -> list[float]:
        """Of each stream."""
        return self.window.rates("frames_analysed")

    @property
    def decode_cpu_s(self) -> float:
        """Of all streams in the window."""
        return self.window.total("decode_s")

    @property
    def inference_cpu_s(self) -> float:
        """Of all streams in the window."""
        return self.window.total("inference_s")

    @property
    def overhead_ratio(self) -> float | None:
        """All processor time over that of decoding and inference; None where there was none."""
        useful = self.decode_cpu_s + self.inference_cpu_s
        return self.window.cpu_s / useful if useful > 0 else None

    @property
    def stream_mb(self) -> float | None:
        """Memory of each stream more; None where no two lives can be compared."""
        if self.few is None:
            return None
        added = len(self.window.before) - len(self.few.before)
        return max(0.0, self.window.workers_mb - self.few.workers_mb) / added

    @property
    def decode_to_alert_p95_ms(self) -> float | None:
        """From the decoded picture to the alert out of the analysis; None without alerts."""
        found = quantile(self.window.counted(), "alert_delay", 0.95)
        return None if found is None else found * _MS

    @property
    def capture_to_alert_p95_ms(self) -> float | None:
        """From capture in the bridge to the supervisor: stream, queues, decoding, analysis and pipe; None without alerts."""
        alerts = self.window.alerts
        return alerts[min(len(alerts) - 1, int(len(alerts) * 0.95))].delay_s * _MS if alerts else None

    @property
    def watts(self) -> float | None:
        """Of the processor packages in the window; None where the platform does not tell."""
        return None if self.window.joules is None else self.window.joules / self.window.wall_s

    @property
    def broken_limits(self) -> list[str]:
        """Names of the promises that were not kept; what could not be measured is not judged."""
        ratio, alert_ms, stream_mb = self.overhead_ratio, self.decode_to_alert_p95_ms, self.stream_mb
        checks = {
            "analysed_fps_per_stream": min(self.analysed_fps) >= KEPT_RATE * self.plan.fps,
            "overhead_ratio": self.plan.is_quiet or ratio is None or ratio <= OVERHEAD,
            "decode_to_alert_p95_ms": alert_ms is None or alert_ms <= ALERT_P95_MS,
            "rss_mb_per_added_stream": stream_mb is None or stream_mb <= STREAM_MB,
        }
        return [name for name, is_kept in checks.items() if not is_kept]

    def as_json(self) -> dict[str, Json]:
        """The document of ``--json``."""
        plan, window = self.plan, self.window
        return {
            "streams": plan.streams,
            "workers": min(plan.workers, plan.streams),
            "detector": detector_key(plan.detector),
            "picture": f"{plan.width}x{plan.height}@{plan.stream_fps:g} {CODEC}",
            "fps": plan.fps,
            "quiet": plan.is_quiet,
            "machine": self.machine.as_json(),
            "wall_s": round(window.wall_s, 2),
            "analysed_fps_per_stream": [round(rate, 2) for rate in self.analysed_fps],
            "cpu_s": round(window.cpu_s, 2),
            "supervisor_cpu_s": round(window.supervisor_cpu_s, 2),
            "decode_cpu_s": round(self.decode_cpu_s, 2),
            "inference_cpu_s": round(self.inference_cpu_s, 2),
            "overhead_ratio": _rounded(self.overhead_ratio, 3),
            "cores_used": round(window.cpu_s / window.wall_s, 3),
            "frames_gated": round(window.total("frames_gated")),
            "frames_skipped": round(window.total("frames_skipped")),
            "packets_dropped": round(window.total("packets_dropped")),
            "alerts": len(window.alerts),
            "decode_to_alert_p95_ms": _rounded(self.decode_to_alert_p95_ms, 1),
            "capture_to_alert_p95_ms": _rounded(self.capture_to_alert_p95_ms, 1),
            "rss_mb": round(window.supervisor_mb + window.workers_mb, 1),
            "rss_mb_per_added_stream": _rounded(self.stream_mb, 1),
            "watts": _rounded(self.watts, 1),
            "server_cpu_s": round(window.server_cpu_s, 2),
            "others_cpu_s": round(window.others_cpu_s, 2),
            "broken_limits": list(self.broken_limits),
            "good": not self.broken_limits,
        }

    def measurement(self) -> Measurement | None:
        """What is kept of it: nothing of a quiet scene, which says nothing of a busy one, nor of too few streams."""
        looked = self.window.total("frames_analysed") - self.window.total("frames_gated")
        if self.plan.is_quiet or self.few is None or self.stream_mb is None or looked < 1:
            return None
        return Measurement(
            machine=MeasuredMachine.model_validate(self.machine.as_json()),
            supervisor_mb=round(self.window.supervisor_mb, 1),
            decoding={CODEC: self._decoding()},
            detectors={detector_key(self.plan.detector): self._detector(looked, self.few, self.stream_mb)},
            power=self._power(),
            alert_kb=self._alert_kb(),
        )

    def _decoding(self) -> MeasuredDecoding:
        megapixels = self.window.total("packets_in") * self.plan.megapixels
        return MeasuredDecoding(
            core_s_per_megapixel=self.decode_cpu_s / megapixels,
            megapixels=self.plan.megapixels,
            fps=self.plan.stream_fps,
            measured_at=now(),
        )

    def _detector(self, looked: float, few: Window, stream_mb: float) -> MeasuredDetector:
        rest_s = max(0.0, self.window.cpu_s - self.decode_cpu_s - self.inference_cpu_s)
        workers = min(self.plan.workers, self.plan.streams)
        return MeasuredDetector(
            core_s=self.inference_cpu_s / looked,
            overhead_cores=rest_s / self.window.wall_s / self.plan.streams,
            fps=sum(self.analysed_fps) / self.plan.streams,
            streams=self.plan.streams,
            worker_mb=max(_LEAST_MB, few.workers_mb / workers - stream_mb),
            stream_mb=stream_mb,
            measured_at=now(),
            others_cores=self.window.others_cpu_s / self.window.wall_s,
        )

    def _alert_kb(self) -> float | None:
        sizes = [len(taken.alert.snapshot_jpeg) + _ROW_OCTETS for taken in self.window.alerts]
        return sum(sizes) / len(sizes) / 1000.0 if sizes else None

    def _power(self) -> MeasuredPower | None:
        watts, busy_s = self.watts, self.window.cpu_s + self.window.server_cpu_s + self.window.others_cpu_s
        if watts is None or self.idle_watts is None or busy_s <= 0:
            return None
        each = max(0.0, watts - self.idle_watts) / (busy_s / self.window.wall_s)
        return MeasuredPower(idle_watts=self.idle_watts, watts_per_core=each)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
