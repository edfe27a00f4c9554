"""The Analytics service (``tan``): one fixed module that finds objects, and what its metadata look like.

``RuleSupport`` and ``AnalyticsModuleSupport`` are not announced: they would promise that clients may create rules and modules
(SPEC:Analytics), and ours are the site file's. What the rules report is told by the topics of the event service (research,
table A2 and D). Creating, modifying and deleting is not here, so it answers ``ActionNotSupported``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lxml import etree

from connectors.onvif.device.calls import Access, Call, Operation
from connectors.onvif.device.model import Device
from connectors.onvif.device.services import tokens
from connectors.onvif.device.services.configurations import (
    ANALYTICS_NAMESPACE,
    MODULE_TYPE,
    always,
    analytics_module,
    with_module_type,
)
from connectors.onvif.device.xml import TAN, child, element, qualified, text_of
from connectors.protocols.onvif_metadata import OBJECT_TYPES, MetadataWriter
from core.types import Box, FrameBoxes, Track

NAMESPACE: Final = TAN
VERSION: Final = (20, 12)
PATH: Final = "/onvif/analytics_service"

_SAMPLE_BOX: Final = Box(left=0.4, top=0.4, right=0.6, bottom=0.6)


def capabilities(device: Device) -> etree._Element:  # noqa: ARG001 - as every service has it
    """What of the service is offered."""
    return element(
        "tan:Capabilities",
        RuleSupport=False,
        AnalyticsModuleSupport=False,
        CellBasedSceneDescriptionSupported=False,
        RuleOptionsSupported=False,
        AnalyticsModuleOptionsSupported=False,
        SupportedMetadata=True,
    )


def operations(device: Device) -> Sequence[Operation]:
    """All operations of the service."""
    service = _Analytics(device)
    handlers: dict[str, Callable[[Call], etree._Element]] = {
        "GetSupportedAnalyticsModules": service.get_supported_modules,
        "GetAnalyticsModules": service.get_modules,
        "GetSupportedMetadata": service.get_supported_metadata,
        "GetSupportedRules": service.get_supported_rules,
        "GetRules": service.get_rules,
    }
    told = service.get_service_capabilities
    return [
        Operation(namespace=NAMESPACE, name="GetServiceCapabilities", handle=told, access=Access.PRE_AUTH),
        *(Operation(namespace=NAMESPACE, name=name, handle=handle) for name, handle in handlers.items()),
    ]


class _Analytics:
    """Answers each operation."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def get_service_capabilities(self, call: Call) -> etree._Element:
        answer = _answer(call)
        answer.append(capabilities(self._device))
        return answer

    def get_supported_modules(self, call: Call) -> etree._Element:
        """``fixed``: it can be neither added nor removed (``tt:ConfigDescription``)."""
        self._require_configuration(call)
        answer = _answer(call)
        supported = child(answer, "tan:SupportedAnalyticsModules", Limit=1)
        description = with_module_type(supported, "tt:AnalyticsModuleDescription", "Name")
        description.set("fixed", "true")
        description.set("maxInstances", "1")
        child(description, "tt:Parameters")
        return answer

    def get_modules(self, call: Call) -> etree._Element:
        self._require_configuration(call)
        answer = _answer(call)
        analytics_module(answer, "tan:AnalyticsModule")
        return answer

    def get_supported_metadata(self, call: Call) -> etree._Element:
        """A frame such as they are sent, with one object of each class; nothing for a module type that is not ours."""
        answer = _answer(call)
        asked = call.body.find(qualified("tan:Type"))
        if asked is None or _is_our_module(asked):
            made = with_module_type(answer, "tan:AnalyticsModule", "Type")
            made.append(_sample_frame(self._device.clock.utc()))
        return answer

    def get_supported_rules(self, call: Call) -> etree._Element:
        self._require_configuration(call)
        answer = _answer(call)
        child(answer, "tan:SupportedRules", Limit=0)
        return answer

    def get_rules(self, call: Call) -> etree._Element:
        self._require_configuration(call)
        return _answer(call)

    def _require_configuration(self, call: Call) -> None:
        tokens.configuration(self._device, text_of(call.body, "tan:ConfigurationToken"), always)


def _is_our_module(asked: etree._Element) -> bool:
    """Whether that QName, with the prefixes in scope where it stands, is our module's type."""
    prefix, _, local = (asked.text or "").strip().rpartition(":")
    return (asked.nsmap.get(prefix or None), local) == (ANALYTICS_NAMESPACE, MODULE_TYPE.partition(":")[2])


def _sample_frame(now: float) -> etree._Element:
    labels: dict[str, str] = {}
    for label, kind in OBJECT_TYPES.items():
        labels.setdefault(kind, label)
    tracks = tuple(
        Track(track_id=number, label=label, score=0.9, box=_SAMPLE_BOX, first_seen=now)
        for number, label in enumerate(labels.values(), start=1)
    )
    document = MetadataWriter().document(FrameBoxes(camera_id="", captured_at=now, tracks=tracks))
    frame = etree.fromstring(document).find(f".//{qualified('tt:Frame')}")
    assert frame is not None  # the writer always makes one
    sample = element("tan:SampleFrame")
    sample.set("UtcTime", frame.get("UtcTime", ""))
    sample.extend(frame)
    return sample


def _answer(call: Call) -> etree._Element:
    return element(f"tan:{etree.QName(call.body).localname}Response")
