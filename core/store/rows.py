"""Domain values to rows and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Row

from core.types import (
    Alert,
    AlertObject,
    Box,
    Delivery,
    DeliveryState,
    Polygon,
    Priority,
    RuleState,
)

_LONGEST_TEXT = 1000
"""Characters kept of what a VMS said."""


def dump_json(value: object) -> str:
    """JSON as both databases read it: no NaN, which PostgreSQL refuses."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """The nearest JSON: an alert is never refused for what its details hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    return str(value)


def storable(text: str) -> str:
    """Outside text that every database takes: no NUL, no lone surrogate, not endless."""
    return text[:_LONGEST_TEXT].replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def alert_row(alert: Alert) -> dict[str, Any]:
    """Columns of an alert, without its snapshot."""
    return {
        "alert_id": alert.alert_id,
        "camera_id": alert.camera_id,
        "rule_id": alert.rule_id,
        "rule_type": alert.rule_type,
        "rule_name": alert.rule_name,
        "priority": alert.priority.value,
        "state": alert.state.value,
        "captured_at": float(alert.captured_at),
        "started_at": float(alert.started_at),
        "objects": [_dump_object(seen) for seen in alert.objects],
        "zone": _dump_polygon(alert.zone),
        "line": _dump_polygon(alert.line),
        "details": _plain(alert.details),
    }


def read_alert(row: Row[Any], snapshot: bytes = b"") -> Alert:
    """The alert of a row of ``alerts``."""
    return Alert(
        alert_id=row.alert_id,
        camera_id=row.camera_id,
        rule_id=row.rule_id,
        rule_type=row.rule_type,
        rule_name=row.rule_name,
        priority=Priority(row.priority),
        state=RuleState(row.state),
        captured_at=row.captured_at,
        started_at=row.started_at,
        objects=tuple(_load_object(seen) for seen in row.objects),
        zone=_load_polygon(row.zone),
        line=_load_polygon(row.line),
        details=row.details,
        snapshot_jpeg=snapshot,
    )


def delivery_row(alert_id: UUID, captured_at: float, vms_id: str, action: str) -> dict[str, Any]:
    """Columns of a delivery that nobody has tried yet, without its lane and position."""
    return {
        "key": Delivery.derive_key(alert_id, vms_id, action),
        "captured_at": float(captured_at),
        "action": action,
        "state": DeliveryState.PENDING.value,
        "attempts": 0,
        "may_have_arrived": False,
        "next_at": 0.0,
        "remote_id": "",
        "last_error": "",
    }


def read_delivery(row: Row[Any]) -> Delivery:
    """The delivery of a row of ``deliveries`` joined with its alert and lane."""
    return Delivery(
        key=row.key,
        alert_id=row.alert_id,
        camera_id=row.camera_id,
        vms_id=row.vms_id,
        action=row.action,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        may_have_arrived=row.may_have_arrived,
        remote_id=row.remote_id,
        last_error=row.last_error,
    )


def _dump_object(seen: AlertObject) -> dict[str, Any]:
    box = (seen.box.left, seen.box.top, seen.box.right, seen.box.bottom)
    return {"track_id": int(seen.track_id), "label": seen.label, "score": _number(seen.score), "box": _numbers(box)}


def _load_object(stored: Mapping[str, Any]) -> AlertObject:
    left, top, right, bottom = stored["box"]
    box = Box(left=left, top=top, right=right, bottom=bottom)
    return AlertObject(track_id=stored["track_id"], label=stored["label"], score=stored["score"], box=box)


def _dump_polygon(polygon: Polygon) -> list[list[float]]:
    return [_numbers(point) for point in polygon]


def _numbers(values: Iterable[float]) -> list[float]:
    return [_number(value) for value in values]


def _number(value: float) -> float:
    """A plain number: detectors hand over numpy scalars, and NaN is no JSON."""
    return float(value) if math.isfinite(value) else 0.0


def _load_polygon(stored: list[list[float]]) -> Polygon:
    return tuple((x, y) for x, y in stored)
