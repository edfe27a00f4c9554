"""Every error that Vigie raises on purpose, as one tree.

VigieError
├── SettingsError            the site file (or a rule file) is wrong: exit code 2
├── UsageError               the command line is wrong: exit code 2
├── SecretError              a secret cannot be read
├── ModelError               a detector model or its manifest cannot be used
├── StoreError               the database cannot be used
│   └── StoreInUse           another process of Vigie owns it
├── CodecError               a packet, clip or stream cannot be decoded
├── MetricsError             metrics cannot be shown or sent; the service goes on
└── VmsError                 a VMS answered, or failed to answer
    ├── VmsUnavailable       nobody answers: refused, timed out, 5xx      retry later
    │   ├── ReplyLost        the request left, the answer never came      ask before resending
    │   ├── TimedOut         connected, and no answer came                retry later
    │   ├── StreamEnded      the VMS closed a stream                      open it again
    │   ├── StreamStalled    a stream is open and nothing comes           open it again
    │   │   └── MulticastLost    its multicast group fell silent          open it again
    │   └── ClockSetBack     a stream's capture time went back            open it again
    ├── NotYetTaken          it waits where the VMS fetches it            ask again soon
    ├── VmsRefused           the VMS understood and said no               a person must act
    │   ├── AuthenticationRefused   the account: nothing of ours gets in
    │   │   └── RightMissing        the account got in, but may not do this one thing
    │   ├── NotFoundInVms           no such camera, event, alarm …
    │   └── RequestInvalid          the VMS calls our request malformed
    ├── CertificateRejected  TLS does not verify against the site's CA    a person must act
    └── ProtocolViolation    the answer is not what the protocol says     retry later

Every error says what happened in ``str(error)`` and what to do about it in ``error.remedy``; the cause stays in
``__cause__``. Where it ends a camera's stream, ``VmsError.fault`` is its code. No error text may hold a credential: pass outside text through ``core.redaction.redact``.
"""

from __future__ import annotations

from typing import ClassVar

from core.types import CameraFault


class VigieError(Exception):
    """Base of all expected errors. ``exit_code`` is what a command line ends with."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def line(self) -> str:
        """The one line a person sees."""
        return f"{self}. {self.remedy}" if self.remedy else str(self)


class SettingsError(VigieError):
    """The site file is wrong; the message names file, line and path in the document."""

    exit_code = 2


class UsageError(VigieError):
    """The command was called wrongly."""

    exit_code = 2


class SecretError(VigieError):
    """A secret named in the settings cannot be read."""


class ModelError(VigieError):
    """A detector model cannot be used: absent, altered, unknown or not permitted."""


class StoreError(VigieError):
    """The database cannot be opened, migrated or written."""


class StoreInUse(StoreError):
    """Another process of Vigie owns the database: only one may."""


class CodecError(VigieError):
    """Encoded video that cannot be decoded."""


class MetricsError(VigieError):
    """Metrics cannot be shown or sent; the service goes on without."""


class VmsError(VigieError):
    """Base of everything that can go wrong between Vigie and a VMS.

    ``recovers`` tells whether waiting can help, or a person must act; ``fault`` what is wrong with a camera whose stream
    it ends.
    """

    recovers: ClassVar[bool] = True
    fault: ClassVar[CameraFault] = CameraFault.UNREACHABLE


class VmsUnavailable(VmsError):
    """The VMS does not answer (refused, timed out, 5xx). The request certainly had no effect."""


class TimedOut(VmsUnavailable):
    """A connection was made, an answer never came. Only of requests that change nothing."""

    fault = CameraFault.TIMED_OUT


class StreamEnded(VmsUnavailable):
    """The VMS closed a stream that was open."""

    fault = CameraFault.ENDED


class StreamStalled(VmsUnavailable):
    """A stream is open and nothing comes."""

    fault = CameraFault.STALLED


class MulticastLost(StreamStalled):
    """Nothing comes from a multicast group while its session stands."""

    fault = CameraFault.MULTICAST_LOST


class ClockSetBack(VmsUnavailable):
    """The capture time of a stream went back: what comes of it can no longer be put in order with what came."""

    fault = CameraFault.CLOCK_JUMPED


class ReplyLost(VmsUnavailable):
    """The request may have been carried out: it left whole, but no usable answer came back."""

    fault = CameraFault.TIMED_OUT


class NotYetTaken(VmsError):
    """It lies ready for a VMS that fetches by itself, and that has not fetched it yet."""


class VmsRefused(VmsError):
    """The VMS understood and refused; the same request would be refused again."""

    recovers = False
    fault = CameraFault.REFUSED


class AuthenticationRefused(VmsRefused):
    """User, password or application id are wrong, or the account is locked: nothing of ours gets in."""

    fault = CameraFault.AUTHENTICATION


class RightMissing(AuthenticationRefused):
    """The account is accepted, but lacks the right for this one thing; other requests may go on."""

    fault = CameraFault.REFUSED


class NotFoundInVms(VmsRefused):
    """The VMS does not know the camera, event or alarm named."""


class RequestInvalid(VmsRefused):
    """The VMS calls our request malformed."""


class CertificateRejected(VmsError):
    """The VMS's TLS certificate does not verify against the site's CA or name."""

    recovers = False
    fault = CameraFault.TLS


class ProtocolViolation(VmsError):
    """The VMS's answer is not what its protocol says."""

    fault = CameraFault.PROTOCOL
