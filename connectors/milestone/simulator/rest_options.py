"""Options of the simulator's REST interfaces and of what may befall them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from connectors.milestone.simulator.arguments import name, share, some_seconds
from connectors.milestone.simulator.config.children import Wrapper
from connectors.milestone.simulator.releases import RELEASES, Release
from connectors.protocols.arguments import seconds

_LAST_OF_2022 = (22, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOptions:
    """As parsed."""

    wrapper: Wrapper = "o25"
    writable_settings: bool = False
    """Whether ``clientSettings`` and ``hardwareDriverSettings`` take PATCH, which nobody has seen XProtect do."""
    task_s: float = 1.0
    recycle_s: float = 3.0
    recycle_every_s: float | None = None
    slow_list_s: float | None = None
    """None: 30 to 120 s, as chance has it."""
    drop_share: float = 0.0
    seed: int = 0
    certificate_name: str | None = None

    def names(self, real: tuple[str, ...]) -> tuple[str, ...]:
        """What the certificates name."""
        return real if self.certificate_name is None else (self.certificate_name,)

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> RestOptions:
        """From the parsed command line."""
        return cls(
            wrapper=arguments.wrapper or default_wrapper(RELEASES[arguments.release]),
            writable_settings=arguments.writable_settings,
            task_s=arguments.task_seconds,
            recycle_s=arguments.recycle_seconds,
            recycle_every_s=arguments.recycle_every,
            slow_list_s=arguments.slow_list_seconds,
            drop_share=arguments.drop_share,
            seed=arguments.seed,
            certificate_name=arguments.certificate_name,
        )


def default_wrapper(release: Release) -> Wrapper:
    """The official description of 2022 R3 until then."""
    return "o22" if release.number <= _LAST_OF_2022 else "o25"


def add_rest_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares them."""
    _add_shapes(parser)
    _add_troubles(parser)


def _add_shapes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("REST interfaces")
    group.add_argument(
        "--wrapper",
        choices=("o22", "o25"),
        help="shape of the answers: official text of 2022 R3 or of 2025 (default: by release)",
    )
    group.add_argument("--writable-settings", action="store_true", help="client and driver settings take PATCH")
    group.add_argument(
        "--task-seconds",
        type=seconds,
        default=1.0,
        metavar="S",
        help="how long AddHardware takes (default: %(default)g)",
    )


def _add_troubles(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("trouble, beside --fault")
    group.add_argument("--recycle-every", type=some_seconds, metavar="S", help="recycle the gateway (default: never)")
    group.add_argument(
        "--recycle-seconds",
        type=seconds,
        default=3.0,
        metavar="S",
        help="how long a recycled gateway answers 502 and 503 (default: %(default)g)",
    )
    group.add_argument(
        "--slow-seconds",
        type=seconds,
        default=30.0,
        metavar="S",
        help="how late the fault publish=slow answers (default: %(default)g)",
    )
    group.add_argument(
        "--slow-list-seconds",
        type=seconds,
        metavar="S",
        help="how late the fault slow-list=slow answers (default: 30 to 120)",
    )
    group.add_argument(
        "--drop-share",
        type=share,
        default=0.0,
        metavar="P",
        help="share of REST requests whose connection is cut, 0 to 1 (default: %(default)g)",
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="of all chance in here (default: %(default)s)")
    group.add_argument(
        "--certificate-name",
        type=name,
        metavar="NAME",
        help="the name in the certificates (default: those by which the site is reached)",
    )
