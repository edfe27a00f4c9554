"""Sets up one Security Center for the site file. What is there stays as it is, so that it may be run at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from config.model import CameraSettings
from connectors.genetec.access.credentials import credentials_of
from connectors.genetec.access.websdk import WebSdk
from connectors.genetec.inventory.inventory import Inventory, camera_guid
from connectors.genetec.settings import GenetecSettings
from connectors.genetec.setup.alarms import AlarmSetup
from connectors.genetec.setup.events import EventSetup
from connectors.protocols.http import HttpSession
from connectors.protocols.worklist import Item, Outcome, Worklist
from core.contracts import ConnectorServices
from core.errors import NotFoundInVms, VmsError


def set_up(
    settings: GenetecSettings,
    services: ConnectorServices,
    cameras: Sequence[CameraSettings],
    *,
    is_dry_run: bool,
    say: Callable[[str], None] = lambda _text: None,
) -> list[Item]:
    """Every thing that this VMS needs, and what became of it. ``say`` hears of progress. Never raises ``VmsError``."""
    session = HttpSession(ca=settings.ca_file(services.site_dir), timeout_s=settings.timeout_s)
    with closing(session):
        sdk = WebSdk(settings.url, session, credentials_of(settings, services))
        work = Worklist(settings.id, is_dry_run=is_dry_run, looks_again=True)
        try:
            sdk.ping()
            usable = _usable(cameras, Inventory(sdk), work)
        except VmsError as error:
            return [Item(vms=settings.id, what="log on", outcome=Outcome.FAILED, details=error.line())]
        say("custom events")
        EventSetup(settings, sdk, work).run()
        say("alarm and event-to-actions")
        AlarmSetup(settings, sdk, work).run(usable)
        return work.items


def _usable(cameras: Sequence[CameraSettings], inventory: Inventory, work: Worklist) -> list[CameraSettings]:
    """Those that Security Center shows to this account; the others are noted."""
    named: dict[str, CameraSettings] = {}
    for camera in cameras:
        try:
            named[camera_guid(camera)] = camera
        except NotFoundInVms as error:
            work.add(f"camera {camera.id}", Outcome.FAILED, error.line())
    known = inventory.described(list(named), ("Guid",))
    for guid in named.keys() - known.keys():
        message = f"Security Center does not show {guid} to this account. Run 'vigie check'."
        work.add(f"camera {named[guid].id}", Outcome.FAILED, message)
    return [camera for guid, camera in named.items() if guid in known]
