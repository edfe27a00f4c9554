"""Looks at an XProtect system with the account given, and says what is wrong and where to mend it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from urllib.parse import urlsplit

from config.model import CameraSettings
from connectors.milestone.alarms import AlarmPublisher
from connectors.milestone.bookmarks import REST_SINCE, BookmarkPublisher
from connectors.milestone.discovery import Addresses, Version
from connectors.milestone.events import OPTIONS_MENU
from connectors.milestone.inventory import Inventory, canonical_id
from connectors.milestone.recorder import RecorderDialer, dial, tls_context
from connectors.milestone.session import XProtectSession
from connectors.milestone.settings import MilestoneSettings
from core.contracts import ConnectorServices
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Finding, FindingLevel, VmsCamera

_ALARMS_SINCE: Version = (23, 2)
_MAX_DRIFT_S = 2.0
_HTTP_DATE_STEP_S = 1.0
_EXPIRY_WARNING_DAYS = 30
_DAY_S = 86400.0
_NEAR_NAMES = 3

_OUTCOMES: tuple[tuple[type[VmsError], str], ...] = (
    (AuthenticationRefused, "refused"),
    (NotFoundInVms, "not_found"),
    (RequestInvalid, "invalid"),
    (VmsRefused, "not_allowed"),
    (VmsUnavailable, "unavailable"),
    (ProtocolViolation, "unexpected"),
)
_CERTIFICATE_CODES = {10: "certificate_expired", 62: "certificate_name", 64: "certificate_name"}
"""OpenSSL's verification errors: expired, host name mismatch, address mismatch."""


class Check:
    """One look. Codes are ``<step>_<outcome>``, listed in ``docs/xprotect.md``."""

    def __init__(
        self,
        settings: MilestoneSettings,
        services: ConnectorServices,
        session: XProtectSession,
        inventory: Inventory,
        dialer: RecorderDialer,
    ) -> None:
        self._settings = settings
        self._services = services
        self._session = session
        self._inventory = inventory
        self._dialer = dialer
        self._findings: list[Finding] = []

    def run(self, cameras: Sequence[CameraSettings]) -> list[Finding]:
        """Every finding, in the order of looking; a step that needs one that failed is left out."""
        steps = (("network", self._server), ("gateway", self._gateway), ("login", self._login))
        if all(self._step(name, self._settings.url, action) for name, action in steps):
            has_soap = self._step("soap", self._settings.url, self._soap_login)
            self._step("cameras", self._settings.url, lambda: self._cameras(cameras, has_soap=has_soap))
            if "alarm" in self._settings.publish:
                self._step("alarms", self._settings.url, self._alarms)
            if "event" in self._settings.publish:
                self._step("analytics_event", self._settings.event_name, self._analytics_event)
        if "event" in self._settings.publish:
            host, port = self._settings.event_server_address
            self._step("event_server", f"{host}:{port}", self._event_server)
        return self._findings

    def _step(self, name: str, subject: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except VmsError as error:
            self._add(FindingLevel.FAILURE, subject, _code(name, error), str(error), error.remedy)
            return False
        return True

    def _add(self, level: FindingLevel, subject: str, code: str, message: str, remedy: str = "") -> None:
        self._findings.append(Finding(level=level, subject=subject, code=code, message=message, remedy=remedy))

    def _ok(self, subject: str, code: str, message: str) -> None:
        self._add(FindingLevel.OK, subject, code, message)

    def _server(self) -> None:
        parts = urlsplit(self._settings.url)
        has_tls = parts.scheme == "https"
        tls = tls_context(self._settings.ca_file(self._services.site_dir)) if has_tls else None
        with dial(parts.hostname or "", parts.port or (443 if has_tls else 80), tls, self._settings.timeout_s) as link:
            self._ok(self._settings.url, "network_ok", "the management server answers")
            if isinstance(link, ssl.SSLSocket):
                self._expiry(link)
            else:
                self._add(
                    FindingLevel.WARNING,
                    self._settings.url,
                    "network_not_encrypted",
                    "passwords, tokens and alarms travel in clear",
                    "Enable encryption in Server Configurator, write https:// and remove allow_http.",
                )

    def _expiry(self, link: ssl.SSLSocket) -> None:
        certificate = link.getpeercert() or {}
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        days = (ends - self._services.clock.utc()) / _DAY_S
        if days < _EXPIRY_WARNING_DAYS:
            self._add(
                FindingLevel.WARNING,
                self._settings.url,
                "certificate_expires_soon",
                f"the management server's certificate ends in {max(0, int(days))} days",
                "Renew it and select the new one in Server Configurator → Encryption.",
            )
        else:
            self._ok(self._settings.url, "certificate_ok", "the certificate verifies")

    def _gateway(self) -> None:
        before = self._services.clock.utc()
        addresses = self._session.rediscover()
        now = (before + self._services.clock.utc()) / 2
        if not addresses.has_gateway:
            raise NotFoundInVms(
                f"{self._settings.url} has no API Gateway",
                remedy="Install the API Gateway (part of every XProtect since 2023 R3), or correct 'url'.",
            )
        self._ok(self._settings.url, "gateway_ok", f"XProtect {addresses.product_version}, API Gateway present")
        self._drift(addresses.server_date, now)
        self._version(addresses)

    def _drift(self, server_date: float | None, now: float) -> None:
        if server_date is None:
            return
        drift = server_date + _HTTP_DATE_STEP_S / 2 - now
        if abs(drift) > _MAX_DRIFT_S:
            side = "ahead of" if drift > 0 else "behind"
            self._add(
                FindingLevel.WARNING,
                self._settings.url,
                "clock_drift",
                f"the management server's clock is {abs(drift):.1f} s {side} this machine's",
                "Give the VMS servers and this machine the same NTP time source.",
            )
        else:
            self._ok(self._settings.url, "clock_ok", "clocks agree to the second")

    def _version(self, addresses: Addresses) -> None:
        if "alarm" in self._settings.publish and addresses.is_before(_ALARMS_SINCE):
            self._add(
                FindingLevel.FAILURE,
                self._settings.url,
                "version_too_old",
                "this XProtect has no Alarms REST API (2023 R2 and later)",
                "Remove alarm from 'publish:' and make an alarm definition on the analytics event instead.",
            )
        elif addresses.is_before(REST_SINCE):
            self._add(
                FindingLevel.WARNING,
                self._settings.url,
                "version_beta_apis",
                "before 2024 R2 the Alarms API is a beta and bookmarks are made through SOAP",
                "Update XProtect to 2024 R2 or later.",
            )

    def _login(self) -> None:
        self._session.bearer.get()
        self._ok(self._settings.url, "login_ok", f"{self._settings.username} is logged in")

    def _soap_login(self) -> None:
        self._session.corporate.get()
        self._ok(self._settings.url, "soap_ok", "the token for recording servers is granted")

    def _cameras(self, cameras: Sequence[CameraSettings], *, has_soap: bool) -> None:
        known = {camera.device.lower(): camera for camera in self._inventory.cameras()}
        self._ok(self._settings.url, "cameras_ok", f"XProtect shows {len(known)} cameras to this account")
        usable = [camera for camera in cameras if self._camera(camera, known)]
        if has_soap:
            self._recorders(usable)
            if usable and "bookmark" in self._settings.publish:
                self._step("bookmarks", usable[0].id, partial(self._bookmarks, usable[0]))

    def _camera(self, camera: CameraSettings, known: dict[str, VmsCamera]) -> bool:
        try:
            found = known.get(canonical_id(camera.device))
        except NotFoundInVms:
            found = None
        if found is None:
            message = f"XProtect shows no camera {camera.device} to this account"
            self._add(FindingLevel.FAILURE, camera.id, "camera_unknown", message, _near(camera, known))
            return False
        if not found.is_enabled:
            self._add(
                FindingLevel.FAILURE,
                camera.id,
                "camera_disabled",
                f"{found.name} or its hardware is disabled",
                "Management Client → Recording Servers → the camera → Enabled.",
            )
            return False
        self._ok(camera.id, "camera_ok", f"{found.name} is known and enabled")
        return True

    def _recorders(self, cameras: Sequence[CameraSettings]) -> None:
        """One camera of each recording server stands for the others."""
        seen: set[str] = set()
        for camera in cameras:
            self._inventory.forget(camera.device)
            self._step("recorder", camera.id, partial(self._recorder, camera, seen))

    def _recorder(self, camera: CameraSettings, seen: set[str]) -> None:
        recorder = self._inventory.camera(camera.device).recorder
        if recorder.recorder_id in seen:
            return
        seen.add(recorder.recorder_id)
        connection = self._dialer.dial(camera)
        try:
            connection.connect(self._session.corporate.get())
        finally:
            connection.close()
        self._ok(recorder.name, "recorder_ok", f"{recorder.host}:{recorder.port} gives the video of {camera.id}")

    def _bookmarks(self, camera: CameraSettings) -> None:
        """Only the search: a bookmark made would stay."""
        BookmarkPublisher(self._session, self._settings).look(camera, self._services.clock.utc())
        self._ok(camera.id, "bookmarks_ok", "this account may search bookmarks, as it must after a lost answer")

    def _alarms(self) -> None:
        """Only the list: an alarm made would stay."""
        if self._session.addresses().is_before(_ALARMS_SINCE):
            return  # told already
        AlarmPublisher(self._session).look()
        self._ok(self._settings.url, "alarms_ok", "this account may list alarms, as it must after a lost answer")

    def _event_server(self) -> None:
        """Only a TCP connection: a post would make an event."""
        host, port = self._settings.event_server_address
        try:
            dial(host, port, None, self._settings.timeout_s).close()
        except VmsUnavailable as error:
            remedy = error.remedy if isinstance(error.__cause__, socket.gaierror) else _EVENT_SERVER_REMEDY
            raise VmsUnavailable(str(error), remedy=remedy) from error.__cause__
        self._ok(f"{host}:{port}", "event_server_ok", "the event server listens for analytics events")

    def _analytics_event(self) -> None:
        name = self._settings.event_name
        try:
            names = self._inventory.analytics_events()
        except VmsRefused as error:
            self._add(
                FindingLevel.WARNING,
                name,
                "analytics_event_unverified",
                f"this account may not list analytics events: {error}",
                f"See that {name!r} is in Management Client → Rules and Events → Analytics Events.",
            )
            return
        if name not in names:
            raise NotFoundInVms(
                f"XProtect has no analytics event {name!r}",
                remedy=f"Management Client → Rules and Events → Analytics Events: add one named {name!r}, and save.",
            )
        self._ok(name, "analytics_event_ok", f"the analytics event {name!r} exists")


_EVENT_SERVER_REMEDY = (
    f"{OPTIONS_MENU}: tick Enabled, note the port (9090), allow this machine's address; open the firewall."
)


def _near(camera: CameraSettings, known: dict[str, VmsCamera]) -> str:
    """Cameras of nearly the same name, else a few for the shape of their ids."""
    if not known:
        return "Management Client → Security → Roles → Device: allow this account View live on the cameras."
    by_name = {item.name.lower(): item for item in known.values()}
    near = get_close_matches((camera.name or camera.id).lower(), by_name, n=_NEAR_NAMES, cutoff=0.5)
    lead = "Cameras of a near name" if near else "It shows for example"
    listed = "; ".join(
        f"{by_name[name].name} = {by_name[name].device}" for name in near or sorted(by_name)[:_NEAR_NAMES]
    )
    return f"{lead}: {listed}. Management Client shows a camera's id on Ctrl+click."


def _code(step: str, error: VmsError) -> str:
    cause = error.__cause__
    if isinstance(error, CertificateRejected):
        number = cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else 0
        return _CERTIFICATE_CODES.get(number, "certificate_untrusted")
    if isinstance(cause, socket.gaierror):
        return "address_unknown"
    return f"{step}_{next(name for kind, name in _OUTCOMES if isinstance(error, kind))}"
