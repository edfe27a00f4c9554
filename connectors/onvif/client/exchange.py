"""One HTTP exchange with a bridge: declared hosts only, TLS by the site's CA, no redirects, bounded in size and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import requests

from connectors.onvif.client.login import DigestLogin
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.http import HttpSession, require_success, translated
from core.contracts import Clock
from core.errors import AuthenticationRefused, ProtocolViolation, ReplyLost, VmsRefused
from core.redaction import redact

_CHUNK_BYTES: Final = 65_536
_UNAUTHORIZED: Final = 401
_ACCOUNT: Final = "Check 'username', 'password' and 'login'; add the account in the bridge's own list of users, which need not be the VMS's."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back; the names are those that zeep reads of a ``requests.Response``."""

    status_code: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = "utf-8"
    has_login: bool = False
    """Whether HTTP challenged us, and took the answer."""


class Exchange:
    """Sends to one bridge. Thread-safe as far as ``requests`` is."""

    def __init__(self, settings: OnvifSettings, http: HttpSession, password: Callable[[], str], clock: Clock) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._digest = DigestLogin(settings.username, password)

    def send(
        self,
        method: str,
        url: str,
        *,
        what: str,
        max_bytes: int,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
        digest: bool = False,
        timeout_s: float | None = None,
    ) -> Reply:
        """Sends, and answers a digest challenge if ``digest``; returns any answer but 401 and redirections.

        Raises ``VmsRefused`` for an address that the site file does not allow, ``AuthenticationRefused`` for a 401.
        """
        self._require_allowed(url, what)
        within_s = timeout_s or self._settings.timeout_s
        reply, challenges = self._sent(method, url, what, max_bytes, data, headers or {}, digest, within_s)
        for only_stale in (False, True):
            if reply.status_code != _UNAUTHORIZED or not digest:
                break
            if not self._digest.challenged(challenges, only_stale=only_stale):
                break
            reply, challenges = self._sent(method, url, what, max_bytes, data, headers or {}, digest, within_s)
        if reply.status_code == _UNAUTHORIZED:
            raise AuthenticationRefused(f"{what}: HTTP 401, the login is refused", remedy=_ACCOUNT)
        return reply

    def _require_allowed(self, url: str, what: str) -> None:
        self._settings.require_declared(url, what)
        scheme = urlsplit(url).scheme
        if scheme not in {"http", "https"}:
            raise ProtocolViolation(f"{what}: {redact(url)} is no web address")
        if scheme == "http" and not self._settings.allow_http:
            raise VmsRefused(
                f"{what}: the bridge announces {redact(url)}, which is not encrypted",
                remedy="Enable HTTPS in the bridge, or set allow_http: true to accept that video travels in clear.",
            )

    def _sent(
        self,
        method: str,
        url: str,
        what: str,
        max_bytes: int,
        data: bytes,
        headers: Mapping[str, str],
        digest: bool,
        within_s: float,
    ) -> tuple[Reply, list[str]]:
        login = self._digest.authorization(method, url) if digest else ""
        sent = {**headers, "Authorization": login} if login else dict(headers)
        until = self._clock.monotonic() + within_s
        response = self._http.request(
            method,
            url,
            what=what,
            data=data or None,
            headers=sent,
            timeout=within_s,
            allow_redirects=False,
            stream=True,
        )
        with response:
            if response.is_redirect:
                raise _redirected(response, what)
            content = self._content(response, what, max_bytes, until)
            challenges = response.raw.headers.getlist("WWW-Authenticate")
        reply = Reply(
            status_code=response.status_code, content=content, headers=response.headers, has_login=bool(login)
        )
        return reply, challenges

    def _content(self, response: requests.Response, what: str, max_bytes: int, until: float) -> bytes:
        """Read in parts: ``requests`` limits neither the size nor the whole time of an answer."""
        parts = bytearray()
        with translated(what):
            for part in response.iter_content(_CHUNK_BYTES):
                parts += part
                if len(parts) > max_bytes:
                    raise ProtocolViolation(f"{what}: the answer is larger than {max_bytes} bytes")
                if self._clock.monotonic() > until:
                    raise ReplyLost(f"{what}: the answer did not end in time", remedy="Look at the bridge's load.")
        return bytes(parts)


def require_ok(reply: Reply, what: str) -> Reply:
    """The reply itself when 2xx; else the ``VmsError`` that its status means."""
    response = requests.Response()
    response.status_code = reply.status_code
    response._content = reply.content  # noqa: SLF001 - there is no public way to make one
    require_success(response, what)
    return reply


def _redirected(response: requests.Response, what: str) -> VmsRefused:
    target = redact(response.headers.get("Location", "")[:200])
    return VmsRefused(
        f"{what}: the answer is a redirection to {target or 'nowhere'}, which is not followed",
        remedy="Write as 'url' the address at which the bridge answers itself; see that it is no proxy or web portal.",
    )
