"""``vigie check``: says what would keep a site from working, before it runs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from config.load import load_site
from config.model import SiteSettings, VmsSettings
from core import registry
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.contracts import ConnectorServices
from core.errors import VigieError
from core.metrics.check import check_metrics
from core.registry import Group
from core.services import services_for
from core.types import Finding, FindingLevel


class CheckCommand:
    """Asks every VMS, and everything in the group ``vigie.checks``."""

    name = "check"
    help = "check a site file, its secrets, its VMS and its cameras"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        with remarks().status("checking"):
            findings = list(findings_of(site, services_for(arguments.site)))
        is_ok = all(finding.level is not FindingLevel.FAILURE for finding in findings)
        if arguments.json:
            print_json({"findings": [_as_json(finding) for finding in findings], "ok": is_ok})
        else:
            _show(findings)
        return 0 if is_ok else 1


def findings_of(site: SiteSettings, services: ConnectorServices) -> Iterator[Finding]:
    """Everything that is found, VMS by VMS; cameras that are not enabled are left out."""
    for vms in site.vms:
        yield from _or_failure(vms.id, partial(_vms_findings, vms, site, services))
    for name in registry.names(Group.CHECKS):
        yield from _or_failure(name, partial(_site_findings, name, site))
    yield from _or_failure("metrics", lambda: list(check_metrics(site.metrics, services)))


def _vms_findings(vms: VmsSettings, site: SiteSettings, services: ConnectorServices) -> Sequence[Finding]:
    cameras = [camera for camera in site.cameras if camera.vms == vms.id and camera.enabled]
    with closing(registry.connector(vms.type)(vms, services)) as connector:
        return connector.check(cameras)


def _site_findings(name: str, site: SiteSettings) -> Sequence[Finding]:
    return registry.check(name)(site)


def _or_failure(subject: str, look: Callable[[], Sequence[Finding]]) -> Sequence[Finding]:
    """What was found, or the error as a finding: one VMS that cannot be asked hides nothing of the others."""
    try:
        return look()
    except VigieError as error:
        code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
        return [
            Finding(level=FindingLevel.FAILURE, subject=subject, code=code, message=str(error), remedy=error.remedy)
        ]


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "level": finding.level.value,
        "subject": finding.subject,
        "code": finding.code,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _show(findings: Sequence[Finding]) -> None:
    rows = [(finding.level.value, finding.subject, finding.message, finding.remedy) for finding in findings]
    print_table(("level", "subject", "finding", "remedy"), rows)
    counts = [f"{sum(finding.level is level for finding in findings)} {level.value}" for level in FindingLevel]
    remarks().print(", ".join(counts), style="dim")


COMMAND = CheckCommand()
