"""The drivers that can be played, and how each behaves (research notes A3 and A4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RoleName(StrEnum):
    """Whose driver."""

    XPROTECT = "xprotect"
    GENETEC = "genetec"
    GENERIC = "generic"


class Login(StrEnum):
    """How requests carry the account."""

    DIGEST = "digest"
    USERNAME_TOKEN = "username-token"  # noqa: S105 - no credential, a word


class StreamMethod(StrEnum):
    """How streams are fetched, in the words of the command line."""

    UDP = "udp"
    TCP = "tcp"
    HTTP = "http"
    HTTPS = "https"
    MULTICAST = "multicast"
    RTSPS = "rtsps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One driver.

    ``device_requests``: what it asks the device service, in this order. ``has_long_polls``: a pull waits as long as the
    period, instead of a short look once in a period. ``is_xprotect``: keeps only ``Changed`` and maps topics
    as XProtect does, writes the metadata configuration, starts metadata alone. ``asks_all``: also reads everything
    of the media, event and analytics services that a curious client reads.
    """

    name: RoleName
    login: Login
    clear_method: StreamMethod
    device_requests: tuple[str, ...]
    has_long_polls: bool
    is_xprotect: bool = False
    asks_all: bool = False
    prefers_media1: bool = False
    """Asks the older Media service where both are listed."""
    has_bare_nonce: bool = False
    """UsernameToken with ``mustUnderstand``, its nonce without ``EncodingType``, ``Created`` in whole seconds (A4)."""

    def method(self, *, is_secure: bool) -> StreamMethod:
        """What it uses where nobody chose. Encrypted media come only tunnelled over HTTPS (MS:https)."""
        return StreamMethod.HTTPS if is_secure else self.clear_method


_IDENTITY: Final = ("GetDeviceInformation", "GetScopes", "GetNetworkInterfaces", "GetNetworkProtocols")

ROLES: Final[Mapping[RoleName, Role]] = {
    # Login and order of the requests are unverified; the requests are those of notes A2.
    RoleName.XPROTECT: Role(
        name=RoleName.XPROTECT,
        login=Login.DIGEST,
        clear_method=StreamMethod.UDP,
        device_requests=("GetServices", "GetCapabilities", *_IDENTITY),
        has_long_polls=False,
        is_xprotect=True,
    ),
    # Which media service, the stream method and how events are pulled are unverified.
    RoleName.GENETEC: Role(
        name=RoleName.GENETEC,
        login=Login.USERNAME_TOKEN,
        clear_method=StreamMethod.TCP,
        device_requests=("GetNetworkInterfaces", "GetCapabilities", "GetServices", "GetDeviceInformation", "GetScopes"),
        has_long_polls=True,
        prefers_media1=True,
        has_bare_nonce=True,
    ),
    RoleName.GENERIC: Role(
        name=RoleName.GENERIC,
        login=Login.DIGEST,
        clear_method=StreamMethod.TCP,
        device_requests=(
            "GetServices", "GetCapabilities", "GetServiceCapabilities", *_IDENTITY, "GetHostname", "GetUsers",
        ),
        has_long_polls=True,
        asks_all=True,
    ),
}  # fmt: skip
