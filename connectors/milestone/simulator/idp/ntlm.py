"""HTTP NTLM as IIS asks for it: several legs on one connection, which then belongs to the account (notes §1.2, §1.4).

The credentials that a client sends wrapped in SPNEGO (Kerberos first) are not simulated: it must send plain NTLM, as
it may under either name.
"""

from __future__ import annotations

import os
import threading
from asyncio import BaseTransport
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import spnego
from aiohttp import web
from spnego.exceptions import SpnegoError

from connectors.milestone.simulator.site import fresh_id
from connectors.milestone.simulator.web.html import error_page
from core.errors import UsageError

_USERS = "NTLM_USER_FILE"
"""Where pyspnego looks for the file with the accounts that may log in."""

_environment = threading.Lock()
_SCHEMES = ("Negotiate", "NTLM")
_SIGNATURE = b"NTLMSSP\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsAccount:
    """An account of the Windows domain. Neither domain nor name is case-sensitive."""

    domain: str
    name: str
    password: str

    @classmethod
    def of(cls, text: str, password: str) -> WindowsAccount:
        r"""From ``DOMAIN\user``. Raises ``UsageError``."""
        domain, backslash, name = text.partition("\\")
        if not (domain and backslash and name) or ":" in text + password:
            raise UsageError(
                f"--windows-user {text!r} is no Windows account",
                remedy=r"Write DOMAIN\user; neither it nor its password may hold a colon.",
            )
        return cls(domain=domain, name=name, password=password)

    @property
    def full_name(self) -> str:
        r"""``DOMAIN\user``."""
        return f"{self.domain}\\{self.name}"

    def is_named(self, text: str) -> bool:
        """Whether a user name, with its domain or without, means this account."""
        return text.lower() in {self.full_name.lower(), self.name.lower()}


class NtlmRefused(Exception):
    """The caller is not known yet; ``response`` is what to answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__("401")
        self.response = response


class NtlmGate:
    """Lets a connection through once its client has proved to be ``account``; None lets nobody through."""

    def __init__(self, account: WindowsAccount | None, folder: Path) -> None:
        # Where nobody may log in the legs are the same, and the last one fails.
        self._account = account or WindowsAccount(domain="", name=fresh_id(), password=fresh_id())
        self._file = folder / "ntlm-users"
        self._handshakes: WeakKeyDictionary[BaseTransport, spnego.ContextProxy] = WeakKeyDictionary()
        self._known: WeakKeyDictionary[BaseTransport, str] = WeakKeyDictionary()
        known = self._account
        self._file.write_text(f"{known.domain}:{known.name}:{known.password}\n", encoding="utf-8")

    def user(self, request: web.BaseRequest) -> str:
        r"""The account ``DOMAIN\user`` behind the request. Raises ``NtlmRefused`` with the next leg's answer."""
        connection = request.transport
        if connection is None:
            raise NtlmRefused(_challenge())
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if not text and connection in self._known:
            return self._known[connection]
        if scheme not in _SCHEMES:
            raise NtlmRefused(_challenge())
        return self._leg(connection, scheme, text)

    def _leg(self, connection: BaseTransport, scheme: str, text: str) -> str:
        try:
            answer = self._step(connection, b64decode(text, validate=True))
        except (SpnegoError, ValueError) as error:
            self._handshakes.pop(connection, None)
            raise NtlmRefused(_challenge()) from error
        if answer:
            raise NtlmRefused(_challenge(scheme, answer))
        del self._handshakes[connection]
        self._known[connection] = self._account.full_name
        return self._known[connection]

    def _step(self, connection: BaseTransport, token: bytes) -> bytes | None:
        """One leg: a challenge to send, or None when the client has proved itself. Raises ``SpnegoError``."""
        if not token.startswith(_SIGNATURE):
            raise ValueError("no NTLM message")
        with self._users():
            handshake = self._handshakes.get(connection)
            if handshake is None:
                handshake = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
                self._handshakes[connection] = handshake
            return handshake.step(token)

    @contextmanager
    def _users(self) -> Iterator[None]:
        """Lets pyspnego find the account: it looks in the environment of the process, in which other simulators may live."""
        with _environment:
            before = os.environ.get(_USERS)
            os.environ[_USERS] = str(self._file)
            try:
                yield
            finally:
                if before is None:
                    del os.environ[_USERS]
                else:
                    os.environ[_USERS] = before


def _challenge(scheme: str = "", token: bytes = b"") -> web.Response:
    response = error_page(401)
    for name in (scheme,) if token else _SCHEMES:
        response.headers.add("WWW-Authenticate", f"{name} {b64encode(token).decode()}".rstrip())
    return response
