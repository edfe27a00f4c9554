"""What operators read of an alert, and the hidden payload that goes with an event."""

from __future__ import annotations

import json

from config.model import CameraSettings
from connectors.genetec.access.query import one_line
from core.clock import iso_utc
from core.types import Alert, Box, Delivery, Json

_TITLE_LENGTH = 80
_LABELS_LENGTH = 60
_OBJECTS_TOLD = 32
"""Sizes that Security Center accepts are not documented: these stay small."""

PAYLOAD_VERSION = 1


def text(delivery: Delivery, alert: Alert) -> str:
    """One line: rule, objects, capture time (an event's own time is when it was raised), ``rule:`` and the token.

    ``rule:ID`` never changes: an event-to-action may ask for it in the message.
    """
    title = one_line(alert.rule_name or alert.rule_id, _TITLE_LENGTH)
    seen = one_line(", ".join(f"{item.label} {round(item.score * 100)}%" for item in alert.objects), _LABELS_LENGTH)
    rule = f"rule:{alert.rule_id}"
    return " | ".join(filter(None, [title, seen, iso_utc(alert.captured_at), rule, delivery.token]))


def payload(delivery: Delivery, alert: Alert, camera: CameraSettings) -> str:
    """ASCII JSON for programs: what the text says and the boxes, normalised [left, top, right, bottom]."""
    objects: list[Json] = [
        {"label": item.label, "confidence": round(item.score, 3), "box": _corners(item.box)}
        for item in alert.objects[:_OBJECTS_TOLD]
    ]
    document: dict[str, Json] = {
        "v": PAYLOAD_VERSION,
        "key": str(delivery.key),
        "camera": camera.id,
        "rule": alert.rule_id,
        "type": alert.rule_type,
        "priority": alert.priority.value,
        "captured_at": iso_utc(alert.captured_at),
        "started_at": iso_utc(alert.started_at),
        "objects": objects,
    }
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"))


def _corners(box: Box) -> list[Json]:
    return [round(value, 4) for value in (box.left, box.top, box.right, box.bottom)]
