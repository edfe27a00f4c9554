"""``vigie qualify SITE.yaml``: whether a rule that is observed may be armed (SUR-2)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from config.load import load_site
from core import registry
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.cli.selection import add_selection, selected
from core.clock import SystemClock
from core.engine.books import slip_box
from core.engine.service import store_url
from core.qualification.record import read_records
from core.qualification.report import Qualification
from core.qualification.tally import LIMIT, Tally
from core.qualification.what_if import Trial
from core.store.store import Store

_COLUMNS = ("camera", "rule", "state", "alerts", "hours", "per hour", "true", "false", "unknown", "none", "share false")
_TRIAL_COLUMNS = ("threshold", "value", "", "fires", "silent", "undecided", "true", "false", "true lost", "share false")


class QualifyCommand:
    """Only reads: the service may run meanwhile."""

    name = "qualify"
    help = "show whether a rule that is observed may be armed"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file; its service may run")
        add_selection(parser)
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        wanted = selected(site, arguments)
        with closing(Store.look(store_url(site), clock=SystemClock())) as store:
            records = read_records(site, store, slip_box(site), **wanted)
        rules = [Qualification(record) for record in records]
        findings = sum(rule.is_finding for rule in rules)
        if arguments.json:
            print_json({"limit": LIMIT, "findings": findings, "rules": [rule.as_json() for rule in rules]})
        else:
            _show(rules)
            remarks().print(f"{len(rules)} rules, {findings} armed with too many false alerts")
        return 1 if findings else 0


def _show(rules: Sequence[Qualification]) -> None:
    print_table(_COLUMNS, [_row(rule) for rule in rules])
    for rule in rules:
        print_table(("rule", "advice"), [(_place(rule), rule.advice())])
        print_table(_TRIAL_COLUMNS, _trial_rows(rule))


def _place(rule: Qualification) -> str:
    return f"{rule.record.camera.id}/{rule.record.rule.id}"


def _row(rule: Qualification) -> tuple[str, ...]:
    record, counts = rule.record, rule.counts
    rate = record.alerts_per_hour
    return (
        record.camera.id,
        record.rule.id,
        record.state.value,
        str(len(record.alerts)),
        "unknown" if rate is None else f"{record.hours():.2f}",
        "unknown" if rate is None else f"{rate:.2f}",
        *map(str, (counts.true, counts.false, counts.unknown, counts.none)),
        _share(counts),
    )


def _trial_rows(rule: Qualification) -> Iterator[tuple[str, ...]]:
    for trial in rule.trials:
        fires, silent = trial.fires, trial.silent
        yield (
            trial.parameter,
            f"{trial.value:g}",
            _kind(trial),
            *map(str, (fires.all, silent.all, trial.undecided, fires.true, fires.false, silent.true)),
            _share(fires),
        )


def _kind(trial: Trial) -> str:
    if trial.is_present:
        return "present"
    return "exact" if trial.is_exact else "estimate"


def _share(counts: Tally) -> str:
    if counts.share is None or counts.interval is None:
        return "unknown"
    return f"{counts.share:.0%} ({counts.interval.low:.0%} to {counts.interval.high:.0%})"


COMMAND = QualifyCommand()
