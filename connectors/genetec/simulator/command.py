"""``vigie simulate security-center``."""

from __future__ import annotations

import argparse

from connectors.genetec.simulator.privileges import DENIABLE
from connectors.genetec.simulator.simulator import start
from connectors.genetec.simulator.websdk import FAULTS
from connectors.protocols.recordings import add_recording_arguments
from connectors.protocols.simulation import add_common_arguments, run_simulator


class SecurityCenterCommand:
    """Runs a Security Center that needs no licence, on this machine."""

    name = "security-center"
    help = "a simulated Genetec Security Center: Web SDK, event stream, Media Gateway video"

    def configure(self, parser: object) -> None:
        """Adds the simulator's arguments; ports are the product's where they need no privileges."""
        assert isinstance(parser, argparse.ArgumentParser)
        add_common_arguments(parser)
        for name, default, text in (
            ("--port", 4590, "Web SDK"),
            ("--stream-port", 4591, "event streams"),
            ("--rtsp-port", 6540, "Media Gateway (654 in the product)"),
        ):
            parser.add_argument(name, type=int, default=default, help=f"port of {text}, 0: free (default: %(default)s)")
        parser.add_argument("--base-uri", default="WebSdk", help="first part of the path (default: %(default)s)")
        parser.add_argument("--application-id", default="vigie-demo-application", help="what a client has to give")
        parser.add_argument("--custom-event", action="append", metavar="NUMBER:NAME", help='default: "5000:Vigie"')
        parser.add_argument(
            "--control-event", action="append", default=[], metavar="NUMBER:NAME", help="one that triggers no alarm"
        )
        parser.add_argument("--alarm", default="Vigie alarm", help="alarm that the custom events trigger")
        parser.add_argument("--no-event-to-action", action="store_true", help="custom events trigger no alarm")
        parser.add_argument("--fresh", action="store_true", help="as installed: no custom event, no alarm")
        parser.add_argument(
            "--deny", action="append", default=[], choices=DENIABLE, help="what this account lacks the privilege for"
        )
        add_recording_arguments(parser)
        _add_role_arguments(parser)

    def run(self, arguments: object) -> int:
        """Serves until told to stop."""
        assert isinstance(arguments, argparse.Namespace)
        return run_simulator(arguments, start, faults=FAULTS)


def _add_role_arguments(parser: argparse.ArgumentParser) -> None:
    role = parser.add_argument_group("behaviour of the role")
    role.add_argument("--reactivation-threshold", type=int, default=0, metavar="S", help="of the alarm (default: 0)")
    role.add_argument("--extra-user", action="append", default=[], metavar="NAME=PASSWORD", help="another account")
    role.add_argument("--licensed-users", type=int, default=1, metavar="N", help="concurrent accounts (default: 1)")
    role.add_argument("--session-timeout", type=float, default=300.0, metavar="S", help="a logon without requests ends")
    role.add_argument("--keep-alive", type=float, default=10.0, metavar="S", help="between keep-alives of a stream")
    role.add_argument("--stream-seconds", type=float, metavar="S", help="cut every stream off after so long")
    role.add_argument("--no-stream-redirect", action="store_true", help="stream events on the main port")
    role.add_argument("--role-restart-every", type=float, metavar="S", help="restart the role again and again")
    role.add_argument("--role-restart-seconds", type=float, default=4.0, metavar="S", help="away so long (default: 4)")
    role.add_argument("--terse", action="store_true", help="tell of alarms no more than their number and times")
    role.add_argument("--slow", type=float, default=15.0, metavar="S", help="delay of the outcome 'slow'")
    role.add_argument("--report-limit", type=int, default=10_000, metavar="N", help="most rows of a report")
    role.add_argument("--flat-errors", action="store_true", help="failure fields beside Status instead of in Result")


COMMAND = SecurityCenterCommand()
