"""What the device offers, once: each service's own capabilities, and the older ``GetCapabilities`` derived from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Protocol

from lxml import etree

from connectors.onvif.device.calls import Fault
from connectors.onvif.device.model import Device
from connectors.onvif.device.xml import TAN, TDS, TEV, TRT, child, qualified


class Service(Protocol):
    """What a service module tells of itself."""

    @property
    def NAMESPACE(self) -> str:  # noqa: N802 - a constant of the module
        """Of its requests."""

    @property
    def VERSION(self) -> tuple[int, int]:  # noqa: N802 - a constant of the module
        """Of its specification: year and month, or major and minor of the old ones."""

    @property
    def PATH(self) -> str:  # noqa: N802 - a constant of the module
        """Where it is asked."""

    def capabilities(self, device: Device) -> etree._Element:
        """A fresh ``Capabilities`` element of its namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One service as it is announced to one client. ``capabilities``: its own element."""

    service: Service
    address: str
    capabilities: etree._Element

    def flag(self, name: str, child_name: str = "") -> str:
        """A Boolean among its capabilities, as the schema writes it; ``false`` where it says nothing."""
        holder = self.capabilities
        if child_name:
            found = holder.find(f"{{{self.service.NAMESPACE}}}{child_name}")
            if found is None:
                return "false"
            holder = found
        return holder.get(name, "false")


def fill(parent: etree._Element, offers: Sequence[Offer], categories: AbstractSet[str]) -> None:
    """Fills a ``tds:Capabilities`` of ``GetCapabilities``. No categories: all.

    Raises ``Fault`` (``ter:NoSuchService``, SPEC:Core "GetCapabilities") where none of those asked is offered.
    """
    by_namespace = {offer.service.NAMESPACE: offer for offer in offers}
    is_all = not categories or "All" in categories
    chosen = [
        (namespace, write)
        for name, (namespace, write) in _CATEGORIES.items()
        if namespace in by_namespace and (is_all or name in categories)
    ]
    if not chosen:
        raise Fault("Receiver", ("ActionNotSupported", "NoSuchService"), "The requested category is not supported")
    for namespace, write in chosen:
        write(parent, by_namespace[namespace])


def _analytics(parent: etree._Element, offer: Offer) -> None:
    made = child(parent, "tt:Analytics")
    child(made, "tt:XAddr", offer.address)
    _flags(made, offer, ("RuleSupport", "AnalyticsModuleSupport"))


def _device(parent: etree._Element, offer: Offer) -> None:
    made = child(parent, "tt:Device")
    child(made, "tt:XAddr", offer.address)
    network = child(made, "tt:Network")
    _flags(network, offer, ("IPFilter", "ZeroConfiguration", "IPVersion6", "DynDNS"), "Network")
    system = child(made, "tt:System")
    known = ("DiscoveryResolve", "DiscoveryBye", "RemoteDiscovery", "SystemBackup", "SystemLogging")
    _flags(system, offer, known, "System")
    child(system, "tt:FirmwareUpgrade", False)
    version(child(system, "tt:SupportedVersions"), offer.service.VERSION)
    inputs = child(made, "tt:IO")
    child(inputs, "tt:InputConnectors", 0)
    child(inputs, "tt:RelayOutputs", 0)
    _flags(child(made, "tt:Security"), offer, _SECURITY, "Security")


def _events(parent: etree._Element, offer: Offer) -> None:
    made = child(parent, "tt:Events")
    child(made, "tt:XAddr", offer.address)
    child(made, "tt:WSSubscriptionPolicySupport", offer.flag("WSSubscriptionPolicySupport"))
    child(made, "tt:WSPullPointSupport", True)  # the event service knows no such flag: every one has pull points
    name = "WSPausableSubscriptionManagerInterfaceSupport"
    child(made, f"tt:{name}", offer.flag(name))


def _media(parent: etree._Element, offer: Offer) -> None:
    made = child(parent, "tt:Media")
    child(made, "tt:XAddr", offer.address)
    streaming = child(made, "tt:StreamingCapabilities")
    _flags(streaming, offer, ("RTPMulticast", "RTP_TCP", "RTP_RTSP_TCP"), "StreamingCapabilities")
    profiles = offer.capabilities.find(qualified("trt:ProfileCapabilities"))
    if profiles is not None and (most := profiles.get("MaximumNumberOfProfiles")):
        extension = child(child(made, "tt:Extension"), "tt:ProfileCapabilities")
        child(extension, "tt:MaximumNumberOfProfiles", most)


def version(parent: etree._Element, numbers: tuple[int, int]) -> None:
    """Fills an element of type ``tt:OnvifVersion``."""
    child(parent, "tt:Major", numbers[0])
    child(parent, "tt:Minor", numbers[1])


def _flags(parent: etree._Element, offer: Offer, names: Sequence[str], holder: str = "") -> None:
    for name in names:
        child(parent, f"tt:{name}", offer.flag(name, holder))


_SECURITY: Final = (
    "TLS1.1",
    "TLS1.2",
    "OnboardKeyGeneration",
    "AccessPolicyConfig",
    "X.509Token",
    "SAMLToken",
    "KerberosToken",
    "RELToken",
)

_CATEGORIES: Final[Mapping[str, tuple[str, Callable[[etree._Element, Offer], None]]]] = {
    "Analytics": (TAN, _analytics),
    "Device": (TDS, _device),
    "Events": (TEV, _events),
    "Media": (TRT, _media),
}
"""``tt:CapabilityCategory`` in the order of ``tt:Capabilities``; Imaging and PTZ are not offered."""
