"""The simulator's own options, beside those that every VMS simulator takes."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from connectors.onvif.simulator.camera.login import Login
from connectors.protocols.simulation import add_common_arguments

_LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """As parsed."""

    username: str
    password: str
    login: Login
    port: int
    rtsp_port: int
    rtsps_port: int
    http_only: bool
    rtsps_only: bool
    has_media: bool
    has_media2: bool
    has_snapshots: bool
    has_substreams: bool
    inputs: tuple[str, ...]
    clock_skew_s: float
    jump_s: float
    slow_s: float
    nonce_s: float
    max_subscriptions: int
    multicast: IPv4Address | None
    multicast_port: int

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Options:
        """From the parsed command line."""
        return cls(
            username=arguments.username,
            password=arguments.password,
            login=Login(arguments.login),
            port=arguments.port,
            rtsp_port=arguments.rtsp_port,
            rtsps_port=arguments.rtsps_port,
            http_only=arguments.http_only,
            rtsps_only=arguments.rtsps_only,
            has_media=not arguments.no_media,
            has_media2=not arguments.no_media2,
            has_snapshots=not arguments.no_snapshots,
            has_substreams=arguments.substreams,
            inputs=tuple(arguments.input or ["Input 1"]),
            clock_skew_s=arguments.clock_skew,
            jump_s=arguments.jump_seconds,
            slow_s=arguments.slow_seconds,
            nonce_s=arguments.nonce_seconds,
            max_subscriptions=arguments.max_subscriptions,
            multicast=arguments.multicast,
            multicast_port=arguments.multicast_port,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares all of them."""
    add_common_arguments(parser)
    _add_ports(parser)
    _add_bridge(parser)
    _add_times(parser)


def _add_ports(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("ports")
    for option, what in (
        ("--port", "ONVIF, snapshots and RTSP over HTTP; 580 on a real bridge"),
        ("--rtsp-port", "RTSP; 554 on a real bridge"),
        ("--rtsps-port", "RTSP over TLS"),
    ):
        group.add_argument(option, type=_port, default=0, metavar="N", help=f"{what} (default: a free one)")
    group.add_argument(
        "--rtsps-only", action="store_true", help="a bridge that gives encrypted streams to who asks for RTSP by TCP"
    )
    group.add_argument("--http-only", action="store_true", help="a bridge without certificates: no HTTPS, no RTSPS")
    group.add_argument(
        "--multicast",
        type=_group,
        metavar="ADDRESS",
        help="also send video to groups, one for each profile from this address on (default: none)",
    )
    group.add_argument(
        "--multicast-port", type=_port, default=5004, metavar="N", help="their RTP port, even (default: %(default)s)"
    )


def _add_bridge(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the bridge")
    group.add_argument(
        "--login",
        choices=[login.value for login in Login],
        default=Login.BOTH.value,
        help="how clients may log in: HTTP Digest, WS-Security UsernameToken (default: %(default)s)",
    )
    group.add_argument("--no-media", action="store_true", help="without the older Media service")
    group.add_argument("--no-media2", action="store_true", help="without the Media2 service")
    group.add_argument("--no-snapshots", action="store_true", help="without snapshots")
    group.add_argument("--substreams", action="store_true", help="a second, smaller profile of each camera")
    group.add_argument(
        "--input", action="append", default=[], metavar="TOKEN", help="a digital input (default: Input 1)"
    )
    group.add_argument(
        "--max-subscriptions", type=_count, default=10, metavar="N", help="pull points at a time (default: %(default)s)"
    )


def _add_times(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("time")
    for option, what, default in (
        ("--clock-skew", "how far the bridge's clock is ahead of this machine's, or behind where negative", 0.0),
        ("--jump-seconds", "how far the fault clock=jump sets that clock forward", 3600.0),
        ("--slow-seconds", "how late slow answers come", 3.0),
        ("--nonce-seconds", "how long a digest nonce may be used", 300.0),
    ):
        group.add_argument(option, type=_seconds, default=default, metavar="S", help=f"{what} (default: %(default)g)")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to {_LARGEST_PORT}")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        span = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from error
    if not math.isfinite(span):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return span


def _group(text: str) -> IPv4Address:
    try:
        address = IPv4Address(text)
    except AddressValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IPv4 address") from error
    if not address.is_multicast:
        raise argparse.ArgumentTypeError(f"{text} is no multicast address; 239.0.0.0/8 is the site's own")
    return address
