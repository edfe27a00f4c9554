"""``vigie bench sdk-bridge``: minutes of abuse of the process that hosts Genetec's SDK, then a count.

Against a stub, as Genetec's SDK cannot be shipped. It is killed, its Directory goes away every few seconds, and its own
threads raise events whose handling fails; meanwhile alerts are delivered, and alarms acknowledged.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from connectors.genetec.sdk.bench_abuse import CAMERA, Abuse, Plan
from connectors.genetec.sdk.bench_stub import (
    ALARM,
    CERTIFICATE,
    FOLDER_VARIABLE,
    PASSWORD,
    StubCenter,
    compile_stub,
    stub_runtime_config,
)
from connectors.genetec.sdk.connector import GenetecSdkConnector
from connectors.genetec.sdk.settings import GenetecSdkSettings
from core.cli.output import add_json_flag, print_json, remarks
from core.clock import SystemClock
from core.logs import configure_logging
from core.services import Services

_SOURCES: Final = Path("tests/connectors/genetec/sdk/stub")
_SECRETS: Final = {"PASSWORD": PASSWORD, "CERTIFICATE": CERTIFICATE}


class SdkBridgeBench:
    """The sub-command."""

    name = "sdk-bridge"
    help = "abuse of the process that hosts Genetec's SDK (a stub of it)"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--minutes", type=float, default=5.0, help="how long (default: %(default)s)")
        parser.add_argument("--kills", type=int, default=20, help="of the process (default: %(default)s)")
        parser.add_argument("--events", type=int, default=10_000, help="that fail (default: %(default)s)")
        parser.add_argument("--runtime", choices=("mono", "coreclr"), default="mono", help="(default: %(default)s)")
        parser.add_argument("--dotnet-root", type=Path, metavar="DIR", help="folder of .NET, for coreclr")
        parser.add_argument(
            "--stub", type=Path, default=_SOURCES, metavar="DIR", help="its sources (default: %(default)s)"
        )
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        configure_logging("error")
        plan = Plan(seconds=arguments.minutes * 60, kills=arguments.kills, events=arguments.events)
        with tempfile.TemporaryDirectory(prefix="vigie-sdk-bridge-") as folder:
            remarks().print(f"{arguments.minutes:g} minutes on {arguments.runtime}", style="dim")
            result = Abuse(*_prepared(Path(folder), arguments), plan).run()
        document = {**asdict(result), "is_good": result.is_good}
        if arguments.json:
            print_json(document)
        else:
            for name, figure in document.items():
                print(f"{name}: {figure}")  # noqa: T201 - the command's result
        return 0 if result.is_good else 1


def _prepared(folder: Path, arguments: argparse.Namespace) -> tuple[StubCenter, GenetecSdkConnector]:
    sdk = folder / "sdk"
    sdk.mkdir()
    settings: dict[str, Any] = {"runtime": arguments.runtime, "sdk_folder": compile_stub(arguments.stub, sdk)}
    if arguments.runtime == "coreclr":
        root = arguments.dotnet_root and arguments.dotnet_root.resolve()
        settings |= {"runtime_config": stub_runtime_config(sdk), "dotnet_root": root}
    center = StubCenter(folder)
    center.cameras(CAMERA.device)
    os.environ[FOLDER_VARIABLE] = str(folder)
    connector = GenetecSdkConnector(bench_settings(**settings), _services(folder))
    connector.list_cameras()  # says at once what is wrong with the runtime
    return center, connector


def bench_settings(**given: Any) -> GenetecSdkSettings:
    """Of a site whose Security Center is the stub."""
    values = {
        "id": CAMERA.vms,
        "type": "genetec-sdk",
        "url": "directory",
        "username": "vigie",
        "password": {"env": "PASSWORD"},
        "application_id": {"env": "CERTIFICATE"},
        "publish": ["event", "alarm", "bookmark"],
        "alarm": ALARM,
    }
    return GenetecSdkSettings.model_validate(values | given)


def _services(folder: Path) -> Services:
    return Services(clock=SystemClock(), secrets=_secret, site_dir=folder)


def _secret(reference: Any) -> str:
    return _SECRETS[reference.env]


COMMAND = SdkBridgeBench()
