"""Alerts as pictures to look at, and what a person sorted them into."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np

from core.clock import utc_datetime
from core.errors import UsageError, VigieError
from core.types import Alert, Answer, Picture, Polygon

_RED, _YELLOW = (48, 48, 255), (0, 220, 255)
"""Blue, green, red, as OpenCV wants them."""

_SUFFIX = ".jpg"


def write_still(folder: Path, alert: Alert) -> Path | None:
    """Its snapshot with zone, line and objects drawn in; None where it has none that can be read."""
    picture = (
        cv2.imdecode(np.frombuffer(alert.snapshot_jpeg, np.uint8), cv2.IMREAD_COLOR) if alert.snapshot_jpeg else None
    )
    if picture is None:
        return None
    _draw(np.asarray(picture, np.uint8), alert)
    _, encoded = cv2.imencode(_SUFFIX, picture)
    moment = utc_datetime(alert.captured_at).strftime("%Y%m%dT%H%M%SZ")
    path = folder / f"{alert.camera_id}_{alert.rule_id}_{moment}_{alert.alert_id}{_SUFFIX}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(encoded.tobytes())
    except OSError as error:
        raise VigieError(f"{path} cannot be written: {error.strerror}", remedy="Name another folder.") from error
    return path


def sorted_stills(folder: Path) -> Iterator[tuple[UUID, Answer]]:
    """What a person made of the pictures by moving each into a folder ``true``, ``false`` or ``unknown``."""
    answers = [answer for answer in Answer if (folder / answer.value).is_dir()]
    if not answers:
        raise UsageError(
            f"{folder} has none of the folders {', '.join(Answer)}",
            remedy="Make them there, and move each picture of --stills into the one that says what it shows.",
        )
    for answer in answers:
        for path in sorted((folder / answer.value).glob(f"*{_SUFFIX}")):
            yield _alert_id(path), answer


def _alert_id(path: Path) -> UUID:
    try:
        return UUID(path.stem.rpartition("_")[2])
    except ValueError as error:
        raise UsageError(
            f"{path} is no picture of --stills: its name does not end in an alert's id",
            remedy="Give it its name back, or take it out of that folder.",
        ) from error


def _draw(picture: Picture, alert: Alert) -> None:
    if alert.zone:
        cv2.polylines(picture, [_pixels(alert.zone, picture)], isClosed=True, color=_YELLOW, thickness=1)
    if alert.line:
        cv2.polylines(picture, [_pixels(alert.line, picture)], isClosed=False, color=_YELLOW, thickness=2)
    for seen in alert.objects:
        corners = _pixels(((seen.box.left, seen.box.top), (seen.box.right, seen.box.bottom)), picture)
        cv2.rectangle(picture, corners[0].tolist(), corners[1].tolist(), _RED, 2)


def _pixels(points: Polygon, picture: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    height, width = picture.shape[:2]
    return np.array([(round(x * width), round(y * height)) for x, y in points], np.int32)
