"""The device management service: who the bridge is, what it has, what time it is (SPEC:Core "Device management")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from connectors.onvif.simulator.camera.login import Login
from connectors.onvif.simulator.camera.services import Service
from connectors.onvif.simulator.camera.site import MAC, MODEL, Site, stable_id
from connectors.onvif.simulator.camera.soap import NAMESPACES, Element, SoapFault, SoapRequest, element

PATH: Final = "/onvif/device_service"
"""Fixed (SPEC:Core "Services overview")."""

_MANUFACTURER: Final = "Vigie"
_FIRMWARE: Final = "1.0"
_CATEGORIES: Final = {"Device": "tds", "Events": "tev", "Media": "trt"}
"""Those of ``GetCapabilities`` that this bridge has, with the prefix of the service."""


class DeviceService:
    """Its operations. ``others`` gives the remaining services of the bridge."""

    def __init__(self, site: Site, login: Login, others: Callable[[], Sequence[Service]]) -> None:
        self._site = site
        self._login = login
        self._others = others

    def service(self) -> Service:
        """For the web port."""
        return Service(
            prefix="tds",
            path=PATH,
            version=(26, 6),
            capabilities=self._capabilities,
            operations={
                "GetSystemDateAndTime": self._date_and_time,
                "GetServices": self._services,
                "GetCapabilities": self._old_capabilities,
                "GetServiceCapabilities": self._service_capabilities,
                "GetDeviceInformation": self._information,
                "GetScopes": self._scopes,
                "GetHostname": self._hostname,
                "GetNetworkInterfaces": self._interfaces,
                "GetNetworkProtocols": self._protocols,
            },
        )

    def _all(self) -> Sequence[Service]:
        return (self.service(), *self._others())

    def _date_and_time(self, _request: SoapRequest) -> Element:
        now = datetime.fromtimestamp(self._site.clock.utc(), UTC)
        time = [element(f"tt:{unit.capitalize()}", str(getattr(now, unit))) for unit in ("hour", "minute", "second")]
        date = [element(f"tt:{unit.capitalize()}", str(getattr(now, unit))) for unit in ("year", "month", "day")]
        return element(
            "tds:GetSystemDateAndTimeResponse",
            element(
                "tds:SystemDateAndTime",
                element("tt:DateTimeType", "NTP"),
                element("tt:DaylightSavings", "false"),
                element("tt:TimeZone", element("tt:TZ", "UTC0")),
                element("tt:UTCDateTime", element("tt:Time", *time), element("tt:Date", *date)),
            ),
        )

    def _services(self, request: SoapRequest) -> Element:
        is_full = request.text("tds:IncludeCapability") in {"true", "1"}
        described = [
            element(
                "tds:Service",
                element("tds:Namespace", NAMESPACES[service.prefix]),
                element("tds:XAddr", self._site.web + service.path),
                element("tds:Capabilities", service.capabilities()) if is_full else None,
                element(
                    "tds:Version",
                    element("tt:Major", str(service.version[0])),
                    element("tt:Minor", str(service.version[1])),
                ),
            )
            for service in self._all()
        ]
        return element("tds:GetServicesResponse", *described)

    def _old_capabilities(self, request: SoapRequest) -> Element:
        """The older way, which knows no Media2; unknown categories are refused with ``ter:NoSuchService``."""
        wanted = set(request.texts("tds:Category")) or {"All"}
        there = {service.prefix: service for service in self._all()}
        known = {name: there[prefix] for name, prefix in _CATEGORIES.items() if prefix in there}
        if unknown := wanted - known.keys() - {"All"}:
            raise SoapFault(
                "Receiver", ("ter:ActionNotSupported", "ter:NoSuchService"), f"there is no {', '.join(sorted(unknown))}"
            )
        shown = [self._category(name, known[name]) for name in known if wanted & {name, "All"}]
        return element("tds:GetCapabilitiesResponse", element("tds:Capabilities", *shown))

    def _category(self, name: str, service: Service) -> Element:
        address = element("tt:XAddr", self._site.web + service.path)
        if name == "Events":
            supported = {"WSSubscriptionPolicySupport": False, "WSPullPointSupport": True}
            supported["WSPausableSubscriptionManagerInterfaceSupport"] = False
            return element(
                "tt:Events", address, *(element(f"tt:{key}", _word(is_so)) for key, is_so in supported.items())
            )
        if name == "Media":
            transports = {"RTPMulticast": bool(self._site.multicast), "RTP_TCP": True, "RTP_RTSP_TCP": True}
            words = [element(f"tt:{key}", _word(is_so)) for key, is_so in transports.items()]
            return element("tt:Media", address, element("tt:StreamingCapabilities", *words))
        return element("tt:Device", address)

    def _service_capabilities(self, _request: SoapRequest) -> Element:
        return element("tds:GetServiceCapabilitiesResponse", self._capabilities())

    def _capabilities(self) -> Element:
        """View only: the bridge has neither users nor network to be set up by ONVIF (MS: Open Network Bridge)."""
        security = {
            "TLS1.2": _word(self._site.is_secure),
            "UsernameToken": _word(self._login is not Login.DIGEST),
            "HttpDigest": _word(self._login is not Login.USERNAME_TOKEN),
            "HashingAlgorithms": "MD5 SHA-256",
        }
        system = dict.fromkeys(("DiscoveryNotSupported", "NetworkConfigNotSupported", "UserConfigNotSupported"), "true")
        return element(
            "tds:Capabilities",
            element("tds:Network"),
            element("tds:Security", **security),
            element("tds:System", **system),
        )

    def _information(self, _request: SoapRequest) -> Element:
        words = {
            "Manufacturer": _MANUFACTURER,
            "Model": MODEL,
            "FirmwareVersion": _FIRMWARE,
            "SerialNumber": stable_id("bridge", self._site.host),
            "HardwareId": "simulator",
        }
        return element(
            "tds:GetDeviceInformationResponse", *(element(f"tds:{name}", text) for name, text in words.items())
        )

    def _scopes(self, _request: SoapRequest) -> Element:
        items = ("Profile/Streaming", "Profile/T", "hardware/simulator", f"name/{quote(MODEL)}")
        scopes = [
            element(
                "tds:Scopes",
                element("tt:ScopeDef", "Fixed"),
                element("tt:ScopeItem", f"onvif://www.onvif.org/{item}"),
            )
            for item in items
        ]
        return element("tds:GetScopesResponse", *scopes)

    def _hostname(self, _request: SoapRequest) -> Element:
        information = element("tds:HostnameInformation", element("tt:FromDHCP", "false"), element("tt:Name", "bridge"))
        return element("tds:GetHostnameResponse", information)

    def _interfaces(self, _request: SoapRequest) -> Element:
        interface = element(
            "tds:NetworkInterfaces",
            element("tt:Enabled", "true"),
            element("tt:Info", element("tt:Name", "eth0"), element("tt:HwAddress", MAC)),
            token="eth0",  # noqa: S106 - ONVIF's word for an id
        )
        return element("tds:GetNetworkInterfacesResponse", interface)

    def _protocols(self, _request: SoapRequest) -> Element:
        web = "HTTPS" if self._site.is_secure else "HTTP"
        protocols = [
            element(
                "tds:NetworkProtocols",
                element("tt:Name", name),
                element("tt:Enabled", "true"),
                element("tt:Port", str(port)),
            )
            for name, port in ((web, self._site.web_port), ("RTSP", self._site.rtsp_port))
        ]
        return element("tds:GetNetworkProtocolsResponse", *protocols)


def _word(is_so: bool) -> str:
    return "true" if is_so else "false"
