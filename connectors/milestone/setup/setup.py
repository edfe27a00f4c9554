"""Sets up one XProtect system for the site file. What is there stays as it is, so that it may be run at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from config.model import CameraSettings
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.config_client import ConfigClient
from connectors.milestone.inventory.inventory import Inventory, canonical_id
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.setup.events import EventSetup
from connectors.milestone.setup.vps import VpsSetup
from connectors.protocols.worklist import Item, Outcome, Worklist
from core.contracts import ConnectorServices
from core.errors import NotFoundInVms, VmsError


def set_up(
    settings: MilestoneSettings,
    services: ConnectorServices,
    cameras: Sequence[CameraSettings],
    *,
    is_dry_run: bool,
    say: Callable[[str], None] = lambda _text: None,
) -> list[Item]:
    """Every thing that this VMS needs, and what became of it. ``say`` hears of progress. Never raises ``VmsError``."""
    with closing(XProtectSession(settings, services)) as session:
        try:
            has_gateway = session.routes.config() == "rest"
            if has_gateway:
                session.bearer.get()
        except VmsError as error:
            return [Item(vms=settings.id, what="log in", outcome=Outcome.FAILED, details=error.line())]
        work = Worklist(settings.id, can_make=has_gateway, is_dry_run=is_dry_run)
        client = ConfigClient(session)
        inventory = Inventory(session, services.clock)
        usable = [camera for camera in cameras if _is_usable(camera, client if has_gateway else None, work)]
        EventSetup(settings, client, work).run(usable)
        if settings.video == "vps":
            address = session.addresses().plain_server
            VpsSetup(settings, client, inventory, work, address, say).run(usable)
        return work.items


def _is_usable(camera: CameraSettings, client: ConfigClient | None, work: Worklist) -> bool:
    """Whether its id is one, and XProtect has it as far as it can be asked; else that is noted."""
    try:
        device = canonical_id(camera.device)
        if client is not None:
            client.one(f"cameras/{device}")
    except NotFoundInVms as error:
        work.add(f"camera {camera.id}", Outcome.FAILED, f"{error}. Run 'vigie check'.")
    except VmsError as error:
        work.add(f"camera {camera.id}", Outcome.FAILED, error.line())
    else:
        return True
    return False
