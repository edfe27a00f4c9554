"""Kinds of values on the simulators' command lines. What is none is refused in the words of the option."""

from __future__ import annotations

import argparse
import math
from ipaddress import ip_address

from connectors.protocols.arguments import number

_LARGEST_PORT = 65_535


def port(text: str) -> int:
    """A TCP port; 0 is any free one."""
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to {_LARGEST_PORT}")
    return int(text)


def whole(text: str) -> int:
    """A number that counts something."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def some_seconds(text: str) -> float:
    """A span of more than 0."""
    span = number(text)
    if not 0.0 < span < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, more than 0")
    return span


def share(text: str) -> float:
    """A part of 1."""
    value = number(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not within 0 to 1")
    return value


def address(text: str) -> str:
    """An IP address, as connections show it."""
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address") from error


def name(text: str) -> str:
    """A name that is not empty."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a name must not be empty")
    return text


def pair(text: str) -> tuple[str, str]:
    """Two parts with ``=`` between them; the second one may hold more of it, and may be secret."""
    first, _, second = text.partition("=")
    if not first or not second:
        raise argparse.ArgumentTypeError("two parts with '=' between them are expected")
    return first, second
