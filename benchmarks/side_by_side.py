"""``python -m benchmarks.side_by_side``: Vigie and what a user would write instead, on the same streams at the same time.

One process plays clips of the shared data set over RTSP. The true service watches them (as ``vigie bench streams`` does),
and beside it one process of ``benchmarks/peer_naive.py`` for each camera, in an environment of its own (see there). Both
have the same model, rate, lines and zones. Compared are processor time per stream and alerts; neither side's time counts
what the server of the clips takes. Where the machine was too busy for either to keep the rate, nothing is proved.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from core.capacity.bench_life import WARM_FRAMES, Window, measure_life
from core.capacity.bench_result import KEPT_RATE
from core.capacity.bench_run import READY_S
from core.capacity.bench_site import SIMULATOR, Plan, camera_id, write_bench_site
from core.demo.run import work_folder
from core.demo.simulators import SimulatorProcess
from core.demo.site import PASSWORD, USERNAME
from core.engine.workers import usable_cores
from core.logs import configure_logging

CLIPS: Final = ("persons_pets2009_vtest", "vehicles_street", "zone_presence_table")
RULES: Final = ("junction", "lawn", "near_lane", "sidewalk", "table", "exit")
"""Of the data set: those that both sides have, a line or a zone each."""

HALF: Final = 0.5
"""Of the peer's processor time is what Vigie promises to need at most."""

SAME_S: Final = 2.0
"""Two alerts of one rule that are no farther apart are the same: one side's tracker confirms later than the other's."""

_PEER: Final = Path(__file__).with_name("peer_naive.py")
_READY_S: Final = 60.0
_STOP_S: Final = 15.0


@dataclass(slots=True)
class Peer:
    """One camera's process, and what it told."""

    process: subprocess.Popen[str]
    told: list[dict[str, Any]] = field(default_factory=list)
    is_warm: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Body of a thread."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            values = json.loads(line)
            self.told.append(values)
            if values.get("analysed", 0) >= WARM_FRAMES:
                self.is_warm.set()

    def rates(self, since: float, until: float) -> tuple[float, float]:
        """Cores used and pictures analysed per second between two moments (UTC)."""
        within = [values for values in self.told if "analysed" in values and since <= values["at"] <= until]
        if len(within) < 2:  # noqa: PLR2004 - a rate lies between two readings
            return 0.0, 0.0
        first, last = within[0], within[-1]
        took_s = last["at"] - first["at"]
        return (last["cpu_s"] - first["cpu_s"]) / took_s, (last["analysed"] - first["analysed"]) / took_s


def main() -> int:
    """Runs both; returns 0 where both kept the rate and Vigie takes at most half."""
    arguments = _parsed()
    configure_logging("error")
    plan = _plan(arguments)
    with work_folder(None) as folder, ExitStack() as stack:
        bridge = stack.enter_context(SimulatorProcess(SIMULATOR, plan.simulator_arguments, log=folder / "bridge.log"))
        bridge.wait_ready(READY_S)
        peers = stack.enter_context(_peers(arguments, plan, bridge.announced, folder))
        window, since = _ours(plan, bridge, folder, [peer.process.pid for peer in peers])
    document = _document(plan, window, [peer.rates(since, since + window.wall_s) for peer in peers])
    document["alerts"] = _compared(window, peers, since)
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return 0 if document["is_comparable"] and document["ratio"] <= HALF else 1


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", type=Path, required=True, help="interpreter of the peer's environment")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data set")
    parser.add_argument("--streams", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--grab", action="store_true", help="the peer converts only the pictures that it analyses")
    return parser.parse_args()


def _plan(arguments: argparse.Namespace) -> Plan:
    dataset = yaml.safe_load((arguments.data / "dataset.yaml").read_text(encoding="utf-8"))
    clips = {clip["id"]: clip for clip in dataset["clips"]}
    return Plan(
        streams=arguments.streams,
        workers=usable_cores(),
        seconds=arguments.seconds,
        fps=arguments.fps,
        width=704,
        height=576,
        stream_fps=25.0,
        detector=str((arguments.data / "models" / "yolox_nano.onnx").resolve()),
        clips=tuple(arguments.data / clips[name]["video"] for name in CLIPS),
        rules=tuple(tuple(rule for rule in clips[name]["rules"] if rule["id"] in RULES) for name in CLIPS),
    )


@contextmanager
def _peers(
    arguments: argparse.Namespace, plan: Plan, announced: Mapping[str, Any], folder: Path
) -> Iterator[Sequence[Peer]]:
    peers: list[Peer] = []
    try:
        for index, camera in enumerate(announced["cameras"]):
            rules = folder / f"rules-{index}.json"
            rules.write_text(json.dumps(plan.rules_of(index)), encoding="utf-8")
            peers.append(_peer(arguments, _url(announced, camera["device"]), rules, folder / f"peer-{index}.log"))
        for peer in peers:
            if not peer.is_warm.wait(_READY_S):
                sys.exit("a peer did not start: does its environment have what peer_naive.py asks for?")
        yield peers
    finally:
        for peer in peers:
            _end(peer)


def _peer(arguments: argparse.Namespace, url: str, rules: Path, log: Path) -> Peer:
    model = (arguments.data / "models" / "yolox_nano.onnx").resolve()
    options = ["--url", url, "--model", str(model), "--rules", str(rules), "--fps", f"{arguments.fps:g}"]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [str(arguments.peer_python), str(_PEER), *options, *(["--grab"] if arguments.grab else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    peer = Peer(process)
    threading.Thread(target=peer.read, daemon=True).start()
    return peer


def _end(peer: Peer) -> None:
    assert peer.process.stdin is not None
    peer.process.stdin.close()
    try:
        peer.process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        peer.process.kill()
        peer.process.wait(_STOP_S)


def _url(announced: Mapping[str, Any], device: str) -> str:
    place = urlsplit(str(announced["rtsp"]))
    return f"rtsp://{USERNAME}:{PASSWORD}@{place.netloc}{place.path}/{device}"


def _ours(plan: Plan, bridge: SimulatorProcess, folder: Path, peers: Sequence[int]) -> tuple[Window, float]:
    """The window, and since when alerts of both sides count: UTC."""
    devices = [str(camera["device"]) for camera in bridge.announced["cameras"]]
    path = folder / "ours" / "site.yaml"
    path.parent.mkdir()
    write_bench_site(path, bridge.announced, plan, devices)
    window = measure_life(path, plan.seconds, bridge.process_id, bystanders=peers)
    return window, time.time() - (time.monotonic() - window.began_at)


def _document(plan: Plan, window: Window, peers: Sequence[tuple[float, float]]) -> dict[str, Any]:
    ours, peer = window.cpu_s / window.wall_s / plan.streams, sum(cores for cores, _ in peers) / plan.streams
    rates, peer_rates = window.rates("frames_analysed"), [fps for _, fps in peers]
    return {
        "is_comparable": min(*rates, *peer_rates) >= KEPT_RATE * plan.fps,
        "streams": plan.streams,
        "seconds": round(window.wall_s, 1),
        "ours_cores_per_stream": round(ours, 4),
        "ours_supervisor_share": round(window.supervisor_cpu_s / window.cpu_s, 3),
        "ours_fps": [round(rate, 2) for rate in rates],
        "ours_frames_gated": round(window.total("frames_gated")),
        "peer_cores_per_stream": round(peer, 4),
        "peer_fps": [round(rate, 2) for rate in peer_rates],
        "ratio": round(ours / peer, 3) if peer else None,
        "others_cores": round(window.others_cpu_s / window.wall_s - peer * plan.streams, 3),
        "server_cores": round(window.server_cpu_s / window.wall_s, 3),
    }


def _compared(window: Window, peers: Sequence[Peer], since: float) -> dict[str, Any]:
    """Alerts of both sides in the window, rule by rule: how many each has, and how many are the same."""
    until = since + window.wall_s
    ours: dict[tuple[str, str], list[float]] = {}
    for taken in window.alerts:
        ours.setdefault((taken.alert.camera_id, taken.alert.rule_id), []).append(taken.alert.captured_at)
    theirs: dict[tuple[str, str], list[float]] = {}
    for index, peer in enumerate(peers):
        for values in peer.told:
            if "alert" in values and since <= values["at"] <= until:
                theirs.setdefault((camera_id(index), values["alert"]), []).append(values["at"])
    rows = {
        "/".join(key): Counter(
            ours=len(ours.get(key, ())),
            peer=len(theirs.get(key, ())),
            same=_same(sorted(ours.get(key, ())), sorted(theirs.get(key, ()))),
        )
        for key in sorted(ours.keys() | theirs.keys())
    }
    return {**{name: dict(row) for name, row in rows.items()}, "all": dict(sum(rows.values(), Counter()))}


def _same(ours: Sequence[float], theirs: Sequence[float]) -> int:
    """How many pairs lie within ``SAME_S``, in order of time, each alert in one pair."""
    same = at = 0
    for moment in ours:
        while at < len(theirs) and theirs[at] < moment - SAME_S:
            at += 1
        if at < len(theirs) and theirs[at] <= moment + SAME_S:
            same, at = same + 1, at + 1
    return same


if __name__ == "__main__":
    sys.exit(main())
