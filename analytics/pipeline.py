"""Live analysis of one camera: packets in at one end, alerts and boxes out at the other.

Two threads per camera. One decodes what the analysed rate needs and puts it into a one-slot mailbox; the other takes
the newest frame there is, however long it has been busy. Neither queue can grow, so neither can latency.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import NamedTuple

import cv2
import structlog

from analytics.decode.decoder import Decoder
from analytics.decode.frame import DecodedFrame
from analytics.detect.factory import create_detector
from analytics.mailbox import Mailbox, PacketQueue, QueuedPacket
from analytics.rate import FrameRate
from analytics.runner import rule_runners
from analytics.scene import SceneAnalyser
from config.model import CameraSettings, SiteSettings
from core.clock import SystemClock
from core.contracts import Analyser, AnalysisSink, Clock
from core.errors import VigieError
from core.schedules import schedule_of
from core.types import Packet, RuleState, UtcSeconds

_JOIN_S = 5.0
"""Longest wait for a thread to end: many times what one frame takes."""

_log = structlog.get_logger(component="analysis")


class _Job(NamedTuple):
    frame: DecodedFrame
    stream: int


def create_analyser(
    camera: CameraSettings,
    site: SiteSettings,
    sink: AnalysisSink,
    last_alerts: Mapping[str, UtcSeconds],
    states: Mapping[str, RuleState],
) -> Analyser:
    """Builds one camera's running analyser; entry point ``default`` of ``vigie.analysers``.

    Raises:
        ModelError: the detector that the settings name cannot be used.
    """
    cv2.setNumThreads(1)  # each camera has its own threads; OpenCV's pool would only fight them for the cores
    analysis = site.analysis_of(camera)
    rules = rule_runners(
        camera.id, camera.rules, is_active=lambda rule: schedule_of(site, rule).is_active, last_alerts=last_alerts
    )
    scene = SceneAnalyser(camera.id, create_detector(analysis), rules, min_confidence=analysis.min_confidence)
    scene.switch(states)
    return LiveAnalyser(camera.id, scene, sink, fps=analysis.fps, clock=SystemClock())


class LiveAnalyser(Analyser):
    """The threads of one camera around its ``SceneAnalyser``."""

    def __init__(self, camera_id: str, scene: SceneAnalyser, sink: AnalysisSink, *, fps: float, clock: Clock) -> None:
        """Starts at once."""
        self._camera_id = camera_id
        self._scene = scene
        self._sink = sink
        self._clock = clock
        self._rate = FrameRate(fps)
        self._decoder = Decoder()
        self._packets = PacketQueue()
        self._mailbox: Mailbox[_Job] = Mailbox()
        self._stream = 0
        self._switched: deque[Mapping[str, RuleState]] = deque(maxlen=1)
        self._packets_in = self._frames_decoded = self._frames_analysed = self._alerts = 0
        self._decode_s = 0.0
        self._faults = _Faults(camera_id)
        self._threads = [self._started("decode", self._decode), self._started("analyse", self._analyse)]

    def push(self, packet: Packet) -> None:
        self._packets_in += 1
        self._packets.put(packet)

    def switch(self, states: Mapping[str, RuleState]) -> None:
        self._switched.append(dict(states))

    def interrupted(self) -> None:
        self._packets.begin_stream()

    def statistics(self) -> Mapping[str, float]:
        """Counters since start, and gauges (``queue_length``, ``lag_s``).

        ``decode_s`` and ``inference_s`` are processor time. ``frames_skipped`` were decoded for analysis, but a newer
        one came before the analysis was free. Frames that the analysed rate does not need are not counted.
        ``figures/RULE/NAME`` is what a rule has counted.
        """
        captured_at = self._scene.captured_at
        counted = {
            f"figures/{rule}/{name}": float(value)
            for rule, figures in self._scene.figures.items()
            for name, value in figures.items()
        }
        return {
            **counted,
            "packets_in": float(self._packets_in),
            "packets_dropped": float(self._packets.dropped),
            "queue_length": float(len(self._packets)),
            "frames_decoded": float(self._frames_decoded),
            "frames_skipped": float(self._mailbox.skipped),
            "frames_analysed": float(self._frames_analysed),
            "corrupt": float(self._decoder.corrupt),
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
        while (item := self._packets.take()) is not None:
            started = time.thread_time()
            with self._faults.contained("decoding"):
                self._decode_one(item)
            self._decode_s += time.thread_time() - started

    def _decode_one(self, item: QueuedPacket) -> None:
        if item.follows_gap:
            self._decoder.restart()
        is_wanted = self._rate.is_due(item.packet.captured_at)
        for frame in self._decoder.decode(item.packet, is_wanted=is_wanted):
            self._frames_decoded += 1
            if self._rate.take(frame.captured_at):
                self._mailbox.put(_Job(frame, item.stream))

    def _analyse(self) -> None:
        """The analysis thread."""
        while (job := self._mailbox.take()) is not None:
            with self._faults.contained("analysis"):
                self._analyse_one(job)

    def _analyse_one(self, job: _Job) -> None:
        if job.stream != self._stream:
            self._stream = job.stream
            self._scene.interrupted()
        if self._switched:
            self._scene.switch(self._switched.pop())
        verdict = self._scene.analyse(job.frame)
        self._frames_analysed += 1
        for alert in verdict.alerts:
            self._alerts += 1
            self._sink.alert(alert)
        if verdict.boxes is not None:
            self._sink.boxes(verdict.boxes)


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
