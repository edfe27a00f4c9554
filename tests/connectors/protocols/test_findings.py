from __future__ import annotations

import pytest

from connectors.protocols.findings import Findings, code_of
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    SecretError,
    VigieError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import FindingLevel


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RightMissing("no"), "login_not_allowed"),
        (AuthenticationRefused("no"), "login_refused"),
        (NotFoundInVms("no"), "login_not_found"),
        (RequestInvalid("no"), "login_invalid"),
        (VmsRefused("no"), "login_not_allowed"),
        (ReplyLost("no"), "login_unavailable"),
        (VmsUnavailable("no"), "login_unavailable"),
        (ProtocolViolation("no"), "login_unexpected"),
        (SecretError("no"), "login_failed"),
        (CertificateRejected("no"), "certificate_untrusted"),
    ],
)
def test_a_step_that_fails_is_named_by_the_class_of_its_error(error: VigieError, code: str) -> None:
    assert code_of("login", error) == code


def test_a_step_that_fails_is_a_finding_with_the_errors_remedy_or_the_general_one() -> None:
    findings = Findings(remedy="Look there.")

    def fail(error: VigieError) -> None:
        raise error

    assert not findings.step("login", "vms", lambda: fail(VmsUnavailable("nobody")))
    assert not findings.step("video", "vms", lambda: fail(VmsRefused("no", remedy="Ask.")), FindingLevel.WARNING)
    assert findings.step("other", "vms", lambda: findings.ok("vms", "other_ok", "fine"))
    told = [(finding.level, finding.code, finding.remedy) for finding in findings.found]
    assert told == [
        (FindingLevel.FAILURE, "login_unavailable", "Look there."),
        (FindingLevel.WARNING, "video_not_allowed", "Ask."),
        (FindingLevel.OK, "other_ok", ""),
    ]


def test_a_defect_is_no_finding() -> None:
    def defect() -> None:
        raise KeyError("defect")

    with pytest.raises(KeyError):
        Findings().step("login", "vms", defect)


@pytest.mark.parametrize(
    ("drift_s", "code", "words"),
    [(0.5, "clock_ok", "agree"), (7.0, "clock_drift", "7.0 s ahead of"), (-7.0, "clock_drift", "7.0 s behind")],
)
def test_clocks_may_differ_by_the_step_of_a_header(drift_s: float, code: str, words: str) -> None:
    findings = Findings()
    findings.clock("vms", "the server", drift_s)
    (finding,) = findings.found
    assert finding.code == code
    assert words in finding.message
