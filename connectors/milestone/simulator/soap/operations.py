"""What a SOAP operation of the management server is made of, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from connectors.milestone.simulator.site import Camera, Site
from connectors.milestone.simulator.soap.messages import Parameters, SoapFault, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; ``parameters`` are its names in the order of the contract."""

    parameters: Sequence[str]
    carry_out: Callable[[Parameters], Value | None]
    needs_token: bool = True
    publishes: bool = False
    """Whether the fault ``publish`` may befall it."""


Operations: TypeAlias = Mapping[str, Operation]
"""By name."""


class OperationGroup(Protocol):
    """Operations that belong together."""

    def operations(self) -> Operations:
        """By name."""


def known_camera(site: Site, device_id: str) -> Camera:
    """The camera of a device id. Raises ``SoapFault``."""
    camera = site.camera(device_id)
    if camera is None:
        raise SoapFault("The device is unknown.")
    return camera
