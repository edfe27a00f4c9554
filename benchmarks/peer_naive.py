"""What a user would write instead of Vigie: OpenCV capture, onnxruntime, and ByteTrack and zones of ``supervision``.

One process per camera, all with the libraries' own defaults. It imports nothing of Vigie and runs in an environment of
its own, for ``supervision`` is no dependency of the product::

    python -m venv /tmp/peer
    /tmp/peer/bin/pip install "supervision<0.30" onnxruntime opencv-python-headless

(``supervision`` 0.30 gave ByteTrack away to another package; it asks for no OpenCV by itself, so that the headless one does
not clash with another.) ``python -m benchmarks.side_by_side`` starts one for each camera and compares; by hand::

    /tmp/peer/bin/python benchmarks/peer_naive.py --url rtsp://… --model yolox_nano.onnx --rules rules.json

It writes a JSON line for each alert, and one each second with what it analysed and spent so far; it ends when standard
input does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
warnings.simplefilter("ignore", FutureWarning)

import cv2  # noqa: E402 - reads the options above
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import supervision as sv  # noqa: E402

SIDE = 416
STRIDES = (8, 16, 32)
TELL_EVERY_S = 1.0
COCO = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus", 7: "truck"}


class YoloX:
    """YOLOX-nano with onnxruntime as it comes: its own number of threads."""

    def __init__(self, model: str, confidence: float) -> None:
        self.session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.confidence = confidence
        grids = [np.stack(np.meshgrid(np.arange(SIDE // s), np.arange(SIDE // s)), -1).reshape(-1, 2) for s in STRIDES]
        self.cells = np.concatenate(grids).astype(np.float32)
        self.strides = np.repeat(np.array(STRIDES, np.float32), [len(grid) for grid in grids])[:, None]

    def __call__(self, picture: np.ndarray) -> sv.Detections:
        """Boxes in pixels of the picture."""
        ratio = min(SIDE / picture.shape[0], SIDE / picture.shape[1])
        scaled = cv2.resize(picture, (round(picture.shape[1] * ratio), round(picture.shape[0] * ratio)))
        canvas = np.full((SIDE, SIDE, 3), 114, np.uint8)
        canvas[: scaled.shape[0], : scaled.shape[1]] = scaled
        tensor = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
        rows = self.session.run(None, {self.input: tensor})[0][0]
        scores = rows[:, 5:] * rows[:, 4:5]
        labels, best = scores.argmax(1), scores.max(1)
        kept = (best >= self.confidence) & np.isin(labels, list(COCO))
        centres = (rows[kept, :2] + self.cells[kept]) * self.strides[kept]
        halves = np.exp(rows[kept, 2:4]) * self.strides[kept] / 2
        boxes = np.concatenate([centres - halves, centres + halves], 1) / ratio
        found = sv.Detections(xyxy=boxes, confidence=best[kept], class_id=labels[kept])
        return found.with_nms(threshold=0.6)


class Line:
    """``line_crossing`` with ``sv.LineZone``."""

    def __init__(self, rule: dict[str, Any], width: int, height: int) -> None:
        (x1, y1), (x2, y2) = rule["line"]
        self.zone = sv.LineZone(
            start=sv.Point(x1 * width, y1 * height),
            end=sv.Point(x2 * width, y2 * height),
            triggering_anchors=[sv.Position.BOTTOM_CENTER],
        )

    def fires(self, objects: sv.Detections, _now: float) -> int:
        """How many objects crossed."""
        came, went = self.zone.trigger(objects)
        return int(came.sum() + went.sum())


class Presence:
    """``zone_presence`` with ``sv.PolygonZone``, and a stop-watch for each object."""

    def __init__(self, rule: dict[str, Any], width: int, height: int) -> None:
        polygon = np.array([[x * width, y * height] for x, y in rule["zone"]], np.int64)
        self.zone = sv.PolygonZone(polygon=polygon, triggering_anchors=[sv.Position.BOTTOM_CENTER])
        self.dwell_s = rule.get("dwell_s", 0.0)
        self.since: dict[int, float] = {}
        self.told: set[int] = set()

    def fires(self, objects: sv.Detections, now: float) -> int:
        """How many objects have now been inside for long enough."""
        inside = {int(number) for number in objects[self.zone.trigger(objects)].tracker_id}
        self.since = {number: self.since.get(number, now) for number in inside}
        due = {number for number, since in self.since.items() if now - since >= self.dwell_s} - self.told
        self.told = (self.told & inside) | due
        return len(due)


KINDS = {"line_crossing": Line, "zone_presence": Presence}


def watch(arguments: argparse.Namespace, ending: threading.Event) -> None:
    """Reads every picture, analyses so many a second."""
    rules = json.loads(Path(arguments.rules).read_text(encoding="utf-8"))
    detect = YoloX(arguments.model, arguments.confidence)
    tracker = sv.ByteTrack(frame_rate=round(arguments.fps))
    capture = cv2.VideoCapture(arguments.url, cv2.CAP_FFMPEG)
    active: list[tuple[dict[str, Any], Any]] = []
    due = told_at = 0.0
    analysed = 0
    while not ending.is_set():
        if arguments.grab:
            ok, picture = capture.grab(), None
        else:
            ok, picture = capture.read()
        if not ok:
            capture.release()
            capture = cv2.VideoCapture(arguments.url, cv2.CAP_FFMPEG)
            continue
        now = time.time()
        if now < due:
            continue
        due = max(due + 1.0 / arguments.fps, now - 1.0 / arguments.fps)
        if picture is None:
            _, picture = capture.retrieve()
        height, width = picture.shape[:2]
        active = active or [(rule, KINDS[rule["type"]](rule, width, height)) for rule in rules]
        objects = tracker.update_with_detections(detect(picture))
        for rule, zone in active:
            wanted = [number for number, label in COCO.items() if label in rule.get("classes", COCO.values())]
            for _ in range(zone.fires(objects[np.isin(objects.class_id, wanted)], now)):
                tell(alert=rule["id"], at=now)
        analysed += 1
        if now >= told_at + TELL_EVERY_S:
            told_at = now
            tell(analysed=analysed, cpu_s=time.process_time(), at=time.time())


def tell(**values: object) -> None:
    """One JSON line."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Watches one camera until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rules", required=True, help="JSON file: a list of line_crossing and zone_presence rules")
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--confidence", type=float, default=0.35)
    parser.add_argument("--grab", action="store_true", help="convert only the pictures that are analysed")
    arguments = parser.parse_args()
    ending = threading.Event()
    watching = threading.Thread(target=watch, args=(arguments, ending), daemon=True)
    watching.start()
    sys.stdin.read()
    ending.set()
    watching.join(10.0)


if __name__ == "__main__":
    main()
