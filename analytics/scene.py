"""From one picture to alerts and boxes, without threads: live analysis and ``vigie analyse`` both decide here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import structlog

from analytics.detect.closer import look_closer
from analytics.detect.density import DensityModel
from analytics.detect.density_look import DensityReadings, Reading
from analytics.detect.network import Floats
from analytics.gate import Gate
from analytics.runner import RuleRunner
from analytics.track.tracker import Tracker
from analytics.view.watch import Facing
from core.contracts import Detector
from core.types import Alert, Box, Detection, FrameBoxes, Picture, Pixels, RuleState, Tick, UtcSeconds

_log = structlog.get_logger(component="analysis")


class Frame(Pixels, Protocol):
    """A picture with its capture time."""

    @property
    def captured_at(self) -> UtcSeconds:
        """When the recorder says it was captured."""


@runtime_checkable
class _KnowsItsInput(Protocol):
    """A detector that tells which size it scales a picture to; giving it so scaled saves work."""

    def picture_size(self, width: int, height: int) -> tuple[int, int]: ...


class Look(NamedTuple):
    """A closer look that a rule took: at which parts of the picture, and what was there."""

    parts: tuple[Box, ...]
    found: tuple[Detection, ...]


class Verdict(NamedTuple):
    """What one frame brought."""

    alerts: list[Alert]
    boxes: FrameBoxes | None
    """Of every frame, empty ones included: a VMS that records them can tell "nothing there" from "not looked at". None
    where the detector failed."""
    looks: Sequence[Look] | None = None
    """Closer looks that rules took at this frame; None where the detector cannot look closer."""
    readings: Sequence[Reading] | None = None
    """What rules were told of the frame's density map; None where there is no model that draws one."""


class SceneAnalyser:
    """One camera's detector, tracker and rules. Frames come in capture order; not thread-safe."""

    def __init__(
        self,
        camera_id: str,
        detector: Detector,
        rules: Sequence[RuleRunner],
        *,
        min_confidence: float,
        gate: Gate | None = None,
        density: DensityModel | None = None,
    ) -> None:
        """``gate`` lets the detector rest while nothing happens; without one it looks at every frame.

        ``density``: draws the density maps that rules ask for.
        """
        self._camera_id = camera_id
        self._detector = detector
        self._can_look_closer: bool = getattr(detector, "is_shared", False)  # one with a memory would learn the parts
        self._rules = rules
        self._min_confidence = min_confidence
        self._gate = gate
        self._density = density
        self._tracker: Tracker | None = None
        self._is_detector_failing = False
        self.captured_at: UtcSeconds | None = None
        """Capture time of the last frame analysed."""
        self.inference_s = 0.0
        """Processor time spent in the detector and the density map model."""
        self.detector_defects = 0
        """How often the detector failed unexpectedly."""
        self.frames_paused = {rule.rule_id: 0 for rule in rules}
        """Frames of another view than the rule's own, by rule id."""
        self._shown: frozenset[str | None] | None = None
        """Presets of the view that was last known for sure."""

    @property
    def frames_gated(self) -> int:
        """Frames analysed without the detector, because nothing had changed."""
        return 0 if self._gate is None else self._gate.rested

    @property
    def rule_defects(self) -> int:
        """How often rules failed unexpectedly."""
        return sum(rule.defects for rule in self._rules)

    @property
    def rules_off(self) -> int:
        """How many rules are switched off."""
        return sum(rule.is_off for rule in self._rules)

    @property
    def figures(self) -> Mapping[str, Mapping[str, int]]:
        """What each counting rule has counted, by rule id."""
        return {rule.rule_id: rule.figures for rule in self._rules if rule.figures}

    def analyse(self, frame: Frame) -> Verdict:
        """Detects, tracks and asks every rule."""
        if self.captured_at is not None and frame.captured_at < self.captured_at:
            self._start_over()
        self.captured_at = frame.captured_at
        self._count_paused()
        if self._rules and all(rule.is_paused for rule in self._rules):
            return Verdict([], None)  # a detector with a memory of the scene would learn another one
        known = None if self._gate is None else self._gate.known(frame, frame.captured_at)
        detections = self._detect(frame) if known is None else known
        if detections is None:
            return Verdict([], None)
        if self._tracker is None:
            self._tracker = Tracker(min_score=self._min_confidence, aspect=frame.width / frame.height)
        tracks = self._tracker.update(detections, frame.captured_at)
        if self._gate is not None and known is None:
            self._gate.saw(frame, frame.captured_at, detections, tracks)
        looks = _Looks(self._detect_closer, frame, self._detector.labels) if self._can_look_closer else None
        density = None if self._density is None else DensityReadings(self._map_of, frame)
        tick = Tick(captured_at=frame.captured_at, tracks=tracks, pixels=frame, closer=looks, density=density)
        alerts = [alert for rule in self._rules for alert in rule.update(tick)]
        boxes = FrameBoxes(camera_id=self._camera_id, captured_at=frame.captured_at, tracks=tracks)
        return Verdict(
            alerts, boxes, None if looks is None else looks.taken, None if density is None else density.taken
        )

    def face(self, facing: Facing) -> None:
        """Where the camera looks from the next frame on; tracks do not survive another view."""
        if facing.is_sure and facing.presets != self._shown:
            if self._shown is not None:
                self.interrupted()
            self._shown = facing.presets
        for rule in self._rules:
            rule.face(facing)

    @property
    def rules(self) -> Sequence[RuleRunner]:
        """Those that are asked."""
        return self._rules

    def renew(self, rules: Sequence[RuleRunner]) -> None:
        """Asks these rules from now on; cooldowns go on, by the rules' ids."""
        before = {rule.rule_id: rule for rule in self._rules}
        for rule in rules:
            if (earlier := before.get(rule.rule_id)) and earlier is not rule:
                rule.follow(earlier)
        self._rules = rules
        self.frames_paused = {rule.rule_id: self.frames_paused.get(rule.rule_id, 0) for rule in rules}

    def switch(self, states: Mapping[str, RuleState]) -> None:
        """What operators make of the rules (rule id → state); rules not named are as the settings say."""
        for rule in self._rules:
            rule.switch(states.get(rule.rule_id))

    def interrupted(self) -> None:
        """The stream was lost: tracks do not survive it. What rules remember fades by capture time."""
        if self._tracker is not None:
            self._tracker.reset()
        if self._gate is not None:
            self._gate.reset()

    def _count_paused(self) -> None:
        for rule in self._rules:
            if rule.is_paused:
                self.frames_paused[rule.rule_id] += 1

    def _start_over(self) -> None:
        """The recorder's clock was set back: nothing known lies in the past any more."""
        _log.warning("capture time went back; tracks and rules start over", camera=self._camera_id)
        self.interrupted()
        for rule in self._rules:
            rule.restart()

    def _detect(self, frame: Frame) -> list[Detection] | None:
        """What is seen in the frame; None when the detector failed."""
        picture = self._picture(frame)
        started = time.thread_time()
        try:
            (detections,) = self._detector.detect([picture])
        except Exception:  # noqa: BLE001 - a detector may be anybody's plug-in; one bad frame must not end the camera
            self._note_defect()
            return None
        finally:
            self.inference_s += time.thread_time() - started
        if self._is_detector_failing:
            self._is_detector_failing = False
            _log.info("the detector works again", camera=self._camera_id)
        return detections

    def _detect_closer(self, frame: Frame, parts: Sequence[Box]) -> list[Detection]:
        """Fails into the rule that asked, as any of its defects."""
        started = time.thread_time()
        try:
            return look_closer(self._detector, frame, parts)
        finally:
            self.inference_s += time.thread_time() - started

    def _map_of(self, pixels: Pixels) -> Floats:
        """Fails into the rule that asked, as any of its defects."""
        assert self._density is not None  # nobody is offered a map otherwise
        started = time.thread_time()
        try:
            return self._density.map_of(pixels)
        finally:
            self.inference_s += time.thread_time() - started

    def _picture(self, frame: Frame) -> Picture:
        if isinstance(self._detector, _KnowsItsInput):
            return frame.rgb(*self._detector.picture_size(frame.width, frame.height))
        return frame.rgb()

    def _note_defect(self) -> None:
        self.detector_defects += 1
        if not self._is_detector_failing:
            self._is_detector_failing = True
            _log.exception("defect: the detector failed unexpectedly", camera=self._camera_id)


class _Looks:
    """The closer looks of one frame: rules that look at the same parts share one."""

    def __init__(
        self, detect: Callable[[Frame, Sequence[Box]], list[Detection]], frame: Frame, labels: frozenset[str]
    ) -> None:
        self.labels = labels
        self._detect = detect
        self._frame = frame
        self.taken: list[Look] = []

    def __call__(self, parts: Sequence[Box]) -> list[Detection]:
        """As ``core.types.CloserLook``."""
        for look in self.taken:
            if look.parts == tuple(parts):
                return list(look.found)
        found = self._detect(self._frame, parts)
        self.taken.append(Look(tuple(parts), tuple(found)))
        return found
