"""The simulator's own options, beside those that every VMS simulator takes."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

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
    analytics_events: tuple[str, ...]
    user_defined_events: tuple[str, ...]
    disabled_cameras: tuple[str, ...]
    takes_analytics_events: bool
    allowed_addresses: frozenset[str]
    event_retention_days: int

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
            analytics_events=tuple(arguments.analytics_event or ["Vigie"]),
            user_defined_events=tuple(arguments.user_defined_event),
            disabled_cameras=tuple(arguments.disabled_camera),
            takes_analytics_events=not arguments.no_analytics_events,
            allowed_addresses=frozenset(arguments.allow_address),
            event_retention_days=arguments.event_retention_days,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares all of them."""
    add_common_arguments(parser)
    _add_ports(parser)
    _add_site(parser)
    parser.add_argument("--jwt-seconds", type=float, default=_HOUR_S, metavar="S", help="life of a REST token")
    parser.add_argument("--soap-seconds", type=float, default=4 * _HOUR_S, metavar="S", help="life of a SOAP token")
    parser.add_argument(
        "--slow-seconds", type=float, default=30.0, metavar="S", help="how late the fault publish=slow answers"
    )


def _add_ports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=0, help="gateway, IDP and SOAP; 443 on a real site (default: free)")
    parser.add_argument("--recorder-port", type=int, default=0, help="video; 7563 on a real site (default: free)")
    parser.add_argument(
        "--event-port", type=int, default=0, help="analytics events; 9090 on a real site (default: free)"
    )
    parser.add_argument("--http-only", action="store_true", help="a site installed without certificates")


def _add_site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--analytics-event", action="append", metavar="NAME", help="an analytics event that exists (default: Vigie)"
    )
    parser.add_argument(
        "--user-defined-event", action="append", default=[], metavar="NAME", help="a user-defined event that exists"
    )
    parser.add_argument(
        "--disabled-camera", action="append", default=[], metavar="NAME", help="a camera that is there but disabled"
    )
    parser.add_argument(
        "--no-analytics-events", action="store_true", help="analytics events switched off, as after installation"
    )
    parser.add_argument(
        "--allow-address", action="append", default=[], metavar="IP", help="only these may send analytics events"
    )
    parser.add_argument(
        "--event-retention-days", type=int, default=0, metavar="DAYS", help="0 stores no event (default: %(default)s)"
    )
