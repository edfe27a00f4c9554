"""``vigie <family> setup``: what is the same whichever VMS is set up."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from config.load import load_site
from config.model import CameraSettings, SiteSettings, VmsSettings
from connectors.protocols.worklist import Item
from core import registry
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.contracts import ConnectorServices
from core.errors import UsageError
from core.services import services_for

_Settings = TypeVar("_Settings", bound=VmsSettings)
_Accepted_contra = TypeVar("_Accepted_contra", bound=VmsSettings, contravariant=True)


class SetUp(Protocol[_Accepted_contra]):
    """Makes in one VMS what the settings need; says how far it is on the way."""

    def __call__(
        self,
        settings: _Accepted_contra,
        services: ConnectorServices,
        cameras: Sequence[CameraSettings],
        *,
        is_dry_run: bool,
        say: Callable[[str], None],
    ) -> list[Item]: ...


class SetupCommand(Generic[_Settings]):
    """The command of one family; so far, setting up."""

    def __init__(
        self, name: str, *, product: str, interface: str, settings: type[_Settings], set_up: SetUp[_Settings]
    ) -> None:
        """``interface`` is what things are made by, for the help."""
        self.name = name
        self.help = f"set up {product} for a site file"
        self._product = product
        self._interface = interface
        self._settings = settings
        self._set_up = set_up

    def configure(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        setup = actions.add_parser(
            "setup",
            help=f"make in {self._product} what the site file needs and {self._interface} can make; say the rest",
        )
        setup.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file")
        setup.add_argument("--vms", metavar="ID", help=f"only this VMS (default: every {self._product})")
        setup.add_argument("--dry-run", action="store_true", help="change nothing: only say what would be done")
        add_json_flag(setup)

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        items: list[Item] = []
        with remarks().status("setting up") as status:
            for vms in self._chosen(site, arguments.vms):
                cameras = [camera for camera in site.cameras if camera.vms == vms.id and camera.enabled]
                services = services_for(arguments.site)
                items += self._set_up(vms, services, cameras, is_dry_run=arguments.dry_run, say=status.update)
        is_settled = all(item.outcome.is_settled for item in items)
        if arguments.json:
            print_json({"items": [asdict(item) for item in items], "ok": is_settled})
        else:
            _show(items, is_settled=is_settled)
        return 0 if is_settled else 1

    def _chosen(self, site: SiteSettings, vms_id: str | None) -> list[_Settings]:
        known = [vms for vms in site.vms if isinstance(vms, self._settings)]
        chosen = [vms for vms in known if vms_id in {None, vms.id}]
        if not chosen:
            ids = ", ".join(vms.id for vms in known) or "none"
            raise UsageError(f"the site file has no {self._product} {vms_id or 'at all'!r}", remedy=f"It has: {ids}.")
        return chosen


def _show(items: Sequence[Item], *, is_settled: bool) -> None:
    print_table(
        ("vms", "what", "outcome", "details"),
        [(item.vms, item.what, item.outcome.value, item.details) for item in items],
    )
    remarks().print(
        "Now run 'vigie check SITE.yaml': it also looks at what no interface can make."
        if is_settled
        else "Do what is left by hand, run this again, then 'vigie check SITE.yaml'.",
        style="dim",
    )
