"""``vigie size``: the machine that so many streams need, from what ``vigie bench`` measured here (C-11, C-12)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from core.capacity.budget import is_of
from core.capacity.cost import Stream
from core.capacity.machine import this_machine
from core.capacity.measurement import Measurement, detector_key, load
from core.capacity.sizing import Size, Wish, sizes
from core.cli.bench_streams import figures_file, picture_size
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.cli.parsing import positive, positive_whole
from core.errors import UsageError
from core.types import Json

COUNTS: Final = (8, 20, 50, 100, 200)

MBIT_S: Final = 2.0
"""An H.264 stream of 4CIF at 25 pictures per second; what a site's cameras send is in the VMS."""

NOT_TOLD: Final = "not told"


class SizeCommand:
    """The sub-command."""

    name = "size"
    help = "tell which machine so many streams need"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--streams", type=_counts, default=COUNTS, metavar="N,N", help="default: 8,20,50,100,200")
        parser.add_argument("--model", metavar="M", help="model or detector, as measured (default: the only one)")
        parser.add_argument("--fps", type=positive, default=5.0, help="pictures analysed per second (default: 5)")
        parser.add_argument("--size", type=picture_size, metavar="WxH", help="of the streams (default: as measured)")
        parser.add_argument(
            "--stream-fps", type=positive, metavar="F", help="pictures that come per second (default: as measured)"
        )
        parser.add_argument("--mbit", type=positive, default=MBIT_S, help="Mbit/s of a stream (default: %(default)g)")
        parser.add_argument("--alerts-per-day", type=positive, metavar="N", help="of a stream, for the disk")
        parser.add_argument(
            "--site", type=Path, metavar="SITE.yaml", help="take the figures kept in this site's storage"
        )
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        measured = _measured(arguments.site)
        wish = _wish(arguments, measured)
        found = sizes(measured, wish, arguments.streams)
        if arguments.json:
            print_json(_document(measured, wish, found))
        else:
            _show(measured, wish, found)
        return 0


def _measured(site: Path | None) -> Measurement:
    path = figures_file(site)
    measured = load(path)
    if measured is None:
        raise UsageError(f"this machine was not measured: {path} is absent", remedy="Run 'vigie bench' first.")
    return measured


def _wish(arguments: argparse.Namespace, measured: Measurement) -> Wish:
    detector = arguments.model
    if detector is None:
        if len(measured.detectors) != 1:
            known = ", ".join(sorted(measured.detectors)) or "none"
            raise UsageError("which detector?", remedy=f"Name it with --model; measured: {known}.")
        (detector,) = measured.detectors
    megapixels = arguments.size[0] * arguments.size[1] / 1e6 if arguments.size else None
    return Wish(
        detector=detector,
        fps=arguments.fps,
        stream=Stream(megapixels=megapixels, fps=arguments.stream_fps),
        mbit_s=arguments.mbit,
        alerts_per_day=arguments.alerts_per_day,
    )


def _document(measured: Measurement, wish: Wish, found: list[Size]) -> dict[str, Json]:
    key = detector_key(wish.detector)
    known = measured.detectors[key]
    return {
        "measured_at": known.measured_at.isoformat(),
        "machine": measured.machine.model_dump(),
        "is_this_machine": is_of(measured.machine, this_machine()),
        "others_cores": round(known.others_cores, 2),
        "detector": key,
        "fps": wish.fps,
        "mbit_s_per_stream": wish.mbit_s,
        "alerts_per_day": wish.alerts_per_day,
        "sizes": [size.as_json() for size in found],
    }


def _show(measured: Measurement, wish: Wish, found: list[Size]) -> None:
    key = detector_key(wish.detector)
    known = measured.detectors[key]
    machine = measured.machine
    rows = [
        (
            str(size.streams),
            f"{size.cores:.1f}",
            f"{size.memory_mb / 1024:.1f} GB",
            f"{size.network_mbit_s:.0f} Mbit/s",
            NOT_TOLD if size.disk_gb_per_day is None else f"{size.disk_gb_per_day:.2f} GB",
            NOT_TOLD if size.watts is None else f"{size.watts:.0f} W",
            size.suggestion,
        )
        for size in found
    ]
    print_table(("streams", "cores", "memory", "network", "disk a day", "processor", "machine"), rows)
    remarks().print(
        f"busy scenes, {key} at {wish.fps:g} pictures per second; cores like those measured {known.measured_at:%Y-%m-%d} "
        f"({machine.cores} cores, {machine.cpu}; other processes used {known.others_cores:.1f} cores); "
        f"{wish.mbit_s:g} Mbit/s a stream is {'assumed' if wish.mbit_s == MBIT_S else 'as said'}",
        style="dim",
    )
    if not is_of(machine, this_machine()):
        remarks().print("these figures are of another machine: run 'vigie bench' here", style="yellow")


def _counts(text: str) -> tuple[int, ...]:
    return tuple(positive_whole(part) for part in text.split(","))


COMMAND = SizeCommand()
