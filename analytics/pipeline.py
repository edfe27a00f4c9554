"""Live analysis of one camera: packets in at one end, alerts and boxes out at the other.

Two threads per camera. One decodes what the analysed rate needs and puts it into a one-slot mailbox; the other takes
the newest frame there is, however long it has been busy. Neither queue can grow, so neither can latency.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import NamedTuple

import cv2
import structlog

from analytics.decode.decoder import Decoder
from analytics.decode.frame import DecodedFrame
from analytics.decode.hardware import SOFTWARE, CodecOpener
from analytics.decode.stream_watch import StreamWatch
from analytics.detect.factory import create_density_model, create_detector
from analytics.gaps import Gaps
from analytics.gate import gate_of
from analytics.mailbox import Mailbox, PacketQueue, QueuedPacket
from analytics.rate import FrameRate
from analytics.runner import RuleRunner, rule_runners
from analytics.scene import SceneAnalyser
from analytics.view.known import watch_of
from analytics.view.watch import HOME, SceneWatch, tell
from config.model import AnalysisSettings, CameraSettings, SiteSettings
from core.clock import SystemClock
from core.contracts import Analyser, AnalysisSink, Clock
from core.errors import VigieError
from core.histogram import Histogram
from core.schedules import schedule_of
from core.types import Packet, RuleState, UtcSeconds

_JOIN_S = 5.0
"""Longest wait for a thread to end: many times what one frame takes."""

_LOOK_S = 0.25
"""How often a stream that is silent is looked at."""

_log = structlog.get_logger(component="analysis")


class _Job(NamedTuple):
    frame: DecodedFrame
    stream: int
    decoded_at: float
    """On the monotonic clock."""


class _Order(NamedTuple):
    """What is in force from the next frame on."""

    rules: Sequence[RuleRunner]
    states: Mapping[str, RuleState]
    view: SceneWatch | None


def create_analyser(
    camera: CameraSettings,
    site: SiteSettings,
    sink: AnalysisSink,
    last_alerts: Mapping[str, UtcSeconds],
    states: Mapping[str, RuleState],
) -> Analyser:
    """Builds one camera's running analyser; entry point ``default`` of ``vigie.analysers``.

    Raises:
        ModelError, SettingsError: the detector or a preset's still that the settings name cannot be used.
    """
    cv2.setNumThreads(1)  # each camera has its own threads; OpenCV's pool would only fight them for the cores
    analysis = site.analysis_of(camera)
    rules = rule_runners(
        camera.id, camera.rules, is_active=lambda rule: schedule_of(site, rule).is_active, last_alerts=last_alerts
    )
    detector = create_detector(analysis)
    scene = SceneAnalyser(
        camera.id,
        detector,
        rules,
        min_confidence=analysis.min_confidence,
        gate=gate_of(analysis, detector),
        density=create_density_model(analysis),
    )
    scene.switch(states)
    view = watch_of(camera, site.storage.dir)
    return LiveAnalyser(camera.id, scene, sink, fps=analysis.fps, clock=SystemClock(), analysis=analysis, view=view)


class LiveAnalyser(Analyser):
    """The threads of one camera around its ``SceneAnalyser``."""

    def __init__(
        self,
        camera_id: str,
        scene: SceneAnalyser,
        sink: AnalysisSink,
        *,
        fps: float,
        clock: Clock,
        analysis: AnalysisSettings | None = None,
        view: SceneWatch | None = None,
    ) -> None:
        """Starts at once.

        ``analysis``: what detector and rate were made of; without it they cannot be configured. ``view`` watches what
        the camera itself shows; without it rules go on whatever that is.
        """
        self._view = self._next_view = view
        self._analysis = analysis
        self._rules = scene.rules
        self._camera_id = camera_id
        self._scene = scene
        self._sink = sink
        self._clock = clock
        self._rate = FrameRate(fps)
        self._decoder = Decoder(CodecOpener(camera_id, SOFTWARE if analysis is None else analysis.decoder))
        self._watch = StreamWatch(sink, clock)
        self._packets = PacketQueue()
        self._mailbox: Mailbox[_Job] = Mailbox()
        self._stream = 0
        self._orders: deque[_Order] = deque(maxlen=1)
        self._packets_in = self._frames_decoded = self._frames_analysed = self._alerts = 0
        self._decode_s = self._decode_wait_s = self._analysis_wait_s = 0.0
        self._alert_delays = Histogram()
        self._gaps = Gaps(clock)
        self._faults = _Faults(camera_id)
        self._threads = [self._started("decode", self._decode), self._started("analyse", self._analyse)]

    def push(self, packet: Packet) -> None:
        self._packets_in += 1
        self._packets.put(packet)

    def switch(self, states: Mapping[str, RuleState]) -> None:
        self._orders.append(_Order(self._rules, dict(states), self._next_view))

    def configure(self, camera: CameraSettings, site: SiteSettings, states: Mapping[str, RuleState]) -> bool:
        if self._analysis is None or site.analysis_of(camera) != self._analysis:
            return False
        self._next_view = watch_of(camera, site.storage.dir, self._next_view)
        self._rules = rule_runners(
            camera.id, camera.rules, is_active=lambda rule: schedule_of(site, rule).is_active, running=self._rules
        )
        self._orders.append(_Order(self._rules, dict(states), self._next_view))
        return True

    def interrupted(self) -> None:
        self._packets.begin_stream()

    def statistics(self) -> Mapping[str, float]:
        """Counters since start, and gauges (``queue_length``, ``decode_wait_s``, ``analysis_wait_s``, ``lag_s``).

        ``decode_s`` and ``inference_s`` are processor time. ``frames_skipped`` were decoded for analysis, but a newer
        one came before the analysis was free; on ``frames_gated`` of those analysed the detector rested. Frames that the
        analysed rate does not need are not counted. The waits are those of the last packet and the last frame.
        ``figures/RULE/NAME`` is what a rule has counted, ``alert_delay/EDGE`` how many alerts were handed over so soon
        after their picture was decoded (``core.histogram``), ``paused/RULE`` how many frames did not show its view.
        """
        captured_at = self._scene.captured_at
        counted = {
            f"figures/{rule}/{name}": float(value)
            for rule, figures in self._scene.figures.items()
            for name, value in figures.items()
        }
        return {
            **counted,
            **{f"paused/{rule}": float(frames) for rule, frames in self._scene.frames_paused.items() if frames},
            **self._alert_delays.statistics("alert_delay"),
            "packets_in": float(self._packets_in),
            "packets_dropped": float(self._packets.dropped),
            "queue_length": float(len(self._packets)),
            "frames_decoded": float(self._frames_decoded),
            "frames_skipped": float(self._mailbox.skipped),
            "frames_analysed": float(self._frames_analysed),
            "frames_gated": float(self._scene.frames_gated),
            "longest_gap_s": self._gaps.longest_s(),
            "corrupt": float(self._decoder.corrupt),
            "decode_wait_s": self._decode_wait_s,
            "analysis_wait_s": self._analysis_wait_s,
            "rules_off": float(self._scene.rules_off),
            "lag_s": 0.0 if captured_at is None else self._clock.utc() - captured_at,
            "decode_s": self._decode_s,
            "inference_s": self._scene.inference_s,
            "alerts": float(self._alerts),
            "rule_defects": float(self._scene.rule_defects),
            "detector_defects": float(self._scene.detector_defects),
        }

    def close(self) -> None:
        self._packets.close()
        self._mailbox.close()
        for thread in self._threads:
            thread.join(_JOIN_S)
            if thread.is_alive():
                _log.error("a thread did not end in time", camera=self._camera_id, thread=thread.name)

    def _started(self, duty: str, work: Callable[[], None]) -> Thread:
        thread = Thread(target=work, name=f"{duty} {self._camera_id}", daemon=True)
        thread.start()
        return thread

    def _decode(self) -> None:
        """The decode thread."""
        while True:
            if not self._packets.wait(_LOOK_S):
                self._watch.silent(self._packets.stream)
                continue
            item = self._packets.take()
            if item is None:
                return
            self._decode_wait_s = self._clock.monotonic() - item.packet.received_at
            started = time.thread_time()
            with self._faults.contained("decoding"):
                self._decode_one(item)
            self._decode_s += time.thread_time() - started

    def _decode_one(self, item: QueuedPacket) -> None:
        if item.follows_gap:
            self._decoder.restart()
        self._watch.arrived(item.packet, item.stream)
        is_wanted = self._rate.is_due(item.packet.captured_at)
        damaged = self._decoder.corrupt
        frames = self._decoder.decode(item.packet, is_wanted=is_wanted)
        self._watch.decoded(frames, self._decoder.corrupt - damaged)
        # Both only grow: what was followed in another stream, or before a break, is not followed on.
        stream = item.stream + self._watch.breaks
        for frame in frames:
            self._frames_decoded += 1
            if self._rate.take(frame.captured_at):
                self._mailbox.put(_Job(frame, stream, self._clock.monotonic()))

    def _analyse(self) -> None:
        """The analysis thread."""
        while (job := self._mailbox.take()) is not None:
            with self._faults.contained("analysis"):
                self._analyse_one(job)

    def _analyse_one(self, job: _Job) -> None:
        self._analysis_wait_s = self._clock.monotonic() - job.decoded_at
        if job.stream != self._stream:
            self._stream = job.stream
            self._scene.interrupted()
            if self._view is not None:
                self._view.interrupted()
        if self._orders:
            order = self._orders.pop()
            self._scene.renew(order.rules)
            self._scene.switch(order.states)
            self._watch_view(order.view)
        if self._view is not None:
            tell(self._view.look(job.frame, job.frame.captured_at, job.frame.keys), self._sink)
            self._scene.face(self._view.facing)
        verdict = self._scene.analyse(job.frame)
        self._frames_analysed += 1
        self._gaps.note()
        for alert in verdict.alerts:
            self._alerts += 1
            self._sink.alert(alert)
            self._alert_delays.note(self._clock.monotonic() - job.decoded_at)
        if verdict.boxes is not None:
            self._sink.boxes(verdict.boxes)

    def _watch_view(self, view: SceneWatch | None) -> None:
        """Goes over to another watch; what the one before had said is over with it."""
        if view is not self._view:
            for fault in self._view.faults if self._view is not None else ():
                self._sink.fault_over(fault)
            self._view = view
            self._scene.face(HOME)


class _Faults:
    """Keeps what goes wrong at the edge of a thread from ending it; logs its first time, and its end."""

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._present: set[str] = set()

    @contextmanager
    def contained(self, duty: str) -> Iterator[None]:
        """Runs one step of a thread's work."""
        try:
            yield
        except VigieError as error:
            if self._is_new(duty):
                _log.error("cannot go on", camera=self._camera_id, duty=duty, cause=error.line())
        except Exception:  # noqa: BLE001 - the edge of a thread: one bad frame must not end the camera
            if self._is_new(duty):
                _log.exception("defect", camera=self._camera_id, duty=duty)
        else:
            if duty in self._present:
                self._present.remove(duty)
                _log.info("works again", camera=self._camera_id, duty=duty)

    def _is_new(self, duty: str) -> bool:
        is_new = duty not in self._present
        self._present.add(duty)
        return is_new
