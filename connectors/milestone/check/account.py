"""The account and what the installation allows it: logins, routes, edition, licences."""

from __future__ import annotations

import re
from typing import Any

from connectors.milestone.access.routes import BOOKMARKS_SINCE, EVENTS_SINCE
from connectors.milestone.check.look import Look
from connectors.milestone.inventory.config_client import ConfigClient, object_id
from core.errors import RequestInvalid, VmsRefused
from core.types import FindingLevel

_KINDS = {"basic": "basic user", "windows": "Windows account", "client": "OAuth client"}
_CORPORATE = "XPCO"
_CORPORATE_NAME = "corporate"
_LICENCE_MENU = "Management Client → Basics → License Information"
_DEVICE_LICENCE = "device"


def look_at_login(look: Look) -> None:
    """The first login of the release: the identity provider's (2021 R1), else SOAP's. Raises ``VmsError``."""
    session, settings = look.session, look.settings
    has_bearer = session.addresses().has_gateway or session.identity_provider() is not None
    (session.bearer if has_bearer else session.corporate).get()
    look.findings.ok(look.url, "login_ok", f"{settings.username} is logged in ({_KINDS[settings.login]})")


def look_at_soap_login(look: Look) -> None:
    """Raises ``VmsError``."""
    look.session.corporate.get()
    look.findings.ok(look.url, "soap_ok", f"the token for recording servers is granted ({look.session.soap_login()})")


def look_at_routes(look: Look) -> None:
    """Which way each part takes, and why. Raises ``VmsError``."""
    for part, route in look.session.routes.described().items():
        code = "route_" + re.sub(r"[^a-z]+", "_", part.lower())
        look.findings.ok(look.url, code, f"{part}: {route}")
    _look_at_beta(look)
    if look.settings.event_route == "rest" and look.publishes("event") and not look.session.routes.has_events_rest():
        look.findings.fail(
            look.url,
            "events_rest_absent",
            "event_route is rest, but this release has no Events REST API (2023 R2 and later)",
            "Remove event_route, or update XProtect.",
        )


def _look_at_beta(look: Look) -> None:
    """Events REST and Alarms REST were a beta until 2024 R2."""
    version, settings = look.session.routes.version(), look.settings
    takes_rest = (look.publishes("event") and settings.event_route == "rest") or (
        look.publishes("alarm") and settings.alarm_route != "soap"
    )
    if takes_rest and EVENTS_SINCE <= version < BOOKMARKS_SINCE:
        look.findings.warn(
            look.url,
            "version_beta_apis",
            "before 2024 R2 the Events and Alarms REST APIs are a beta",
            "Set alarm_route: soap and leave event_route out, or update XProtect to 2024 R2 or later.",
        )


def look_at_edition(look: Look, *, has_soap: bool) -> None:
    """What it lacks of what ``publish`` asks for, and whether devices have licences. Raises ``VmsError``."""
    if has_soap and look.publishes("bookmark"):
        look.findings.step("edition", look.url, lambda: _look_at_bookmarks_of_the_edition(look), FindingLevel.WARNING)
    if look.session.routes.config() == "rest":
        try:
            licences = ConfigClient(look.session).listed("licenseInformations")
        except VmsRefused:
            _leave_licences(look)
            return
        for licence in licences:
            _look_at_product(look, licence)
            _look_at_licences(look, licence)


def _look_at_bookmarks_of_the_edition(look: Look) -> None:
    if look.inventory.server_options().get("Bookmark", "").lower() == "false":
        look.findings.fail(
            look.url,
            "edition_without_bookmarks",
            "this edition of XProtect has no bookmarks",
            "Remove 'bookmark' from 'publish:'.",
        )


def _look_at_product(look: Look, licence: dict[str, Any]) -> None:
    name = str(licence.get("displayName") or licence.get("sku") or "")
    is_corporate = str(licence.get("sku")) == _CORPORATE or _CORPORATE_NAME in name.lower()
    if look.publishes("evidence_lock") and name and not is_corporate:
        look.findings.fail(
            look.url,
            "edition_without_evidence_locks",
            f"{name} has no evidence locks: only XProtect Corporate has",
            "Remove 'evidence_lock' from 'publish:'.",
        )
    else:
        look.findings.ok(look.url, "edition_ok", name or "the edition is not told")


def _look_at_licences(look: Look, licence: dict[str, Any]) -> None:
    rows = _licence_rows(look, object_id(licence))
    devices = [row for row in rows if _DEVICE_LICENCE in str(row.get("licenseType")).lower()]
    if not devices:
        _leave_licences(look)
    for row in devices:
        lacking = [f"{row[key]} {words}" for key, words in _LACKING.items() if str(row.get(key) or "0") != "0"]
        told = f"{row.get('licenseType')}: {row.get('activated')} activated"
        if lacking:
            remedy = f"{_LICENCE_MENU}: activate, or add licences; devices without one deliver nothing."
            look.findings.warn(look.url, "licence_missing", f"{told}, {', '.join(lacking)}", remedy)
        else:
            look.findings.ok(look.url, "licence_ok", told)


_LACKING = {"notLicensed": "without licence", "graceExpired": "with grace period over", "inGrace": "in grace period"}


def _licence_rows(look: Look, licence_id: str) -> list[dict[str, Any]]:
    """The collection's name was another one until 2022 R3."""
    for child in ("licenseDetails", "licenseDetail"):
        try:
            return ConfigClient(look.session).listed(f"licenseInformations/{licence_id}/{child}")
        except RequestInvalid:
            continue
        except VmsRefused:
            break
    return []


def _leave_licences(look: Look) -> None:
    look.findings.ok(
        look.url, "licence_unseen", "licences are not shown to this account", f"Look by hand: {_LICENCE_MENU}."
    )
