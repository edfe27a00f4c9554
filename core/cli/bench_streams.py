"""``vigie bench streams``: how many streams this machine carries, and what each costs; kept for admission and sizing."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final

from config.load import load_site
from core import registry
from core.capacity.bench_result import StreamsResult
from core.capacity.bench_run import run_streams
from core.capacity.bench_site import Plan
from core.capacity.measurement import keep, machine_file, site_file
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.cli.parsing import positive, positive_whole
from core.demo.run import work_folder
from core.engine.workers import usable_cores
from core.errors import UsageError
from core.logs import configure_logging

_SIZE: Final = re.compile(r"(\d{2,5})x(\d{2,5})")
_LEAST_FPS, _MOST_FPS = 2.0, 30.0
"""As ``analysis.fps`` takes it."""


class StreamsBench:
    """The sub-command, and what ``vigie bench`` does when no bench is named."""

    name = "streams"
    help = "measure how many streams this machine carries, and what each costs"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        group = parser.add_argument_group("bench streams")
        group.add_argument("--streams", type=positive_whole, default=8, metavar="N", help="default: %(default)s")
        group.add_argument(
            "--seconds", type=positive, default=60.0, metavar="S", help="after the warm-up (default: 60)"
        )
        group.add_argument(
            "--model", default="motion", metavar="M", help="ONNX model, or a built-in detector (default: %(default)s)"
        )
        group.add_argument("--fps", type=_fps, default=5.0, help="pictures analysed per second (default: 5)")
        group.add_argument("--size", type=picture_size, default=(704, 576), metavar="WxH", help="default: 704x576")
        group.add_argument(
            "--stream-fps", type=positive, default=25.0, metavar="F", help="pictures that come per second (default: 25)"
        )
        group.add_argument("--workers", type=positive_whole, metavar="N", help="default: one for each core")
        group.add_argument("--quiet", action="store_true", help="still scenes, in which only the sensor's noise moves")
        group.add_argument(
            "--clip", action="append", type=Path, default=[], metavar="FILE", help="play this instead of a made scene"
        )
        group.add_argument("--site", type=Path, metavar="SITE.yaml", help="keep the figures in this site's storage")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        configure_logging("error")
        plan = _plan(arguments)
        path = figures_file(arguments.site)
        with work_folder(None) as folder:
            result = run_streams(plan, folder, lambda text: remarks().print(text, style="dim"))
        if measured := result.measurement():
            keep(path, measured)
            remarks().print(f"kept in {path}", style="dim")
        if arguments.json:
            print_json(result.as_json())
        else:
            _show(result)
        return 1 if result.broken_limits else 0


def figures_file(site: Path | None) -> Path:
    """Where measured figures are kept: in the storage of the site named, else in the machine's own place."""
    if site is None:
        return machine_file()
    return site_file(load_site(site, registry.kinds()).storage.dir)


def picture_size(text: str) -> tuple[int, int]:
    """Argument type: width and height in pixels, even."""
    match = _SIZE.fullmatch(text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not width or not height or width % 2 or height % 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 704x576, both even")
    return width, height


def _fps(text: str) -> float:
    value = positive(text)
    if not _LEAST_FPS <= value <= _MOST_FPS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate from {_LEAST_FPS:g} to {_MOST_FPS:g}")
    return value


def _plan(arguments: argparse.Namespace) -> Plan:
    model = Path(arguments.model)
    is_file = model.suffix.lower() == ".onnx"
    if missing := [str(path) for path in (*arguments.clip, *([model] if is_file else [])) if not path.is_file()]:
        raise UsageError(f"there is no file {', '.join(missing)}")
    if arguments.quiet and arguments.clip:
        raise UsageError("--quiet plays a made still scene, --clip a video of yours", remedy="Leave one of them out.")
    width, height = arguments.size
    return Plan(
        streams=arguments.streams,
        workers=arguments.workers or usable_cores(),
        seconds=arguments.seconds,
        fps=arguments.fps,
        width=width,
        height=height,
        stream_fps=arguments.stream_fps,
        detector=str(model.resolve()) if is_file else arguments.model,
        clips=tuple(arguments.clip),
        is_quiet=arguments.quiet,
    )


def _show(result: StreamsResult) -> None:
    document = result.as_json()
    document["machine"] = f"{result.machine.cores} cores, {result.machine.memory_mb} MiB, {result.machine.cpu}"
    print_table(("figure", "value"), [(name, _told(value)) for name, value in document.items()])


def _told(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "not told" if value is None else str(value)


COMMAND = StreamsBench()
