"""What every connector's check has in common: findings in the order of looking, and errors that become findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    RightMissing,
    VigieError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Finding, FindingLevel

CERTIFICATE_UNTRUSTED = "certificate_untrusted"
"""The one code that is the same at every step."""

HTTP_DATE_STEP_S = 1.0
"""A Date header tells whole seconds: on average its server is half a step further."""

_MAX_DRIFT_S = 2.0

_OUTCOMES: Mapping[type[VigieError], str] = {
    RightMissing: "not_allowed",
    AuthenticationRefused: "refused",
    NotFoundInVms: "not_found",
    RequestInvalid: "invalid",
    VmsRefused: "not_allowed",
    VmsUnavailable: "unavailable",
    ProtocolViolation: "unexpected",
    VigieError: "failed",
}
"""The first class that fits decides."""


def code_of(step: str, error: VigieError) -> str:
    """The code of a step that failed: ``<step>_<outcome>``."""
    if isinstance(error, CertificateRejected):
        return CERTIFICATE_UNTRUSTED
    return f"{step}_{next(word for kind, word in _OUTCOMES.items() if isinstance(error, kind))}"


class Findings:
    """Collects. ``code_of`` names a failed step; ``remedy`` is what to do where an error does not say it."""

    def __init__(self, code_of: Callable[[str, VigieError], str] = code_of, *, remedy: str = "") -> None:
        self._code_of = code_of
        self._remedy = remedy
        self.found: list[Finding] = []

    def ok(self, subject: str, code: str, message: str, remedy: str = "") -> None:
        """Something is in order; ``remedy`` is what remains to be looked at by hand."""
        self._add(FindingLevel.OK, subject, code, message, remedy)

    def warn(self, subject: str, code: str, message: str, remedy: str) -> None:
        """Something works worse than it could, or cannot be seen."""
        self._add(FindingLevel.WARNING, subject, code, message, remedy)

    def fail(self, subject: str, code: str, message: str, remedy: str) -> None:
        """Something will not work."""
        self._add(FindingLevel.FAILURE, subject, code, message, remedy)

    def step(
        self, name: str, subject: str, action: Callable[[], None], level: FindingLevel = FindingLevel.FAILURE
    ) -> bool:
        """Looks; an error becomes a finding of ``level``. Whether there was none."""
        try:
            action()
        except VigieError as error:
            self._add(level, subject, self._code_of(name, error), str(error), error.remedy or self._remedy)
            return False
        return True

    def clock(self, subject: str, whose: str, drift_s: float) -> None:
        """``drift_s``: how far the clock of ``whose`` is ahead of this machine's."""
        if abs(drift_s) <= _MAX_DRIFT_S:
            self.ok(subject, "clock_ok", "clocks agree to the second")
            return
        side = "ahead of" if drift_s > 0 else "behind"
        message = f"{whose} has its clock {abs(drift_s):.1f} s {side} this machine's"
        self.warn(subject, "clock_drift", message, "Give the VMS and this machine the same NTP time source.")

    def _add(self, level: FindingLevel, subject: str, code: str, message: str, remedy: str) -> None:
        self.found.append(Finding(level=level, subject=subject, code=code, message=message, remedy=remedy))
