"""The simulator's own options, beside those that every VMS simulator takes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.milestone.simulator.arguments import address, name, pair, port, some_seconds, whole
from connectors.milestone.simulator.event_services import EventOptions, add_event_arguments
from connectors.milestone.simulator.idp.ntlm import WindowsAccount
from connectors.milestone.simulator.media.services import MediaOptions, add_media_arguments
from connectors.milestone.simulator.releases import EDITIONS, LATEST, RELEASES, Release
from connectors.milestone.simulator.rest_options import RestOptions, add_rest_arguments
from connectors.protocols.recordings import add_recording_arguments
from connectors.protocols.simulation import add_common_arguments

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """As parsed."""

    username: str
    password: str
    port: int
    recorder_port: int
    event_port: int
    http_only: bool
    jwt_s: float
    soap_s: float
    slow_s: float
    jump_s: float
    analytics_events: tuple[str, ...]
    user_defined_events: tuple[str, ...]
    disabled_cameras: tuple[str, ...]
    masked_cameras: tuple[str, ...]
    takes_analytics_events: bool
    allowed_addresses: frozenset[str]
    event_retention_days: int
    release: Release
    edition: str
    windows: WindowsAccount | None
    clients: Mapping[str, str]
    recorded_s: float
    recording_gap: tuple[float, float]
    media: MediaOptions
    rest: RestOptions
    told: EventOptions

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Options:
        """From the parsed command line."""
        return cls(
            username=arguments.username,
            password=arguments.password,
            port=arguments.port,
            recorder_port=arguments.recorder_port,
            event_port=arguments.event_port,
            http_only=arguments.http_only,
            jwt_s=arguments.jwt_seconds,
            soap_s=arguments.soap_seconds,
            slow_s=arguments.slow_seconds,
            jump_s=arguments.jump_seconds,
            analytics_events=tuple(arguments.analytics_event or ["Vigie"]),
            user_defined_events=tuple(arguments.user_defined_event),
            disabled_cameras=tuple(arguments.disabled_camera),
            masked_cameras=tuple(arguments.masked_camera),
            takes_analytics_events=not arguments.no_analytics_events,
            allowed_addresses=frozenset(arguments.allow_address),
            event_retention_days=arguments.event_retention_days,
            release=RELEASES[arguments.release],
            edition=arguments.edition,
            windows=_windows(arguments),
            clients=dict(arguments.client),
            recorded_s=arguments.recorded_seconds,
            recording_gap=arguments.recording_gap,
            media=MediaOptions.of(arguments),
            rest=RestOptions.of(arguments),
            told=EventOptions.of(arguments),
        )


def _windows(arguments: argparse.Namespace) -> WindowsAccount | None:
    if not arguments.windows_user:
        return None
    return WindowsAccount.of(arguments.windows_user, arguments.windows_password)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares all of them."""
    add_common_arguments(parser)
    _add_ports(parser)
    _add_site(parser)
    _add_accounts(parser)
    add_recording_arguments(parser)
    add_media_arguments(parser)
    add_rest_arguments(parser)
    add_event_arguments(parser)


def _add_ports(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("ports")
    for option, what, usual in (
        ("--port", "gateway, identity provider and SOAP", 443),
        ("--recorder-port", "video", 7563),
        ("--event-port", "analytics events", 9090),
    ):
        group.add_argument(
            option, type=port, default=0, metavar="N", help=f"{what}; {usual} on a real site (default: a free one)"
        )
    group.add_argument("--http-only", action="store_true", help="a site installed without certificates")


def _add_site(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the site")
    group.add_argument(
        "--release", choices=RELEASES, default=LATEST.name, help="which XProtect it is (default: %(default)s)"
    )
    group.add_argument(
        "--edition", choices=EDITIONS, default="Corporate", help="which edition it is (default: %(default)s)"
    )
    for option, what in (
        ("--analytics-event", "an analytics event that exists (default: Vigie)"),
        ("--user-defined-event", "a user-defined event that exists"),
        ("--disabled-camera", "a camera that is there but disabled"),
        ("--masked-camera", "a camera of that name has a privacy mask"),
    ):
        group.add_argument(option, action="append", default=[], type=name, metavar="NAME", help=what)
    group.add_argument(
        "--no-analytics-events", action="store_true", help="analytics events switched off, as after installation"
    )
    group.add_argument(
        "--allow-address",
        action="append",
        default=[],
        type=address,
        metavar="IP",
        help="only these may send analytics events (default: any)",
    )
    group.add_argument(
        "--event-retention-days",
        type=whole,
        default=0,
        metavar="DAYS",
        help="how long events are stored; 0 stores none (default: %(default)s)",
    )
    group.add_argument(
        "--jump-seconds",
        type=float,
        default=_HOUR_S,
        metavar="S",
        help="how far the fault clock=jump sets the recorder's clock forward; negative: back (default: %(default)g)",
    )


def _add_accounts(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("accounts, beside --username")
    group.add_argument(
        "--windows-user", default="", metavar="DOMAIN\\USER", help="a Windows account that may log in (default: none)"
    )
    group.add_argument(
        "--windows-password", default="vigie-demo", metavar="PASSWORD", help="its password (default: %(default)s)"
    )
    group.add_argument(
        "--client",
        action="append",
        default=[],
        type=pair,
        metavar="ID=SECRET",
        help="client credentials of a service (default: none)",
    )
    for option, kind, default in (("--jwt-seconds", "REST", _HOUR_S), ("--soap-seconds", "SOAP", 4 * _HOUR_S)):
        group.add_argument(
            option,
            type=some_seconds,
            default=default,
            metavar="S",
            help=f"life of a {kind} token (default: %(default)g)",
        )
