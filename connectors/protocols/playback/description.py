"""What a session description says of its video (RFC 4566, RFC 6184 §8.2, RFC 7798 §7.1)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from connectors.protocols.clips import ClipCodec
from connectors.protocols.rtsp.message import parse_parameters
from core.errors import ProtocolViolation, RequestInvalid

_CODECS: Final[dict[str, ClipCodec]] = {"H264": "h264", "H265": "hevc"}
_SETS: Final = ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoTrack:
    """The first video of a description, and the whole that it is part of. ``clock_rate``: RTP ticks per second."""

    url: str
    presentation_url: str
    """What PLAY and TEARDOWN name (RFC 2326 §C.1.1)."""
    payload_type: int
    codec: ClipCodec
    clock_rate: int
    parameter_sets: tuple[bytes, ...]


def video_track(description: str, base: str, place: str) -> VideoTrack:
    """Raises ``RequestInvalid`` for a codec that is neither H.264 nor H.265, ``ProtocolViolation`` without video."""
    attributes = _first_video(description)
    if attributes is None:
        raise ProtocolViolation(f"{place}: the server offers no video track", remedy="Check the stream.")
    kind, named = attributes
    encoding, _, rate = named.get("rtpmap", "").partition(" ")[2].partition("/")
    if encoding.upper() not in _CODECS:
        raise RequestInvalid(f"{place}: {encoding or 'an unnamed codec'} is recorded", remedy="Record H.264 or H.265.")
    rate = rate.partition("/")[0]
    if not kind.isdecimal() or not rate.isdecimal() or not int(rate):
        raise ProtocolViolation(f"{place}: the session description cannot be read")
    try:
        url, presentation_url = (
            _control(base, it) for it in (named.get("control", "*"), _session_control(description))
        )
    except ValueError as error:
        raise ProtocolViolation(f"{place}: the session description names no URL that can be read") from error
    return VideoTrack(
        url=url,
        presentation_url=presentation_url,
        payload_type=int(kind),
        codec=_CODECS[encoding.upper()],
        clock_rate=int(rate),
        parameter_sets=_parameter_sets(named.get("fmtp", "").partition(" ")[2]),
    )


def _first_video(description: str) -> tuple[str, dict[str, str]] | None:
    """Payload type and attributes of the first ``m=video``."""
    kind: str | None = None
    named: dict[str, str] = {}
    for line in description.splitlines():
        if line.startswith("m="):
            if kind is not None:
                break
            words = line[2:].split()
            kind = words[3] if line.startswith("m=video ") and len(words) > 3 else None  # noqa: PLR2004 - RFC 4566 §5.14
        elif kind is not None and line.startswith("a="):
            name, _, value = line[2:].partition(":")
            name, value = name.strip().lower(), value.strip()
            if name not in {"rtpmap", "fmtp"} or value.partition(" ")[0] == kind:
                named.setdefault(name, value)
    return None if kind is None else (kind, named)


def _session_control(description: str) -> str:
    """The ``a=control`` in front of the first medium."""
    for line in description.splitlines():
        if line.startswith("m="):
            break
        if line.lower().startswith("a=control:"):
            return line.partition(":")[2].strip()
    return "*"


def _control(base: str, control: str) -> str:
    return base if control == "*" else urljoin(f"{base.rstrip('/')}/", control)


def _parameter_sets(parameters: str) -> tuple[bytes, ...]:
    given = parse_parameters(parameters)
    texts = [text for name in _SETS for text in given.get(name, "").split(",") if text]
    try:
        return tuple(base64.b64decode(text, validate=True) for text in texts)
    except binascii.Error:  # in-band sets then do
        return ()
