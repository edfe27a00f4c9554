"""Alarms: the route that makes them, the service that tells operators' verdicts, and the words that mean one."""

from __future__ import annotations

from typing import Any

from connectors.milestone.access.rest import listed, succeeded, without_effect
from connectors.milestone.check.look import Look
from connectors.milestone.control.verdict_words import Judge
from connectors.milestone.publish.alarms import AlarmPublisher
from core.errors import VmsError, VmsRefused
from core.types import Answer, FindingLevel

_WORDS_MENU = "Management Client → Alarms → Alarm Data Settings → Reasons for Closing"
_LISTS = ("closeReasons", "alarmCategories", "alarmStates")
_MANY = 20


def look_at_alarms(look: Look) -> None:
    """Only the list: an alarm made would stay. Raises ``VmsError``."""
    publisher = AlarmPublisher(look.session, look.settings, look.inventory, look.alarm_service)
    route = publisher.route()
    if route == "rest" and look.session.routes.alarms() != "rest":
        look.findings.fail(
            look.url,
            "version_too_old",
            "alarm_route is rest, but this XProtect has no Alarms REST API (2023 R2 and later)",
            "Remove alarm_route, or set it to soap.",
        )
        return
    publisher.look()
    look.findings.ok(look.url, "alarms_ok", f"this account may list alarms ({route}), as it must after a lost answer")


def look_at_verdicts(look: Look) -> None:
    """How operators' verdicts come back; the REST API stands in for the SOAP alarm service where there is one."""
    host, port = look.settings.alarm_server_address
    level = FindingLevel.FAILURE
    try:
        if look.session.routes.alarms() == "rest":
            level = FindingLevel.WARNING
    except VmsError:
        pass  # told by the step about routes
    look.findings.step("alarm_service", f"{host}:{port}", lambda: _look_at_service(look), level)
    look.findings.step("verdict_words", look.url, lambda: _look_at_words(look), FindingLevel.WARNING)


def _look_at_service(look: Look) -> None:
    host, port = look.settings.alarm_server_address
    look.alarm_service.lines((), 1)
    look.findings.ok(
        f"{host}:{port}", "alarm_service_ok", "the SOAP alarm service tells alarms, and with them verdicts"
    )


def _look_at_words(look: Look) -> None:
    if look.session.routes.alarms() != "rest":
        _leave_words(look, "this release does not tell reasons for closing")
        return
    try:
        names = [name for path in _LISTS for name in _names(look, path)]
    except VmsRefused as error:
        _leave_words(look, str(error))
        return
    judge = Judge(look.settings.verdicts)
    meant = {judge.answer(name, ()): name for name in names}
    lacking = [answer.value for answer in (Answer.TRUE, Answer.FALSE) if answer not in meant]
    if not lacking:
        said = f"{meant[Answer.TRUE]!r} means right, {meant[Answer.FALSE]!r} means false"
        look.findings.ok(look.url, "verdict_words_ok", f"operators can give verdicts: {said}")
        return
    look.findings.warn(
        look.url,
        "verdict_words_unmatched",
        f"nothing in XProtect means 'verdicts: {', '.join(lacking)}'; it has: {', '.join(names[:_MANY]) or 'no words'}",
        f"{_WORDS_MENU}: add reasons in these words; or write XProtect's own words under 'verdicts:'.",
    )


def _leave_words(look: Look, why: str) -> None:
    remedy = f"Look by hand: {_WORDS_MENU} has the words that 'verdicts:' names."
    look.findings.ok(look.url, "verdict_words_unseen", f"the words for verdicts cannot be compared: {why}", remedy)


def _names(look: Look, path: str) -> list[str]:
    what = f"list of {path} of XProtect"
    with without_effect():
        items = listed(succeeded(look.session.rest("GET", f"/{path}", what=what), what), what)
    return [name for item in items if (name := _name(item))]


def _name(item: dict[str, Any]) -> str:
    return str(item.get("name") or item.get("displayName") or "")
