"""What a person does in the Management Client that REST is not known to do (notes §6.4, §2.3; acts of the admin port)."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.milestone.simulator import orders
from connectors.milestone.simulator.config.edits import recorded_devices, related_paths, set_hardware_settings
from connectors.milestone.simulator.site import Site
from connectors.milestone.simulator.web.rest import RestRefused
from connectors.protocols.simulation import Act
from core.errors import UsageError
from core.types import Json


def config_acts(site: Site) -> dict[str, Act]:
    """``set-hardware-settings`` {hardware, settings}, ``relate-devices`` {device, related}, ``record-metadata`` {metadata}."""

    async def set_settings(order: Mapping[str, Json]) -> Json:
        orders.require_known(order, "hardware", "settings")
        hardware_id = orders.text(order, "hardware").lower()
        settings = order.get("settings")
        if hardware_id not in site.hardware or not isinstance(settings, dict):
            raise UsageError("unknown hardware or no settings", remedy='Give {"hardware": id, "settings": {…}}.')
        try:
            set_hardware_settings(site, hardware_id, settings)
        except RestRefused as error:
            raise UsageError(str(error), remedy="The hardware must use the VPS driver.") from error
        return dict(site.hardware[hardware_id].settings)

    async def relate(order: Mapping[str, Json]) -> Json:
        orders.require_known(order, "device", "related")
        device_id = orders.text(order, "device").lower()
        if device_id not in site.cameras_by_id:
            raise UsageError("unknown device", remedy='Give {"device": camera, "related": [{"type", "id"}, …]}.')
        try:
            site.related[device_id] = related_paths(order.get("related"), site)
        except RestRefused as error:
            raise UsageError(str(error), remedy="Relate metadata devices that exist.") from error
        site.changed("clientSettings", device_id)
        return {}

    async def record(order: Mapping[str, Json]) -> Json:
        orders.require_known(order, "metadata")
        named = order.get("metadata")
        paths: list[Json] = [{"type": "metadata", "id": item} for item in named] if isinstance(named, list) else [None]
        try:
            site.recorded = recorded_devices(paths, site)
        except RestRefused as error:
            raise UsageError(str(error), remedy='Give {"metadata": [id, …]}.') from error
        return {}

    return {"set-hardware-settings": set_settings, "relate-devices": relate, "record-metadata": record}
