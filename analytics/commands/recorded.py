"""``vigie recorded SITE.yaml CAMERA --from ISO --to ISO``: what the rules say of what the VMS recorded."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analytics.commands.options import rule_kinds
from analytics.commands.showing import names_of, progress_bar, subject_of
from analytics.replay import Replay
from config.load import load_rules, load_site
from config.model import CameraSettings, RuleSettings, SiteSettings, State
from core import registry
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.clock import iso_utc
from core.contracts import Capability, VideoSource, VmsConnector
from core.errors import UsageError, VmsError
from core.services import services_for
from core.types import Alert, UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From when to when, in capture time."""

    begin: UtcSeconds
    end: UtcSeconds


@dataclass(slots=True, kw_only=True)
class Report:
    """What a replay found. ``failure``: why it ended before the interval did."""

    camera: CameraSettings
    interval: Interval
    replay: Replay
    alerts: list[Alert] = field(default_factory=list)
    failure: VmsError | None = None
    wall_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The document that ``--json`` prints."""
        return {
            "camera": self.camera.id,
            "from": iso_utc(self.interval.begin),
            "to": iso_utc(self.interval.end),
            "recorded_s": round(self.replay.recorded_s, 3),
            "gaps": self.replay.gaps,
            "frames_analysed": self.replay.frames_analysed,
            "corrupt": self.replay.corrupt,
            "alerts": [_as_json(alert) for alert in self.alerts],
            "counts": [{"rule": rule, **figures} for rule, figures in self.replay.figures.items()],
            "failure": self.failure.line() if self.failure else None,
            "wall_s": round(self.wall_s, 3),
        }


def replay_recording(
    site: SiteSettings,
    camera: CameraSettings,
    rules: Sequence[RuleSettings],
    interval: Interval,
    open_recording: Callable[[Interval], VideoSource],
) -> Report:
    """Analyses what is recorded of the interval. A VMS that fails underway is told in the report.

    A recording that breaks off is opened again where it broke, unless nothing came since it was opened.

    Raises:
        CodecError: there is no decoder of the recording's codec.
        ModelError: the detector cannot be used.
    """
    started = time.monotonic()
    replay = Replay(camera, site, [rule for rule in rules if rule.state is not State.OFF])
    report = Report(camera=camera, interval=interval, replay=replay)
    with progress_bar() as progress:
        task = progress.add_task(camera.name or camera.id, total=interval.end - interval.begin)
        part: Interval | None = interval
        while part is not None:
            report.failure = None
            with closing(open_recording(part)) as source:
                try:
                    for captured_at, verdict in replay.verdicts(source.packets(), part.begin):
                        report.alerts += verdict.alerts
                        progress.update(task, completed=captured_at - interval.begin)
                except VmsError as error:
                    report.failure = error
            part = _rest(part, report)
    report.wall_s = time.monotonic() - started
    return report


class RecordedCommand:
    """Tries rules on what happened, without waiting for it to happen again. Writes nothing to the VMS."""

    name = "recorded"
    help = "run a camera's rules over what the VMS recorded of it"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        when = "ISO 8601; without an offset it is the site's own time"
        parser.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file")
        parser.add_argument("camera", metavar="CAMERA", help="the camera's id in the site file")
        parser.add_argument("--from", dest="begin", required=True, metavar="TIME", help=f"where to begin, {when}")
        parser.add_argument("--to", dest="end", required=True, metavar="TIME", help="where to end, likewise")
        parser.add_argument(
            "--rules", type=Path, metavar="FILE", help="other rules than the camera's: YAML with 'rules:'"
        )
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        camera = _camera(site, arguments.camera)
        zone = ZoneInfo(site.site.timezone)
        interval = _interval(arguments.begin, arguments.end, zone)
        rules = load_rules(arguments.rules, rule_kinds()) if arguments.rules else camera.rules
        vms = site.vms_of(camera)
        with closing(registry.connector(vms.type)(vms, services_for(arguments.site))) as connector:
            _require_recordings(connector, vms.type)
            report = replay_recording(
                site, camera, rules, interval, lambda part: connector.open_recording(camera, part.begin, part.end)
            )
        if arguments.json:
            print_json(report.as_json())
        else:
            _show(report, zone)
        if report.failure:
            raise report.failure
        return 1 if report.replay.defects or not report.replay.frames_analysed else 0


COMMAND = RecordedCommand()


def _rest(part: Interval, report: Report) -> Interval | None:
    """What is left of a part that broke off; None where it did not, or trying again would not help."""
    reached = report.replay.analysed_until
    if report.failure is None or not report.failure.recovers or reached is None or reached <= part.begin:
        return None
    return Interval(begin=reached, end=part.end)


def _camera(site: SiteSettings, camera_id: str) -> CameraSettings:
    camera = site.camera(camera_id)
    if camera is None:
        known = ", ".join(camera.id for camera in site.cameras) or "none"
        raise UsageError(f"the site file has no camera {camera_id!r}", remedy=f"Its cameras: {known}.")
    return camera


def _interval(begin: str, end: str, zone: ZoneInfo) -> Interval:
    interval = Interval(begin=_moment(begin, zone, "--from"), end=_moment(end, zone, "--to"))
    if interval.end <= interval.begin:
        raise UsageError(f"--to {end} is not after --from {begin}")
    return interval


def _moment(text: str, zone: ZoneInfo, option: str) -> UtcSeconds:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r} is no time", remedy="Write it like 2026-11-20T10:15:30 or 2026-11-20T10:15:30.5Z."
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _require_recordings(connector: VmsConnector, kind: str) -> None:
    if Capability.RECORDINGS not in connector.capabilities:
        raise UsageError(
            f"Vigie plays no recordings of a VMS of type {kind}",
            remedy="Export the recording as a file, and use 'vigie analyse'.",
        )


def _as_json(alert: Alert) -> dict[str, Any]:
    return {
        "rule": alert.rule_id,
        "type": alert.rule_type,
        "captured_at": iso_utc(alert.captured_at),
        "started_at": iso_utc(alert.started_at),
        **subject_of(alert),
    }


def _show(report: Report, zone: ZoneInfo) -> None:
    rows = [
        (_clock(alert.captured_at, zone), alert.rule_name, alert.rule_type, names_of(alert)) for alert in report.alerts
    ]
    print_table(("time", "rule", "type", "objects"), rows)
    console, replay = remarks(), report.replay
    for rule, figures in replay.figures.items():
        console.print(f"{rule}: {', '.join(f'{name} {value}' for name, value in figures.items())}")
    if not (replay.frames_analysed or replay.corrupt or report.failure):
        console.print("nothing is recorded in that interval")
        return
    console.print(
        f"{len(rows)} alerts in {replay.recorded_s:.1f} s of recording with {replay.gaps} gaps;"
        f" {replay.frames_analysed} pictures analysed in {report.wall_s:.1f} s"
    )
    if replay.corrupt:
        console.print(f"{replay.corrupt} damaged packets or pictures were left out")
    if replay.defects:
        console.print(f"{replay.defects} defects of rules or detectors: see the log")


def _clock(moment: UtcSeconds, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(round(moment, 3), zone).isoformat(timespec="milliseconds")
