"""One HTTP session per VMS, whose failures are ``core.errors`` and say whether the request may have had effect."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from urllib3.exceptions import LocationParseError, NewConnectionError

from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    VmsRefused,
    VmsUnavailable,
)
from core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNTOUCHED_STATUS = frozenset({408, 425, 429, 503})
"""The server turned the request away before doing anything."""

_REFUSALS: dict[int, type[VmsRefused]] = {
    400: RequestInvalid,
    401: AuthenticationRefused,
    403: RightMissing,
    404: NotFoundInVms,
    405: RequestInvalid,
    411: RequestInvalid,
    415: RequestInvalid,
}
_EXCERPT = 200
"""Characters of an error page worth showing."""

_READABLE = 4096
"""Characters of it worth redacting first: a credential cut in half would not be recognised."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns what ``requests`` raises into ``VmsError``; ``what`` names the peer and the call for a person."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        if _is_of_the_ca_file(error):
            raise _unusable_authority(what, error) from error
        if not _is_untrusted(error):
            raise ReplyLost(f"{what}: TLS failed ({_root_of(error)})", remedy=_REACH) from error
        raise CertificateRejected(
            f"{what}: the TLS certificate does not verify ({_root_of(error)})",
            remedy="Give the site's CA with 'ca:', and connect by the name that the certificate carries.",
        ) from error
    except requests.exceptions.ConnectTimeout as error:
        raise VmsUnavailable(f"{what}: no connection within the time-out", remedy=_REACH) from error
    except requests.exceptions.ConnectionError as error:
        if _never_connected(error):
            raise VmsUnavailable(f"{what}: cannot connect ({_root_of(error)})", remedy=_REACH) from error
        raise ReplyLost(f"{what}: the connection broke before the answer ({_root_of(error)})") from error
    except (requests.exceptions.InvalidURL, LocationParseError) as error:
        raise VmsUnavailable(f"{what}: the address cannot be read ({_root_of(error)})", remedy=_REACH) from error
    except requests.exceptions.RequestException as error:
        raise ReplyLost(f"{what}: no answer ({_root_of(error)})") from error
    except OSError as error:  # requests looks for the file before it connects, and raises nothing of its own
        raise _unusable_authority(what, error) from error


_REACH = "Check the address, the port, the firewall and that the VMS service runs."


def require_success(response: requests.Response, what: str) -> requests.Response:
    """The response itself when 2xx; else the ``VmsError`` that its status means."""
    status = response.status_code
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own bounds
        return response
    message = f"{what}: HTTP {status} {redact(response.text[:_READABLE])[:_EXCERPT].strip()}".rstrip()
    if status in _UNTOUCHED_STATUS:
        raise VmsUnavailable(message)
    if status >= 500:  # noqa: PLR2004 - the server failed midway: it may have done it
        raise ReplyLost(message)
    raise _REFUSALS.get(status, VmsRefused)(message)


class HttpSession:
    """``requests.Session`` with the site's CA, explicit time-outs and translated failures."""

    def __init__(self, *, ca: Path | None, timeout_s: float) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(ca) if ca else True
        self._timeout_s = timeout_s

    @property
    def raw(self) -> requests.Session:
        """The session itself, for zeep and for streams."""
        return self._session

    def request(self, method: str, url: str, *, what: str, **options: Any) -> requests.Response:
        """Sends and returns whatever status comes back; ``what`` names the call in errors."""
        options.setdefault("timeout", self._timeout_s)
        with translated(what):
            return self._session.request(method, url, **options)

    def close(self) -> None:
        """Closes its connections."""
        self._session.close()


def _never_connected(error: BaseException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _unusable_authority(what: str, error: BaseException) -> CertificateRejected:
    return CertificateRejected(
        f"{what}: the CA file cannot be used ({_root_of(error)})",
        remedy="Set 'ca:' to the PEM file of the site's certificate authority.",
    )


def _is_of_the_ca_file(error: BaseException) -> bool:
    """OpenSSL's X.509 library reads the file; what is wrong with a peer's certificate is said by its SSL library."""
    return any(isinstance(step, ssl.SSLError) and step.library == "X509" for step in _steps(error))


def _is_untrusted(error: BaseException) -> bool:
    """A server that hangs up during the handshake also is an SSLError, but not a matter of trust."""
    return any(isinstance(step, ssl.SSLCertVerificationError) for step in _steps(error))


def _root_of(error: BaseException) -> str:
    *_, root = _steps(error)
    return redact(str(root) or type(root).__name__)[:_EXCERPT]


def _steps(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, one after the other."""
    step: BaseException | None = error
    while step:
        yield step
        step = step.__cause__ or step.__context__
