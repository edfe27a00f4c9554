"""``vigie bench faults``: every fault of a stream on every transport, how soon it is known and mended, and what grows."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.cli.parsing import positive_whole
from core.demo.fault_cells import DETECTION_LIMIT_S, RECOVERY_LIMIT_S, TRANSPORTS, Cell, cells
from core.demo.fault_matrix import running
from core.demo.run import work_folder
from core.logs import configure_logging
from core.types import CameraFault, Json

_NAMESPACE = "ip link set lo up multicast on && ip route add 239.0.0.0/8 dev lo && exec "
"""A machine hears its own groups only where its loop carries them: in a network of its own."""

_INSIDE = "VIGIE_BENCH_NAMESPACE"
_CYCLED = ("ended", "stalled", "unreachable", "corrupt")
_COLUMNS = ("transport", "fault", "known after", "back after", "codes seen", "")
_LONGEST_CHILD_S = 6 * 3600.0

Say = Callable[[str], None]


class FaultsBench:
    """The sub-command."""

    name = "faults"
    help = "let every fault befall a stream, by every transport, and time how soon it is known and mended"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--transport",
            action="append",
            choices=TRANSPORTS,
            default=[],
            help="only this one; repeated (default: all)",
        )
        parser.add_argument(
            "--fault",
            action="append",
            choices=[fault.value for fault in CameraFault],
            default=[],
            metavar="CODE",
            help="only this one; repeated (default: all that a transport has)",
        )
        parser.add_argument(
            "--cycles",
            type=positive_whole,
            metavar="N",
            help=f"instead: N rounds of fault and recovery, then what grew (default faults: {', '.join(_CYCLED)})",
        )
        parser.add_argument("--video", type=Path, metavar="FILE", help="what the camera shows (default: a made scene)")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        configure_logging("critical")
        console = remarks()
        rows, cycles, left_out = _measured(arguments, lambda text: console.print(text, style="dim"))
        if arguments.json:
            print_json({"cells": rows, "cycles": cycles, "left_out": left_out})
        else:
            _show(rows, cycles, left_out)
        return 0 if all(row["good"] for row in (*rows, *cycles)) else 1


_Rows = list[dict[str, Json]]


def _measured(arguments: argparse.Namespace, say: Say) -> tuple[_Rows, _Rows, dict[str, Json]]:
    rows: _Rows = []
    cycles: _Rows = []
    left_out: dict[str, Json] = {}
    with work_folder(None) as folder:
        for name in arguments.transport or TRANSPORTS:
            chosen = _chosen(name, arguments.fault or (_CYCLED if arguments.cycles else ()))
            if not chosen:
                continue
            if TRANSPORTS[name].is_multicast and _INSIDE not in os.environ:
                apart = _in_a_network_of_its_own(arguments, name)
                if isinstance(apart, str):
                    left_out[name] = apart
                else:
                    rows += apart["cells"]
                    cycles += apart["cycles"]
                continue
            say(f"{name}: {len(chosen)} faults")
            _measure(name, chosen, folder / name, arguments, (rows, cycles), say)
    return rows, cycles, left_out


def _measure(
    name: str, chosen: list[Cell], folder: Path, arguments: argparse.Namespace, results: tuple[_Rows, _Rows], say: Say
) -> None:
    video = ["--video", str(arguments.video.resolve())] if arguments.video else []
    with running(name, folder, video) as matrix:
        if arguments.cycles:
            results[1].append(matrix.cycled(chosen, arguments.cycles, say).as_json())
            return
        for cell in chosen:
            results[0].append(matrix.measured(cell).as_json())
            say("  " + "  ".join(_cells_of(results[0][-1])))


def _chosen(transport: str, faults: Sequence[str]) -> list[Cell]:
    return [cell for cell in cells(transport) if not faults or cell.fault.value in faults]


def _in_a_network_of_its_own(arguments: argparse.Namespace, name: str) -> dict[str, _Rows] | str:
    """What the same command finds of the transport in there; or why it could not look."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return "needs unshare and ip (util-linux, iproute2) for a network of its own"
    options = ["--transport", name, "--json", *(f"--fault={fault}" for fault in arguments.fault)]
    options += [f"--cycles={arguments.cycles}"] if arguments.cycles else []
    options += [f"--video={arguments.video.resolve()}"] if arguments.video else []
    command = shlex.join([sys.executable, "-m", "core.cli.main", "bench", "faults", *options])
    done = subprocess.run(  # noqa: S603 - our own command line
        ["unshare", "-rn", "sh", "-c", _NAMESPACE + command],  # noqa: S607 - the machine's own
        stdout=subprocess.PIPE,
        env={**os.environ, _INSIDE: "1"},
        timeout=_LONGEST_CHILD_S,
        check=False,
    )
    try:
        found: dict[str, _Rows] = json.loads(done.stdout)
    except json.JSONDecodeError:
        return "this machine does not allow a network of its own (unshare -rn)"
    return found


def _cells_of(row: dict[str, Json]) -> tuple[str, ...]:
    seen = row["seen"]
    assert isinstance(seen, list)
    times = [f"{row[name]} s" if row[name] is not None else "not" for name in ("detected_s", "recovered_s")]
    return (
        str(row["transport"]),
        str(row["fault"]),
        *times,
        ", ".join(map(str, seen)),
        "" if row["good"] else "NOT good",
    )


def _show(rows: _Rows, cycles: _Rows, left_out: dict[str, Json]) -> None:
    console = remarks()
    if rows:
        print_table(_COLUMNS, [_cells_of(row) for row in rows])
        console.print(f"limits: known within {DETECTION_LIMIT_S:g} s, back within {RECOVERY_LIMIT_S:g} s of the source")
    for row in cycles:
        print_table(("figure", "value"), [(name, str(value)) for name, value in row.items()])
    for name, why in left_out.items():
        console.print(f"{name} was left out: {why}")


COMMAND = FaultsBench()
