"""What a service of the bridge is to the web port: a path and its operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from connectors.onvif.simulator.camera.soap import Element, SoapRequest

Handle: TypeAlias = Callable[[SoapRequest], "Element | Awaitable[Element]"]

PRE_AUTH: Final = frozenset(
    {
        "GetWsdlUrl",
        "GetServices",
        "GetServiceCapabilities",
        "GetCapabilities",
        "GetHostname",
        "GetSystemDateAndTime",
        "GetEndpointReference",
    }
)
"""Answered without credentials (SPEC:Core, SPEC:Media, SPEC:Media2 access classes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One ONVIF service: the prefix of its namespace, its version, its operations by local name.

    ``capabilities`` is what ``GetServices`` tells where asked.
    """

    prefix: str
    path: str
    version: tuple[int, int]
    operations: Mapping[str, Handle]
    capabilities: Callable[[], Element]
