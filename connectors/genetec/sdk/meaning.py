"""What the SDK's codes mean for a delivery, by name: their numbers are not public."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)

_ACCOUNT = "Check user, password and that the account is active in Config Tool."
_CERTIFICATE = (
    "Check the SDK certificate ('application_id') and that the system's licence has its part number"
    " (Config Tool → About → Certificates)."
)

_LOGON: Mapping[str, tuple[type[VmsError], str]] = {
    "DirectoryCertificateNotTrusted": (
        CertificateRejected,
        "Install the Directory's certificate authority in Windows' store of this machine.",
    ),
    "CertificateRegistrationError": (AuthenticationRefused, _CERTIFICATE),
    "UnableToIdentifyClientApplication": (AuthenticationRefused, _CERTIFICATE),
    "LicenseError": (AuthenticationRefused, _CERTIFICATE),
    "ExceededNumberOfWorkstations": (VmsUnavailable, "All connections of this licence part are in use: free one."),
    "InsufficientPrivileges": (AuthenticationRefused, "Give the user the privilege 'Log on using the SDK'."),
    "InvalidVersion": (VmsRefused, "The SDK is newer than the Directory, or more than three major versions older."),
    **dict.fromkeys(
        (
            "InvalidCredential",
            "PasswordExpired",
            "UserAccountDisabledOrLocked",
            "DisallowedBySchedule",
            "InsufficientSecurityLevel",
            "SpecifyDomain",
            "InvalidSupervisor",
            "CantSuperviseSelf",
            "SupervisorPasswordIsEmpty",
            "UserAndSupervisorOnDifferentDomains",
            "UnableToRetrievePrivileges",
            "MissingRequestUserChangePassordEvent",
        ),
        (AuthenticationRefused, _ACCOUNT),
    ),
}
"""The others (``Failed``, ``Timeout``, ``ConnectionLost`` …) may pass by themselves."""

_SDK: Mapping[str, tuple[type[VmsError], str]] = {
    "UnsufficientPrivilege": (RightMissing, "Give Vigie's user this privilege in Config Tool."),
    "UnableToRetrieveEntity": (
        NotFoundInVms,
        "Compare with the GUIDs listed as docs/security-center.md says; give the user access to its partition.",
    ),
    "InvalidValue": (RequestInvalid, ""),
    "CannotSetProperty": (RequestInvalid, ""),
    "CannotGetProperty": (RequestInvalid, ""),
    **dict.fromkeys(
        (
            "MissingClientCertificate",
            "InvalidClientCertificate",
            "MissingCertificate",
            "CertificateCountExceeded",
            "InvalidApplicationId",
        ),
        (AuthenticationRefused, _CERTIFICATE),
    ),
    "SdkRequestError": (ReplyLost, ""),
}
"""By their names; no public text says more [U]. ``InvalidOperation`` is left out: what an engine that is not connected says
must not give a delivery up."""


def logon_error(code: str, text: str) -> VmsError:
    """Of a ``ConnectionStateCode``."""
    kind, remedy = _LOGON.get(code, (VmsUnavailable, "Check the Directory's address, and that it runs."))
    return kind(f"{text} ({code})", remedy=remedy)


def sdk_error(code: str, text: str) -> VmsError:
    """Of an ``SdkError``, or of an exception without a code: then it is not known whether it had an effect."""
    kind, remedy = _SDK.get(code, (ProtocolViolation, ""))
    return kind(f"{text} ({code})" if code else text, remedy=remedy)
