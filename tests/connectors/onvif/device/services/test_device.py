from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from lxml import etree

from connectors.onvif.device.calls import Access, Call, Fault
from connectors.onvif.device.model import Device
from connectors.onvif.device.services import analytics, events, media, media2
from connectors.onvif.device.services.capabilities import Service
from connectors.onvif.device.services.device import PATH, operations
from connectors.onvif.device.xml import PREFIXES, TAN, TDS, TEV, TR2, TRT, child, element, qualified
from tests.connectors.onvif.device.soap_support import device
from tests.connectors.onvif.schemas import validate

HTTPS = "https://10.0.0.5:8443"


class FakeService:
    """A service with every capability."""

    VERSION = (21, 12)

    def __init__(self, namespace: str, path: str) -> None:
        self.NAMESPACE = namespace
        self.PATH = path

    def capabilities(self, device: Device) -> etree._Element:
        prefix = next(prefix for prefix, uri in PREFIXES.items() if uri == self.NAMESPACE)
        made = element(f"{prefix}:Capabilities")
        if self.NAMESPACE == TAN:
            made.set("RuleSupport", "true")
        if self.NAMESPACE == TRT:
            child(made, "trt:ProfileCapabilities", MaximumNumberOfProfiles=7)
            child(made, "trt:StreamingCapabilities", RTP_TCP=True, RTPMulticast=True)
        return made


SERVICES: Sequence[Service] = (
    FakeService(TR2, "/onvif/media2_service"),
    FakeService(TRT, "/onvif/media_service"),
    FakeService(TEV, "/onvif/event_service"),
    FakeService(TAN, "/onvif/analytics_service"),
)


def answered(
    name: str, body: str = "", base_url: str = HTTPS, services: Sequence[Service] = SERVICES, **own: Any
) -> etree._Element:
    """What the operation answers, once it is known to be valid; namespaces of the shared prefixes may be used."""
    request = etree.fromstring(f'<tds:{name} xmlns:tds="{TDS}">{body}</tds:{name}>')
    known = {operation.name: operation for operation in operations(device(**own), services)}
    response = known[name].handle(Call(body=request, base_url=base_url, path=PATH, is_secure=True))
    assert isinstance(response, etree._Element)
    assert response.tag == qualified(f"tds:{name}Response")
    return response


def text(root: etree._Element, path: str) -> str | None:
    return root.findtext(path, namespaces=dict(PREFIXES))


NAMES = [operation.name for operation in operations(device(), SERVICES)]


@pytest.mark.shared_data
@pytest.mark.parametrize("base_url", [HTTPS, "http://name", "https://[fe80::1]:443"])
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_valid(name: str, base_url: str) -> None:
    validate(answered(name, base_url=base_url))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "body"),
    [("GetServices", "<tds:IncludeCapability>true</tds:IncludeCapability>"), ("GetCapabilities", "")],
)
def test_what_the_services_themselves_say_is_told_validly(name: str, body: str) -> None:
    response = answered(name, body, services=(media2, media, events, analytics))
    validate(response)
    if name == "GetServices":
        assert len(response.findall("tds:Service/tds:Capabilities", dict(PREFIXES))) == 5


def test_the_operations_of_the_research_are_there_and_those_before_login_are_the_specification_s() -> None:
    before = {one.name for one in operations(device(), ()) if one.access is Access.PRE_AUTH}
    assert before == {
        "GetServices",
        "GetServiceCapabilities",
        "GetCapabilities",
        "GetHostname",
        "GetSystemDateAndTime",
        "GetEndpointReference",
    }
    after = {"GetDeviceInformation", "GetScopes", "GetNetworkInterfaces", "GetNetworkProtocols", "GetUsers"}
    assert set(NAMES) == before | after


def test_every_service_is_told_with_its_address_by_which_the_client_came() -> None:
    response = answered("GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
    services = {
        text(service, "tds:Namespace"): text(service, "tds:XAddr")
        for service in response.findall("tds:Service", dict(PREFIXES))
    }
    assert services == {
        TDS: f"{HTTPS}/onvif/device_service",
        TR2: f"{HTTPS}/onvif/media2_service",
        TRT: f"{HTTPS}/onvif/media_service",
        TEV: f"{HTTPS}/onvif/event_service",
        TAN: f"{HTTPS}/onvif/analytics_service",
    }
    assert response.find(".//tds:Capabilities", dict(PREFIXES)) is None
    assert (text(response[1], ".//tt:Major"), text(response[1], ".//tt:Minor")) == ("21", "12")


def test_the_older_capabilities_say_what_the_services_say() -> None:
    response = answered("GetCapabilities")
    assert text(response, ".//tt:Analytics/tt:RuleSupport") == "true"
    assert text(response, ".//tt:Analytics/tt:AnalyticsModuleSupport") == "false"
    assert text(response, ".//tt:Media/tt:XAddr") == f"{HTTPS}/onvif/media_service"
    assert text(response, ".//tt:StreamingCapabilities/tt:RTPMulticast") == "true"
    assert text(response, ".//tt:StreamingCapabilities/tt:RTP_RTSP_TCP") == "false"
    assert text(response, ".//tt:MaximumNumberOfProfiles") == "7"
    assert text(response, ".//tt:Device/tt:Security/tt:TLS1.2") == "true"
    assert text(response, ".//tt:Events/tt:WSPullPointSupport") == "true"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((), ["Analytics", "Device", "Events", "Media"]),
        (("All",), ["Analytics", "Device", "Events", "Media"]),
        (("Media",), ["Media"]),
        (("Events", "PTZ"), ["Events"]),
    ],
)
def test_categories_choose(asked: Sequence[str], told: Sequence[str]) -> None:
    body = "".join(f"<tds:Category>{category}</tds:Category>" for category in asked)
    [capabilities] = answered("GetCapabilities", body)
    assert [etree.QName(category).localname for category in capabilities] == told


@pytest.mark.parametrize("category", ["PTZ", "Imaging", "Nonsense"])
def test_a_category_that_is_not_offered_is_a_fault(category: str) -> None:
    with pytest.raises(Fault) as caught:
        answered("GetCapabilities", f"<tds:Category>{category}</tds:Category>")
    assert (caught.value.code, caught.value.subcodes) == ("Receiver", ("ActionNotSupported", "NoSuchService"))


@pytest.mark.parametrize("is_on", [False, True])
def test_security_capabilities_follow_the_settings(is_on: bool) -> None:
    response = answered("GetServiceCapabilities", username_token=is_on)
    security = response.find(".//tds:Security", dict(PREFIXES))
    assert security is not None
    assert security.get("UsernameToken") == str(is_on).lower()
    assert (security.get("HttpDigest"), security.get("HashingAlgorithms")) == ("true", "MD5,SHA-256")
    system = response.find(".//tds:System", dict(PREFIXES))
    assert system is not None
    assert system.get("DiscoveryNotSupported") == "true"


def test_the_time_is_the_clock_s_in_utc() -> None:
    moment = answered("GetSystemDateAndTime").find(".//tt:UTCDateTime", dict(PREFIXES))
    assert moment is not None
    parts = ("Date/tt:Year", "Date/tt:Month", "Date/tt:Day", "Time/tt:Hour", "Time/tt:Minute", "Time/tt:Second")
    assert [text(moment, f"tt:{part}") for part in parts] == ["2023", "11", "14", "22", "13", "20"]


@pytest.mark.parametrize(
    ("base_url", "own", "told"),
    [
        (HTTPS, {}, {"HTTP": ("false", "80"), "HTTPS": ("true", "8443"), "RTSP": ("false", "554")}),
        ("https://name", {}, {"HTTP": ("false", "80"), "HTTPS": ("true", "443"), "RTSP": ("false", "554")}),
        (
            "http://name:8080",
            {"rtsp": "0.0.0.0:8554"},
            {"HTTP": ("true", "8080"), "HTTPS": ("false", "443"), "RTSP": ("true", "8554")},
        ),
        (HTTPS, {"rtsps": "[::]:8322"}, {"HTTP": ("false", "80"), "HTTPS": ("true", "8443"), "RTSP": ("true", "8322")}),
    ],
)
def test_protocols_tell_the_ports_that_the_driver_reads(base_url: str, own: Any, told: Any) -> None:
    response = answered("GetNetworkProtocols", base_url=base_url, **own)
    assert {
        text(protocol, "tt:Name"): (text(protocol, "tt:Enabled"), text(protocol, "tt:Port")) for protocol in response
    } == told


@pytest.mark.parametrize(
    ("base_url", "own", "path", "address"),
    [
        (HTTPS, {}, "tt:IPv4", "10.0.0.5"),
        ("https://[fe80::1]", {}, "tt:IPv6", "fe80::1"),
        ("https://name:8443", {"listen": "192.168.1.9:8443"}, "tt:IPv4", "192.168.1.9"),
        ("https://name:8443", {}, "tt:IPv4", None),
    ],
)
def test_the_interface_has_the_identity_s_mac_and_an_address_that_we_know(
    base_url: str, own: Any, path: str, address: str | None
) -> None:
    response = answered("GetNetworkInterfaces", base_url=base_url, **own)
    assert text(response, ".//tt:HwAddress") == device().identity.mac
    assert text(response, f".//{path}//tt:Address") == address


def test_the_account_is_an_operator_s_and_its_password_is_not_told() -> None:
    response = answered("GetUsers", username="xprotect")
    assert (text(response, ".//tt:Username"), text(response, ".//tt:UserLevel")) == ("xprotect", "Operator")
    assert response.find(".//tt:Password", dict(PREFIXES)) is None


def test_scopes_are_of_every_mandatory_category_and_escaped() -> None:
    items = [item.text or "" for item in answered("GetScopes").iter(qualified("tt:ScopeItem"))]
    assert {item.split("/")[3] for item in items} == {"Profile", "hardware", "name"}
    assert all(" " not in item for item in items)


def test_the_host_of_the_settings_is_the_host_s_name() -> None:
    assert text(answered("GetHostname", host="vigie.site.local"), ".//tt:Name") == "vigie.site.local"
    assert text(answered("GetHostname"), ".//tt:Name") == "10.0.0.5"


def test_the_endpoint_stays_the_same() -> None:
    first, second = (text(answered("GetEndpointReference"), ".//tds:GUID") for _ in range(2))
    assert first == second
    assert first is not None
    assert first.startswith("urn:uuid:")
