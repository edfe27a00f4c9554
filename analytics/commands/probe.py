"""``vigie probe SITE.yaml``: whether each camera's stream is fit to be analysed, and what to change where it is not."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from analytics.probe.figures import figures_of
from analytics.probe.report import CameraReport, page
from analytics.probe.stream import sample
from analytics.probe.texts import label, words_of
from analytics.probe.verdict import Remark, person_height_px, remarks_on
from config.load import load_site
from config.model import CameraSettings, SiteSettings
from core import registry
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.cli.parsing import positive
from core.contracts import Clock, VmsConnector
from core.errors import UsageError, VigieError
from core.redaction import redact
from core.services import services_for
from core.types import HealthLevel

_AT_A_TIME = 4
"""Streams that are open together: enough to be quick, few enough to disturb nothing."""


class ProbeCommand:
    """Opens the streams as the service would, changes nothing in the VMS."""

    name = "probe"
    help = "look at every camera's stream and say whether it is fit to be analysed"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file")
        parser.add_argument("--seconds", type=positive, default=10.0, help="of each stream (default: %(default)g)")
        parser.add_argument(
            "--html", type=Path, metavar="FILE", help="also write the report as a page, in the site's language"
        )
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        logging.getLogger("libav").setLevel(logging.CRITICAL)
        reports = probe(site, arguments.site, arguments.seconds)
        if arguments.html:
            _write(arguments.html, site, reports, arguments.seconds)
        if arguments.json:
            print_json({"cameras": [report.as_json(site.site.language) for report in reports]})
        else:
            _show(reports, site)
        return 1 if any(report.level is HealthLevel.RED for report in reports) else 0


def probe(site: SiteSettings, site_path: Path, seconds: float) -> list[CameraReport]:
    """Looks at every enabled camera, some at a time, and reports in the order of the site file."""
    cameras = [camera for camera in site.cameras if camera.enabled]
    services = services_for(site_path)
    with ExitStack() as stack:
        connectors: dict[str, VmsConnector] = {}
        for vms in (site.vms_of(camera) for camera in cameras):
            if vms.id not in connectors:
                connectors[vms.id] = stack.enter_context(closing(registry.connector(vms.type)(vms, services)))

        def look(camera: CameraSettings) -> CameraReport:
            return _probe_one(camera, site, connectors[camera.vms], services.clock, seconds)

        with remarks().status(f"probing {len(cameras)} cameras"), ThreadPoolExecutor(_AT_A_TIME, "probe") as pool:
            return list(pool.map(look, cameras))


def _probe_one(
    camera: CameraSettings, site: SiteSettings, connector: VmsConnector, clock: Clock, seconds: float
) -> CameraReport:
    make = partial(CameraReport, camera_id=camera.id, name=camera.name or camera.id)
    analysis = site.analysis_of(camera)
    try:
        taken = sample(connector.open_video(camera), clock, seconds)
    except VigieError as error:
        return make(figures=None, remarks=[_failed(error)])
    figures = figures_of(taken)
    failures = [_failed(taken.failure)] if taken.failure else []
    return make(
        figures=figures,
        remarks=[*failures, *remarks_on(figures, analysis)],
        person_px=person_height_px(figures, analysis),
    )


def _failed(error: VigieError) -> Remark:
    values = {"message": redact(str(error)), "remedy": error.remedy}
    return Remark(level=HealthLevel.RED, code="failed", values=values)


def _write(path: Path, site: SiteSettings, reports: Sequence[CameraReport], seconds: float) -> None:
    language = site.site.language
    at = f"{datetime.now(ZoneInfo(site.site.timezone)):%Y-%m-%d %H:%M}"
    told = label("probed", language).format(at=at, seconds=seconds)
    try:
        path.write_text(page(site.site.name, told, reports, language), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", remedy="Name another file.") from error


def _show(reports: Sequence[CameraReport], site: SiteSettings) -> None:
    language = site.site.language
    rows: list[tuple[str, ...]] = []
    for report in reports:
        cells = report.cells()
        rows.append((report.level.value, report.camera_id, cells["size"], cells["rate"], cells["codec"], ""))
        rows += [
            (remark.level.value, report.camera_id, "", "", words.message, words.remedy)
            for remark in report.remarks
            for words in (words_of(remark, language),)
        ]
    print_table(("level", "camera", "size", "pictures/s", "finding", "remedy"), rows)
    counts = [f"{sum(report.level is level for report in reports)} {level.value}" for level in HealthLevel]
    remarks().print(", ".join(counts), style="dim")


COMMAND = ProbeCommand()
