"""One SOAP request as a service sees it, and what may come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from lxml import etree

TER: Final = "http://www.onvif.org/ver10/error"


class Access(StrEnum):
    """ONVIF's access classes, as far as they matter to one account (SPEC:Core "Access classes for service requests")."""

    PRE_AUTH = "PRE_AUTH"
    """Answered without credentials."""
    AUTHENTICATED = "AUTHENTICATED"
    """Everything else: the device has one account, an operator's."""


Written: TypeAlias = Callable[[bool], None]
"""Told once what became of an answer: True when all of it was written and drained, False when it was not."""


def _written_at_once(callback: Written) -> None:
    callback(True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. ``body`` is the child of the SOAP body; ``base_url`` is ``scheme://host:port`` as the client wrote it.

    ``path`` is the HTTP path, which names the pull point where one is asked. ``after_written`` takes callbacks of a
    handler that must know whether its answer reached the client's socket. Whoever serves the call owes each of them
    exactly one call, also where the handler was cancelled, raised, or its answer was never sent (False). A caller that
    writes nothing, such as a test, leaves the default: the answer counts as written at once.
    """

    body: etree._Element
    base_url: str
    path: str
    is_secure: bool = False
    after_written: Callable[[Written], None] = _written_at_once

    @property
    def host(self) -> str:
        """Host name by which the client reached us, without port; IPv6 addresses in brackets."""
        authority = self.base_url.partition("://")[2]
        host, colon, port = authority.rpartition(":")
        return host if colon and port.isdigit() else authority


class Fault(Exception):
    """A SOAP fault: ``code`` is ``Sender`` or ``Receiver``, ``subcodes`` names of ONVIF's error namespace, outer first.

    ``detail`` is what goes into the fault's ``Detail``: the event service's faults are told by it (SPEC:Core "SOAP
    Fault Messages").
    """

    def __init__(
        self, code: str, subcodes: tuple[str, ...], reason: str, *, detail: etree._Element | None = None
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.subcodes = subcodes
        self.detail = detail


def invalid_argument(subcode: str, reason: str) -> Fault:
    """``ter:InvalidArgVal`` with the detail that the operation's specification names."""
    return Fault("Sender", ("InvalidArgVal", subcode), reason)


def not_supported(reason: str) -> Fault:
    """``ter:ActionNotSupported``."""
    return Fault("Receiver", ("ActionNotSupported",), reason)


Answer: TypeAlias = "etree._Element | Awaitable[etree._Element]"  # noqa: SLF001 - lxml's only name for the type


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: the qualified name of its request element, and who answers.

    ``handle`` gets the call and returns the response element; raises ``Fault``. A coroutine may wait (long polls);
    a plain function runs on the event loop and must not.
    """

    namespace: str
    name: str
    handle: Callable[[Call], Answer]
    access: Access = Access.AUTHENTICATED
