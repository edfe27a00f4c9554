"""Every metric that Vigie has: the one place of their names. ``docs/metrics.md`` shows the list, and a test compares."""

from __future__ import annotations

from typing import Final

from core.metrics.family import Kind, Labels, Metric

_CAMERA: Final[Labels] = ("camera",)
_VMS: Final[Labels] = ("vms",)
_WORKER: Final[Labels] = ("worker",)
_ACTION: Final[Labels] = ("vms", "action")


def _counter(name: str, unit: str, text: str, labels: Labels) -> Metric:
    return Metric(name=f"vigie.{name}", kind=Kind.COUNTER, unit=unit, help=text, labels=labels)


def _gauge(name: str, unit: str, text: str, labels: Labels) -> Metric:
    return Metric(name=f"vigie.{name}", kind=Kind.GAUGE, unit=unit, help=text, labels=labels)


def _histogram(name: str, text: str, labels: Labels) -> Metric:
    return Metric(name=f"vigie.{name}", kind=Kind.HISTOGRAM, unit="s", help=text, labels=labels)


CAMERA: Final = {
    "packets_in": _counter("camera.packets_received", "{packet}", "Packets that came from the VMS.", _CAMERA),
    "packets_dropped": _counter(
        "camera.packets_dropped", "{packet}", "Packets left out before decoding, up to the next key frame.", _CAMERA
    ),
    "queue_length": _gauge("camera.queue_length", "{packet}", "Packets that wait to be decoded.", _CAMERA),
    "decode_wait_s": _gauge("camera.decode_wait", "s", "How long the packet decoded last had waited.", _CAMERA),
    "analysis_wait_s": _gauge("camera.analysis_wait", "s", "How long the frame analysed last had waited.", _CAMERA),
    "frames_decoded": _counter("camera.frames_decoded", "{frame}", "Frames that were decoded.", _CAMERA),
    "frames_skipped": _counter(
        "camera.frames_skipped", "{frame}", "Frames decoded, but overtaken by a newer one before analysis.", _CAMERA
    ),
    "frames_analysed": _counter("camera.frames_analysed", "{frame}", "Frames that were analysed.", _CAMERA),
    "frames_gated": _counter(
        "camera.frames_gated", "{frame}", "Frames in which nothing moved, so that the detector was not asked.", _CAMERA
    ),
    "longest_gap_s": _gauge(
        "camera.longest_gap", "s", "Longest wait from one analysed frame to the next, of the last 10 s.", _CAMERA
    ),
    "corrupt": _counter("camera.corrupt", "{packet}", "Packets and pictures found damaged.", _CAMERA),
    "rules_off": _gauge("camera.rules_off", "{rule}", "Rules that are switched off.", _CAMERA),
    "lag_s": _gauge(
        "camera.lag", "s", "Local clock less the capture time of the frame analysed last: delay and drift.", _CAMERA
    ),
    "decode_s": _counter("camera.decode.cpu_time", "s", "Processor time spent on decoding.", _CAMERA),
    "inference_s": _counter("camera.inference.cpu_time", "s", "Processor time spent on detection.", _CAMERA),
    "alerts": _counter("camera.alerts", "{alert}", "Alerts that rules raised.", _CAMERA),
    "rule_defects": _counter("camera.rule_defects", "{defect}", "Frames on which a rule failed.", _CAMERA),
    "detector_defects": _counter(
        "camera.detector_defects", "{defect}", "Frames on which the detector failed.", _CAMERA
    ),
}
"""By their name in the statistics of ``camera/ID``."""

VMS: Final = {
    "attempts": _counter("delivery.attempts", "{attempt}", "Tries to hand something to the VMS.", _VMS),
    "delivered": _counter("delivery.accepted", "{delivery}", "Deliveries that the VMS accepted.", _VMS),
    "retries": _counter("delivery.retries", "{attempt}", "Tries after which another one is needed.", _VMS),
    "parked": _counter("delivery.parked", "{delivery}", "Deliveries set aside because they can never succeed.", _VMS),
    "asked": _counter("delivery.asked", "{question}", "Times that the VMS was asked whether it has one already.", _VMS),
    "found": _counter("delivery.found", "{delivery}", "Deliveries that the VMS turned out to have already.", _VMS),
    "resent_unasked": _counter(
        "delivery.resent_unasked", "{delivery}", "Deliveries sent again that the VMS cannot be asked for.", _VMS
    ),
    "defects": _counter("delivery.defects", "{defect}", "Tries that failed by a defect of the connector.", _VMS),
    "last_latency_s": _gauge(
        "delivery.last_latency", "s", "From capture until the VMS accepted it, of the latest delivery.", _VMS
    ),
    "boxes_sent": _counter("boxes.sent", "{frame}", "Frames whose boxes went to the VMS.", _VMS),
    "boxes_dropped": _counter("boxes.dropped", "{frame}", "Frames whose boxes came too fast for the VMS.", _VMS),
}
"""By their name in the statistics of ``vms/ID``."""

WORKER: Final = {
    "boxes_dropped": _counter(
        "worker.boxes_dropped", "{frame}", "Frames whose boxes came too fast for the pipe to the supervisor.", _WORKER
    ),
}
"""By their name in the statistics of ``worker/N``."""

ALERT_DELAY: Final = _histogram(
    "camera.alert_delay", "From a picture's decoding until its alert left the analysis.", _CAMERA
)
FIGURE: Final = _gauge(
    "rule.figure", "", "What a counting rule has counted since its worker began.", ("camera", "rule", "figure")
)
PAUSED: Final = _counter(
    "rule.frames_paused", "{frame}", "Frames that did not show the view in which the rule watches.", ("camera", "rule")
)
FAULT: Final = _gauge(
    "camera.fault", "", "1 while this fault of the stream or picture lasts; absent otherwise.", ("camera", "fault")
)
FAULTS: Final = _counter("camera.faults", "{fault}", "How often this fault came.", ("camera", "fault"))
HEALTH: Final = _gauge(
    "component.health", "", "1 for the present colour of a component, 0 for the others.", ("component", "level")
)
BACKLOG: Final = _gauge(
    "delivery.backlog", "{delivery}", "Deliveries that wait for the VMS, parked ones left out.", _VMS
)
BACKLOG_AGE: Final = _gauge(
    "delivery.backlog_age", "s", "Age since capture of the oldest delivery that waits; 0 when none does.", _VMS
)
LATENCY: Final = _histogram("delivery.latency", "From capture until the VMS accepted it.", _ACTION)
SINCE_ALERT: Final = _histogram(
    "delivery.since_alert", "From when the alert was stored until the VMS accepted it.", _ACTION
)
BUILD: Final = _gauge("build_info", "", "Always 1; its label says which Vigie this is.", ("version",))
STARTED: Final = _gauge("start_time", "s", "When the service was started, in seconds since 1970.", ())

ALL: Final = (
    *CAMERA.values(),
    ALERT_DELAY,
    FIGURE,
    PAUSED,
    FAULT,
    FAULTS,
    HEALTH,
    *VMS.values(),
    BACKLOG,
    BACKLOG_AGE,
    LATENCY,
    SINCE_ALERT,
    *WORKER.values(),
    BUILD,
    STARTED,
)
"""In the order in which they are told."""
