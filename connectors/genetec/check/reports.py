"""Reports: how a lost answer is made up for, and how verdicts that were missed are found. Only searches."""

from __future__ import annotations

from functools import partial

from connectors.genetec.access.query import call
from connectors.genetec.check.look import Look
from connectors.genetec.control.channels import VERDICTS, channels_of
from connectors.genetec.menus import USERS
from connectors.genetec.publish.ask import REPORTS
from connectors.genetec.publish.publisher import actions_of
from core.clock import iso_utc
from core.errors import VmsRefused

_LAST_S = 60.0
_ALARMS = "AlarmActivity"
_TIME_FILTERS = ("TriggeredTimeRange", "TimeRange")
"""Which of them the report takes is not public."""


def look_at_reports(look: Look) -> None:
    """Each is a step of its own."""
    for action in actions_of(look.settings) if look.known else ():
        if action in REPORTS:
            look.findings.step(f"ask_{action}", REPORTS[action], partial(_look_at_report, look, action))
    if VERDICTS in channels_of(look.settings):
        look.findings.step("verdicts", _ALARMS, partial(_look_at_verdicts, look))


def _look_at_report(look: Look, action: str) -> None:
    camera = next(iter(look.known.values()))
    try:
        look.asker.try_report(action, camera)
    except VmsRefused as error:
        remedy = (
            "Nothing is lost, but after a broken connection an alert may come twice."
            f" {USERS} → user → Privileges: allow the report."
        )
        message = f"cannot be asked whether an {action} arrived: {error}"
        look.findings.warn(REPORTS[action], f"ask_{action}_not_allowed", message, remedy)
    else:
        look.findings.ok(REPORTS[action], f"ask_{action}_ok", f"the report that shows {action}s is available")


def _look_at_verdicts(look: Look) -> None:
    try:
        _ask_for_alarms(look)
    except VmsRefused as error:
        remedy = (
            "Verdicts that are given while the connection is down are not heard."
            f" {USERS} → user → Privileges: allow the Alarm report."
        )
        message = f"acknowledged alarms cannot be listed: {error}"
        look.findings.warn(_ALARMS, "verdicts_not_allowed", message, remedy)
    else:
        look.findings.ok(_ALARMS, "verdicts_ok", "the report that shows acknowledged alarms is available")


def _ask_for_alarms(look: Look) -> None:
    now = look.services.clock.utc()
    *others, last = _TIME_FILTERS
    for member in others:
        try:
            _ask(look, member, now)
        except VmsRefused:
            continue
        return
    _ask(look, last, now)


def _ask(look: Look, member: str, now: float) -> None:
    span = call(f"{member}.SetTimeRange", iso_utc(now - _LAST_S), iso_utc(now))
    look.sdk.ask(f"/report/{_ALARMS}", f"States@Acked,{span}", what="look for acknowledged alarms")
