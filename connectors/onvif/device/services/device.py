"""The device service: who we are, what we offer and where (SPEC:Core "Device management").

Reads only: network, users and discovery are the machine's and the site file's, which the capabilities say
(``NetworkConfigNotSupported``, ``UserConfigNotSupported``, ``DiscoveryNotSupported``); anything else is not supported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import quote, urlsplit
from uuid import uuid5

from lxml import etree

from connectors.onvif.device.calls import Access, Call, Operation
from connectors.onvif.device.model import Device, Identity
from connectors.onvif.device.services.capabilities import Offer, Service, fill, version
from connectors.onvif.device.xml import TDS, child, element, qualified, text_of
from connectors.onvif.settings import SERVICE_PATH, DeviceSettings, address_of
from core.clock import utc_datetime
from core.types import VIGIE_NAMESPACE

NAMESPACE: Final = TDS
VERSION: Final = (26, 6)
PATH: Final = SERVICE_PATH

_SCOPE: Final = "onvif://www.onvif.org"
_PROFILES: Final = ("T", "M")
"""Whose interfaces we have; a scope of this category is mandatory. No conformance is claimed (research, A7)."""

_INTERFACE: Final = "network"
_MTU: Final = 1500
_HTTP_PORT, _HTTPS_PORT, _RTSP_PORT = 80, 443, 554
_ANY: Final = (IPv4Address(0), IPv6Address(0))
_TRUE: Final = frozenset({"true", "1"})


def operations(device: Device, services: Sequence[Service]) -> Sequence[Operation]:
    """The device service's operations. ``services``: the modules of the other services, told by ``GetServices``."""
    answers = _Answers(device=device, services=(_OWN, *services))
    before, after = Access.PRE_AUTH, Access.AUTHENTICATED
    table: Sequence[tuple[str, Callable[[Call], etree._Element], Access]] = (
        ("GetServices", answers.services_offered, before),
        ("GetServiceCapabilities", answers.service_capabilities, before),
        ("GetCapabilities", answers.all_capabilities, before),
        ("GetSystemDateAndTime", answers.date_and_time, before),
        ("GetHostname", answers.hostname, before),
        ("GetEndpointReference", answers.endpoint_reference, before),
        ("GetDeviceInformation", answers.information, after),
        ("GetScopes", answers.scopes, after),
        ("GetNetworkInterfaces", answers.network_interfaces, after),
        ("GetNetworkProtocols", answers.network_protocols, after),
        ("GetUsers", answers.users, after),
    )
    return [Operation(namespace=TDS, name=name, handle=handle, access=access) for name, handle, access in table]


def capabilities(device: Device) -> etree._Element:
    """``tds:Capabilities``: everything that would change the machine is not supported."""
    own = own_settings(device)
    made = element("tds:Capabilities")
    child(
        made,
        "tds:Network",
        **dict.fromkeys(("IPFilter", "ZeroConfiguration", "IPVersion6", "DynDNS", "HostnameFromDHCP"), False),
        Dot1XConfigurations=0,
        NTP=0,
    )
    absent = ("TLS1.0", "TLS1.1", "OnboardKeyGeneration", "AccessPolicyConfig", "DefaultAccessPolicy", "Dot1X")
    tokens = ("RemoteUserHandling", "X.509Token", "SAMLToken", "KerberosToken", "RELToken")
    known = {
        "TLS1.2": own.certificate is not None,
        "UsernameToken": own.username_token,
        "HttpDigest": True,
        "MaxUsers": 1,
        "HashingAlgorithms": "MD5,SHA-256",
    }
    child(made, "tds:Security", **dict.fromkeys((*absent, *tokens), False), **known)
    unknown = ("DiscoveryResolve", "DiscoveryBye", "RemoteDiscovery", "SystemBackup", "SystemLogging")
    opted_out = ("DiscoveryNotSupported", "NetworkConfigNotSupported", "UserConfigNotSupported")
    child(made, "tds:System", **dict.fromkeys(unknown, False), **dict.fromkeys(opted_out, True))
    return made


def endpoint_of(identity: Identity) -> str:
    """The device's ``GetEndpointReference``: no other device has it."""
    return uuid5(VIGIE_NAMESPACE, f"onvif-endpoint|{identity.serial}|{identity.mac}").urn


def own_settings(device: Device) -> DeviceSettings:
    """The part of the settings that makes us a device; the front starts only where there is one."""
    assert device.settings.device is not None
    return device.settings.device


class _Own:
    """This module as a service, as ``GetServices`` takes them."""

    NAMESPACE = NAMESPACE
    VERSION = VERSION
    PATH = PATH

    def capabilities(self, device: Device) -> etree._Element:
        return capabilities(device)


_OWN: Final = _Own()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    device: Device
    services: Sequence[Service]

    def services_offered(self, call: Call) -> etree._Element:
        response = element("tds:GetServicesResponse")
        wants_capabilities = text_of(call.body, "tds:IncludeCapability") in _TRUE
        for offer in self._offers(call):
            made = child(response, "tds:Service")
            child(made, "tds:Namespace", offer.service.NAMESPACE)
            child(made, "tds:XAddr", offer.address)
            if wants_capabilities:
                child(made, "tds:Capabilities").append(offer.capabilities)
            version(child(made, "tds:Version"), offer.service.VERSION)
        return response

    def service_capabilities(self, _call: Call) -> etree._Element:
        response = element("tds:GetServiceCapabilitiesResponse")
        response.append(capabilities(self.device))
        return response

    def all_capabilities(self, call: Call) -> etree._Element:
        response = element("tds:GetCapabilitiesResponse")
        categories = {(asked.text or "").strip() for asked in call.body.findall(qualified("tds:Category"))}
        fill(child(response, "tds:Capabilities"), self._offers(call), categories)
        return response

    def date_and_time(self, _call: Call) -> etree._Element:
        """The clock that stamps messages, too. The machine's time is kept by its own means, and told as UTC."""
        response = element("tds:GetSystemDateAndTimeResponse")
        made = child(response, "tds:SystemDateAndTime")
        child(made, "tt:DateTimeType", "NTP")
        child(made, "tt:DaylightSavings", False)
        child(child(made, "tt:TimeZone"), "tt:TZ", "UTC0")
        now = utc_datetime(self.device.clock.utc())
        _date_time(child(made, "tt:UTCDateTime"), now)
        _date_time(child(made, "tt:LocalDateTime"), now)
        return response

    def hostname(self, call: Call) -> etree._Element:
        response = element("tds:GetHostnameResponse")
        made = child(response, "tds:HostnameInformation")
        child(made, "tt:FromDHCP", False)
        child(made, "tt:Name", own_settings(self.device).host or call.host)
        return response

    def endpoint_reference(self, _call: Call) -> etree._Element:
        response = element("tds:GetEndpointReferenceResponse")
        child(response, "tds:GUID", endpoint_of(self.device.identity))
        return response

    def information(self, _call: Call) -> etree._Element:
        identity = self.device.identity
        response = element("tds:GetDeviceInformationResponse")
        child(response, "tds:Manufacturer", identity.manufacturer)
        child(response, "tds:Model", identity.model)
        child(response, "tds:FirmwareVersion", identity.firmware)
        child(response, "tds:SerialNumber", identity.serial)
        child(response, "tds:HardwareId", identity.hardware_id)
        return response

    def scopes(self, _call: Call) -> etree._Element:
        identity = self.device.identity
        response = element("tds:GetScopesResponse")
        profiles = (f"Profile/{profile}" for profile in _PROFILES)
        for scope in (*profiles, f"hardware/{_escaped(identity.model)}", f"name/{_escaped(identity.name)}"):
            made = child(response, "tds:Scopes")
            child(made, "tt:ScopeDef", "Fixed")
            child(made, "tt:ScopeItem", f"{_SCOPE}/{scope}")
        return response

    def network_interfaces(self, call: Call) -> etree._Element:
        """One interface, by whose MAC drivers know the device again (research, A2)."""
        response = element("tds:GetNetworkInterfacesResponse")
        made = child(response, "tds:NetworkInterfaces", token=_INTERFACE)
        child(made, "tt:Enabled", True)
        info = child(made, "tt:Info")
        child(info, "tt:Name", _INTERFACE)
        child(info, "tt:HwAddress", self.device.identity.mac)
        child(info, "tt:MTU", _MTU)
        self._addresses(made, call)
        return response

    def network_protocols(self, call: Call) -> etree._Element:
        """XProtect's driver reads the HTTPS port here ([MS:https])."""
        own = own_settings(self.device)
        asked = urlsplit(call.base_url)
        is_https = asked.scheme == "https"
        port = asked.port or (_HTTPS_PORT if is_https else _HTTP_PORT)
        rtsp = own.rtsp or own.rtsps
        response = element("tds:GetNetworkProtocolsResponse")
        _protocol(response, "HTTP", _HTTP_PORT if is_https else port, is_enabled=not is_https)
        _protocol(response, "HTTPS", port if is_https else _HTTPS_PORT, is_enabled=is_https)
        _protocol(response, "RTSP", address_of(rtsp)[1] if rtsp else _RTSP_PORT, is_enabled=rtsp is not None)
        return response

    def users(self, _call: Call) -> etree._Element:
        """The account by which the asker logged in; never a password."""
        response = element("tds:GetUsersResponse")
        made = child(response, "tds:User")
        child(made, "tt:Username", own_settings(self.device).username)
        child(made, "tt:UserLevel", "Operator")
        return response

    def _offers(self, call: Call) -> list[Offer]:
        return [
            Offer(
                service=service,
                address=f"{call.base_url}{service.PATH}",
                capabilities=service.capabilities(self.device),
            )
            for service in self.services
        ]

    def _addresses(self, parent: etree._Element, call: Call) -> None:
        """The address by which we are asked or listen; the length of the subnet's prefix is nothing that we know."""
        listening = own_settings(self.device).address[0]
        for text in (call.host, listening):
            with suppress(ValueError):
                address = ip_address(text.strip("[]"))
                if address not in _ANY:
                    _address(parent, address)
                    return


def _address(parent: etree._Element, address: IPv4Address | IPv6Address) -> None:
    family = child(parent, f"tt:IPv{address.version}")
    child(family, "tt:Enabled", True)
    config = child(family, "tt:Config")
    if address.version == 6:  # noqa: PLR2004 - the schema's order differs
        child(config, "tt:DHCP", "Off")
    manual = child(config, "tt:Manual")
    child(manual, "tt:Address", address)
    child(manual, "tt:PrefixLength", address.max_prefixlen)
    if address.version == 4:  # noqa: PLR2004 - the schema's order differs
        child(config, "tt:DHCP", False)


def _protocol(parent: etree._Element, name: str, port: int, *, is_enabled: bool) -> None:
    made = child(parent, "tds:NetworkProtocols")
    child(made, "tt:Name", name)
    child(made, "tt:Enabled", is_enabled)
    child(made, "tt:Port", port)


def _date_time(parent: etree._Element, moment: datetime) -> None:
    time = child(parent, "tt:Time")
    child(time, "tt:Hour", moment.hour)
    child(time, "tt:Minute", moment.minute)
    child(time, "tt:Second", moment.second)
    date = child(parent, "tt:Date")
    child(date, "tt:Year", moment.year)
    child(date, "tt:Month", moment.month)
    child(date, "tt:Day", moment.day)


def _escaped(text: str) -> str:
    return quote(text, safe="")
