"""One attempt of one delivery, and what its outcome means for the delivery and for its VMS."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from config.model import CameraSettings
from core.contracts import VmsConnector
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotYetTaken,
    ReplyLost,
    RightMissing,
    SecretError,
    VigieError,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.redaction import redact
from core.types import Alert, Delivery, Receipt


class Fate(StrEnum):
    """What became of an attempt."""

    DELIVERED = "delivered"
    UNAVAILABLE = "unavailable"
    """Nobody answered; it had no effect."""
    WAITING = "waiting"
    """The VMS is there, and fetches it when it likes."""
    UNKNOWN = "unknown"
    """It may have arrived: the answer is lost or unreadable."""
    BLOCKED = "blocked"
    """None of our requests gets in until a person acts."""
    REFUSED = "refused"
    """The VMS will never take this delivery, or never tell whether it has it: a person must decide."""
    FAULTY = "faulty"
    """The connector broke over this delivery; it may have arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that ended. ``error`` is one line without credentials, ``defect`` what should never have been raised."""

    fate: Fate
    receipt: Receipt = field(default_factory=Receipt)
    error: str = ""
    defect: Exception | None = None
    asked: bool = False
    found: bool = False
    resent_unasked: bool = False


def attempt(connector: VmsConnector, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Attempt:
    """Asks first where an earlier request may have arrived and the VMS can tell, then publishes. Raises nothing."""
    is_asking = delivery.may_have_arrived and delivery.action in connector.askable
    if is_asking:
        answer = _ask(connector, delivery, alert, camera)
        if answer is not None:
            return answer
    # A connector may learn from the answer that this VMS cannot be asked: then nothing was settled.
    is_blind = delivery.may_have_arrived and delivery.action not in connector.askable
    sent = _publish(connector, delivery, alert, camera)
    has_left = sent.fate in {Fate.DELIVERED, Fate.WAITING, Fate.UNKNOWN}
    return replace(sent, asked=is_asking, resent_unasked=has_left and is_blind)


def _ask(connector: VmsConnector, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Attempt | None:
    """None when the VMS says that it does not have it."""
    try:
        receipt = connector.find(delivery, alert, camera)
    except Exception as error:  # noqa: BLE001 - whatever a connector raises must cost one attempt, not the thread
        failed = replace(_failure(error), asked=True)
        if failed.fate is Fate.REFUSED:
            return replace(failed, error=f"it may have arrived, and the VMS cannot tell: {failed.error}")
        return failed
    return None if receipt is None else Attempt(fate=Fate.DELIVERED, receipt=receipt, asked=True, found=True)


def _publish(connector: VmsConnector, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Attempt:
    try:
        return Attempt(fate=Fate.DELIVERED, receipt=connector.publish(delivery, alert, camera))
    except Exception as error:  # noqa: BLE001 - whatever a connector raises must cost one attempt, not the thread
        return _failure(error)


def _failure(error: Exception) -> Attempt:
    text = redact(error.line() if isinstance(error, VigieError) else f"{type(error).__name__}: {error}")
    fate = _fate(error)
    if fate is None:
        return Attempt(fate=Fate.FAULTY, error=f"defect in the connector: {text}", defect=error)
    return Attempt(fate=fate, error=text)


_FATES: tuple[tuple[type[Exception], Fate], ...] = (
    (RightMissing, Fate.REFUSED),
    (AuthenticationRefused, Fate.BLOCKED),
    (CertificateRejected, Fate.BLOCKED),
    (SecretError, Fate.BLOCKED),
    (VmsRefused, Fate.REFUSED),
    (NotYetTaken, Fate.WAITING),
    (ReplyLost, Fate.UNKNOWN),
    (VmsUnavailable, Fate.UNAVAILABLE),
    (VmsError, Fate.UNKNOWN),
)
"""The first class that fits decides."""


def _fate(error: Exception) -> Fate | None:
    """None for what the contract of a connector does not allow."""
    return next((fate for kind, fate in _FATES if isinstance(error, kind)), None)
