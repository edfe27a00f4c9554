"""Which camera, which rule, since when: what commands about stored alerts have in common."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

from config.model import SiteSettings
from core.errors import UsageError
from core.types import UtcSeconds


class Selection(TypedDict):
    """As ``core.qualification.record`` takes it."""

    camera_id: str | None
    rule_id: str | None
    since: UtcSeconds | None


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Adds ``--camera``, ``--rule`` and ``--since``."""
    parser.add_argument("--camera", metavar="ID", help="only this camera")
    parser.add_argument("--rule", metavar="ID", help="only rules of this id")
    parser.add_argument(
        "--since",
        metavar="TIME",
        help="only what was captured since then: ISO 8601, on the site's clock without offset",
    )


def selected(site: SiteSettings, arguments: argparse.Namespace) -> Selection:
    """What was asked for. Raises ``UsageError`` where the site has no such camera or rule."""
    cameras = {camera.id: camera for camera in site.cameras}
    if arguments.camera is not None and arguments.camera not in cameras:
        raise UsageError(
            f"the site has no camera {arguments.camera!r}", remedy=f"Its cameras: {', '.join(cameras) or 'none'}."
        )
    among = site.cameras if arguments.camera is None else (cameras[arguments.camera],)
    rules = sorted({rule.id for camera in among for rule in camera.rules if rule.fires})
    if arguments.rule is not None and arguments.rule not in rules:
        raise UsageError(
            f"there is no rule {arguments.rule!r} that raises alerts", remedy=f"Rules: {', '.join(rules) or 'none'}."
        )
    since = None if arguments.since is None else _moment(arguments.since, ZoneInfo(site.site.timezone))
    return Selection(camera_id=arguments.camera, rule_id=arguments.rule, since=since)


def _moment(text: str, zone: ZoneInfo) -> UtcSeconds:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--since: {text!r} is not a time", remedy="Write it as 2026-11-20T22:00, or with an offset."
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
