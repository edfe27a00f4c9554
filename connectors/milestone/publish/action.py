"""What every kind of delivery into XProtect has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from config.model import CameraSettings
from connectors.milestone.inventory.inventory import Inventory, KnownCamera
from connectors.milestone.settings import MilestoneSettings
from core.errors import AuthenticationRefused, NotFoundInVms, RequestInvalid, RightMissing, VmsError, VmsRefused
from core.types import Alert, Delivery, Receipt, UtcSeconds

_FAULT = ": fault "
"""In the text of every error that ``soap_transport`` makes of a fault."""


class ActionPublisher(ABC):
    """Carries out one kind of delivery (``event``, ``alarm`` …)."""

    is_askable: ClassVar[bool] = True
    """Whether XProtect can be asked for what was published."""

    @abstractmethod
    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Does it. Raises ``VmsError``, as the contract of connectors says."""

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:  # noqa: ARG002 - for those that can
        """Looks whether XProtect has it already; only where ``is_askable``."""
        raise RequestInvalid(f"XProtect cannot be asked for {delivery.action!r}")

    def close(self) -> None:  # noqa: B027 - few have connections of their own
        """Lets go of its own connections."""


def known_or_none(inventory: Inventory, camera: CameraSettings) -> KnownCamera | None:
    """The camera as XProtect knows it, asked once: an event need not wait for the management server.

    None while that does not answer, as the recorder's id is optional. Raises ``NotFoundInVms`` for an unknown camera.
    """
    known = inventory.remembered(camera.device)
    if known is not None:
        return known
    try:
        return inventory.camera(camera.device)
    except NotFoundInVms:
        raise
    except VmsError:
        return None


@contextmanager
def with_remedy(remedy: str) -> Iterator[None]:
    """Around a request that may be refused: what to do about that is not the VMS's usual, but ``remedy``.

    Not where the account itself is refused: that has its own remedy.
    """
    try:
        yield
    except VmsRefused as error:
        if isinstance(error, AuthenticationRefused) and not isinstance(error, RightMissing):
            raise
        raise type(error)(str(error), remedy=remedy) from error


def interval(alert: Alert, settings: MilestoneSettings) -> tuple[UtcSeconds, UtcSeconds]:
    """Begin and end of the recording that a bookmark or an evidence lock is about."""
    begin = min(alert.started_at, alert.captured_at) - settings.bookmark_before_s
    return begin, alert.captured_at + settings.bookmark_after_s


def is_answered(error: VmsError) -> bool:
    """Whether the VMS itself spoke: it refused, or sent a SOAP fault, which may hide a refusal behind other words."""
    return isinstance(error, VmsRefused) or _FAULT in str(error)


@contextmanager
def parked_where_deleted(inventory: Inventory, camera: CameraSettings) -> Iterator[None]:
    """Around a request about a camera: when it fails because the camera is gone, the error is ``NotFoundInVms``.

    SOAP faults do not say so in words that are known, and some look like a passing failure; the inventory is asked anew.
    """
    try:
        yield
    except VmsError as error:
        if isinstance(error, AuthenticationRefused) or not is_answered(error):
            raise
        inventory.forget(camera.device)
        try:
            inventory.camera(camera.device)
        except NotFoundInVms as gone:
            raise NotFoundInVms(f"{gone} (after: {error})", remedy=gone.remedy) from error
        except VmsError:
            pass  # nobody can tell now: what the request itself met decides
        raise
