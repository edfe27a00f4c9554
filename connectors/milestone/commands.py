"""``vigie milestone …``: what is done to an XProtect system apart from running."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from config.load import load_site
from config.model import SiteSettings
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.setup import Item, set_up
from core import registry
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.errors import UsageError
from core.services import services_for


class MilestoneCommand:
    """So far, setting up."""

    name = "milestone"
    help = "set up an XProtect system for a site file"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        setup = actions.add_parser(
            "setup", help="make in XProtect what the site file needs and REST can make; say what is left by hand"
        )
        setup.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file")
        setup.add_argument("--vms", metavar="ID", help="only this VMS (default: every XProtect of the site file)")
        setup.add_argument("--dry-run", action="store_true", help="change nothing: only say what would be done")
        add_json_flag(setup)

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        items: list[Item] = []
        with remarks().status("setting up") as status:
            for vms in _chosen(site, arguments.vms):
                cameras = [camera for camera in site.cameras if camera.vms == vms.id and camera.enabled]
                services = services_for(arguments.site)
                items += set_up(vms, services, cameras, is_dry_run=arguments.dry_run, say=status.update)
        is_settled = all(item.outcome.is_settled for item in items)
        if arguments.json:
            print_json({"items": [asdict(item) for item in items], "ok": is_settled})
        else:
            _show(items, is_settled=is_settled)
        return 0 if is_settled else 1


COMMAND = MilestoneCommand()


def _chosen(site: SiteSettings, vms_id: str | None) -> list[MilestoneSettings]:
    known = [vms for vms in site.vms if isinstance(vms, MilestoneSettings)]
    chosen = [vms for vms in known if vms_id in {None, vms.id}]
    if not chosen:
        ids = ", ".join(vms.id for vms in known) or "none"
        raise UsageError(f"the site file has no XProtect {vms_id or 'system'!r}", remedy=f"It has: {ids}.")
    return chosen


def _show(items: Sequence[Item], *, is_settled: bool) -> None:
    print_table(
        ("vms", "what", "outcome", "details"),
        [(item.vms, item.what, item.outcome.value, item.details) for item in items],
    )
    remarks().print(
        "Now run 'vigie check SITE.yaml': it also looks at what no API can make."
        if is_settled
        else "Do what is left by hand, run this again, then 'vigie check SITE.yaml'.",
        style="dim",
    )
