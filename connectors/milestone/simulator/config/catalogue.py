"""Objects of Config REST that no other part of the simulator looks at: shapes of the official description, plain content."""

from __future__ import annotations

from typing import TypeAlias

from connectors.milestone.simulator.config.objects import TIME_ZONE, named_object, relations
from connectors.milestone.simulator.devices import DRIVERS, Driver
from connectors.milestone.simulator.site import Site, rest_time, stable_id
from connectors.milestone.simulator.web.rest import JsonObject
from core.types import Json

RECORDING_RULE = stable_id("rule", "recording")
ALL_CAMERAS = stable_id("cameraGroup", "all")

_GATEWAY_SERVICE_TYPE = "e46b7bf9-03ce-44eb-bbdc-8ba16d0aaa80"
_EDITION_CODES = {
    "Essential+": "XPESS",
    "Express+": "XPEXP",
    "Professional+": "XPPRO",
    "Expert": "XPET",
    "Corporate": "XPCO",
}
"""``XPCO`` is in the official description; the other codes are *unverified*."""

Documents: TypeAlias = "dict[str, dict[str, JsonObject]]"
"""Collection → id → object."""


def documents(owner: Site) -> Documents:
    """As on a fresh installation."""
    listed = {
        "storages": [_storage(owner)],
        "cameraGroups": [group("cameraGroups", ALL_CAMERAS, "All cameras", "", owner.created_at)],
        "metadataGroups": [],
        "microphones": [],
        "speakers": [],
        "inputEvents": [],
        "outputs": [],
        "genericEvents": [],
        "rules": [_rule(owner)],
        "timeProfiles": [_time_profile(owner)],
        "roles": [_role(owner, "Administrators", "Adminstrative"), _role(owner, "Operators", "UserDefined")],
        "licenseInformations": [_licence(owner)],
        "toolOptions": [_tool_options()],
        "registeredServices": [_gateway_service(owner)],
    }
    return {name: {str(_self(item)["id"]): item for item in items} for name, items in listed.items()}


def drivers(owner: Site) -> dict[str, JsonObject]:
    """What hardware can be added with, by id."""
    return {key: _driver(owner, driver) for key, driver in DRIVERS.items()}


def recorded(owner: Site) -> list[Json]:
    """What the recording rule covers: all cameras, and the metadata devices that were added to it."""
    metadata: list[Json] = [{"type": kind, "id": key} for kind, key in sorted(owner.recorded)]
    return [{"type": "cameraGroups", "id": ALL_CAMERAS}, *metadata]


def group(collection: str, group_id: str, name: str, description: str, moment: float) -> JsonObject:
    """A group of devices."""
    return {
        **named_object(collection, group_id, name, moment),
        "description": description,
        "builtIn": group_id == ALL_CAMERAS,
    }


def licence_details(owner: Site) -> list[JsonObject]:
    """Every hardware takes one device licence (notes §8.2)."""
    return [
        {
            "displayName": "Device License",
            "pluginId": "00000000-0000-0000-0000-000000000000",
            "licenseType": "Device License",
            "activated": str(len(owner.hardware)),
            "changesWithoutActivation": "0 out of 10",
            "inGrace": 0,
            "graceExpired": "0",
            "notLicensed": "0",
            "note": "",
        }
    ]


def licence_overview(owner: Site) -> list[JsonObject]:
    """The same in one line."""
    return [
        {
            "displayName": "Device License",
            "pluginId": "00000000-0000-0000-0000-000000000000",
            "licenseType": "Device License",
            "activated": f"{len(owner.hardware)} out of 5000",
        }
    ]


def installed_products(owner: Site) -> list[JsonObject]:
    """The product itself."""
    name = _product(owner)
    return [
        {
            "displayName": name,
            "productDisplayName": name,
            "pluginId": "00000000-0000-0000-0000-000000000000",
            "slc": _licence_code(owner),
            "expirationDate": "Unrestricted",
            "carePlus": "Unrestricted",
            "carePremium": "Unrestricted",
        }
    ]


def effective_permissions(user_id: str) -> JsonObject:
    """What the account may do: everything. By which id it is asked for is *unverified*: the account's own."""
    permissions: list[Json] = []
    own = relations("effectivePermissions", user_id)
    return {"id": user_id, "isAdministrator": True, "objectPermissions": permissions, "relations": own}


def registered_service(body: JsonObject, moment: float) -> JsonObject:
    """A service that its maker registered."""
    service_id = str(body["id"])
    shown = named_object("registeredServices", service_id, str(body["name"]), moment)
    defaults: JsonObject = {"description": "", "enabled": True, "customData": "", "uris": [], "endpoints": []}
    return {**shown, **defaults, **body}


def _storage(owner: Site) -> JsonObject:
    return {
        **_named(owner, "storages", owner.storage_id, "Local default", ("recordingServers", owner.recorder_id)),
        "description": "",
        "diskPath": "C:\\MediaDatabase",
        "createdDate": rest_time(owner.created_at),
        "retainMinutes": 10080,
        "maxSize": 1000,
        "isDefault": True,
        "signing": False,
        "encryptionMethod": "None",
    }


def _rule(owner: Site) -> JsonObject:
    """Records all cameras and nothing else. ``startDevices`` is *unverified*: devices are in no description of rules."""
    return {
        **_named(owner, "rules", RECORDING_RULE, "Default recording rule"),
        "enabled": True,
        "description": "",
        "startRuleType": "TimeInterval",
        "stopRuleType": "TimeInterval",
        "always": True,
        "withinTimeProfile": False,
        "outsideTimeProfile": False,
        "timeOfDayBetween": False,
        "daysOfWeek": False,
        "startActions": "StartRecording",
        "stopActions": "StopRecording",
        "startDevices": recorded(owner),
    }


def _time_profile(owner: Site) -> JsonObject:
    return {
        **_named(owner, "timeProfiles", stable_id("timeProfile", "day"), "Day Length Time Profile"),
        "description": "",
        "timeProfileType": "Sunclock",
        "sunclockGPSCoordinate": "N55 00 E08 50",
        "sunclockSunRise": 0,
        "sunclockSunSet": 0,
        "sunclockTimeZone": TIME_ZONE,
    }


def _role(owner: Site, name: str, kind: str) -> JsonObject:
    return {
        **_named(owner, "roles", stable_id("role", name), name),
        "description": "",
        "roleType": kind,
        "dualAuthorizationRequired": False,
        "makeUsersAnonymousDuringPTZSession": False,
        "allowMobileClientLogOn": True,
        "allowSmartClientLogOn": True,
        "allowWebClientLogOn": True,
    }


def _licence(owner: Site) -> JsonObject:
    return {
        "displayName": _product(owner),
        "slc": _licence_code(owner),
        "sku": _EDITION_CODES[owner.edition],
        "careLevel": "Premium",
        "careId": "",
        "activationAutomatic": False,
        "relations": relations("licenseInformations", stable_id("licence", "site")),
    }


def _tool_options() -> JsonObject:
    return {
        "displayName": "Recording Server options",
        "ptzManualSessionTimeoutSec": 15,
        "pausePatrollingTimeoutSec": 600,
        "ptzReservedSessionTimeoutSec": 3600,
        "ptzUseDefaultPresetAsPtzHome": False,
        "deviceErrorTimeoutSec": "0",
        "relations": relations("toolOptions", stable_id("toolOptions", "recorder")),
    }


def _gateway_service(owner: Site) -> JsonObject:
    body: JsonObject = {
        "id": stable_id("registered service", "gateway"),
        "name": "API Gateway",
        "serviceType": _GATEWAY_SERVICE_TYPE,
    }
    return registered_service(body, owner.created_at)


def _driver(owner: Site, driver: Driver) -> JsonObject:
    name = driver.name
    parent = ("recordingServers", owner.recorder_id)
    return {
        "id": driver.driver_id,
        "name": name,
        "displayName": name,
        "groupName": driver.group,
        "number": driver.number,
        "useCount": sum(known.driver == driver for known in owner.hardware.values()),
        "driverVersion": "DevicePack: 13.1a, Device Pack, Build: 13.1a.1",
        "driverRevision": "1.0",
        "driverType": "DevicePack",
        "relations": relations("hardwareDrivers", driver.driver_id, parent),
    }


def _named(
    owner: Site, collection: str, object_id: str, name: str, parent: tuple[str, str] | None = None
) -> JsonObject:
    return named_object(collection, object_id, name, owner.created_at, parent)


def _self(item: JsonObject) -> JsonObject:
    hung = item["relations"]
    assert isinstance(hung, dict)
    own = hung["self"]
    assert isinstance(own, dict)
    return own


def _product(owner: Site) -> str:
    return f"XProtect {owner.edition} {owner.release.name[:4]} {owner.release.name[4:]}"


def _licence_code(owner: Site) -> str:
    year, revision = owner.release.number
    return f"M01-C01-{year}{revision}-01-000000"
