"""``vigie verdict SITE.yaml``: judge alerts that no VMS was told of, and list those that wait for it."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from config.load import load_site
from config.model import SiteSettings
from core import registry
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.cli.parsing import positive_whole
from core.cli.selection import add_selection, selected
from core.clock import SystemClock, iso_utc
from core.engine.books import slip_box, take_in
from core.engine.service import store_url
from core.errors import StoreInUse, UsageError
from core.qualification.record import Judged, read_judged
from core.qualification.stills import sorted_stills, write_still
from core.store.slips import Judgement
from core.store.store import Store
from core.types import Alert, Answer, Json

_FEWEST_DIGITS = 6
"""Of an alert's id, so that a slip of the hand does not meet another alert."""

_MOST_LISTED = 100


class VerdictCommand:
    """Never writes the database of a running service: it leaves the verdict where the service takes it in."""

    name = "verdict"
    help = "judge alerts, or list those that nobody judged"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file; its service may run")
        parser.add_argument(
            "alert", nargs="?", metavar="ALERT", help="an alert's id, or its beginning; none: list them"
        )
        parser.add_argument("answer", nargs="?", choices=[*Answer], help="whether it is right")
        parser.add_argument("--comment", default="", metavar="TEXT", help="why")
        parser.add_argument("--by", default="", metavar="NAME", help="who judges; this account's name by default")
        parser.add_argument(
            "--sorted", type=Path, metavar="DIR", help="judge what was sorted into DIR/true, DIR/false, DIR/unknown"
        )
        parser.add_argument("--stills", type=Path, metavar="DIR", help="write a picture of each listed alert there")
        parser.add_argument("--unknown", action="store_true", help="list also those closed without saying")
        parser.add_argument(
            "--limit",
            type=positive_whole,
            default=_MOST_LISTED,
            metavar="N",
            help=f"list the latest N ({_MOST_LISTED})",
        )
        add_selection(parser)
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        if (arguments.alert is None) != (arguments.answer is None):
            raise UsageError("an alert needs an answer", remedy=f"Write one of {', '.join(Answer)} behind its id.")
        if arguments.alert is not None and arguments.sorted is not None:
            raise UsageError("either one alert is judged or what was sorted", remedy="Leave out the alert or --sorted.")
        if arguments.alert is None and arguments.sorted is None:
            _list(site, arguments)
        else:
            _judge(site, arguments)
        return 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be judged, and what of it is not."""

    answers: Sequence[tuple[Alert, Answer]]
    unchanged: int = 0
    gone: Sequence[UUID] = ()


def _judge(site: SiteSettings, arguments: argparse.Namespace) -> None:
    by = arguments.by or _account()
    clock, box = SystemClock(), slip_box(site)
    with closing(Store.look(store_url(site), clock=clock)) as store:
        known = read_judged(store, box)
    asked = _one(known, arguments) if arguments.sorted is None else _all(known, arguments.sorted)
    for alert, answer in asked.answers:
        box.put(Judgement(alert_id=alert.alert_id, answer=answer, at=clock.utc(), by=by, comment=arguments.comment))
    is_taken_in = _take_in(site)
    if arguments.json:
        print_json(
            {
                "judged": [_verdict(alert, answer, by, arguments.comment) for alert, answer in asked.answers],
                "unchanged": asked.unchanged,
                "gone": [str(alert_id) for alert_id in asked.gone],
                "taken_in": is_taken_in,
            }
        )
        return
    print_table(
        ("alert", "camera", "rule", "captured", "verdict"),
        [(*_place(alert), answer.value) for alert, answer in asked.answers],
    )
    when = "" if is_taken_in else "; the service, which is running, takes that in within a minute"
    gone = f", {len(asked.gone)} erased meanwhile" if asked.gone else ""
    remarks().print(f"{len(asked.answers)} judged by {by}, {asked.unchanged} as before{gone}{when}")


def _one(known: Sequence[Judged], arguments: argparse.Namespace) -> _Asked:
    digits = arguments.alert.lower().replace("-", "")
    found = [item.alert for item in known if item.alert.alert_id.hex.startswith(digits)]
    if len(digits) < _FEWEST_DIGITS or len(found) > 1:
        raise UsageError(
            f"{arguments.alert!r} does not name one alert",
            remedy=f"Give more of its id, {_FEWEST_DIGITS} digits or more.",
        )
    if not found:
        raise UsageError(
            f"there is no alert {arguments.alert!r}",
            remedy="'vigie verdict SITE.yaml' lists those to judge; old ones are erased (storage.keep_alerts_days).",
        )
    return _Asked([(found[0], Answer(arguments.answer))])


def _all(known: Sequence[Judged], folder: Path) -> _Asked:
    """A folder is usually sorted in several sittings: what was judged so before keeps its judge and time."""
    by_id = {item.alert.alert_id: item for item in known}
    answers, gone, unchanged = [], [], 0
    for alert_id, answer in sorted_stills(folder):
        if alert_id not in by_id:
            gone.append(alert_id)
        elif by_id[alert_id].answer is answer:
            unchanged += 1
        else:
            answers.append((by_id[alert_id].alert, answer))
    return _Asked(answers, unchanged, gone)


def _take_in(site: SiteSettings) -> bool:
    """False where a running service has the database: it takes the slips in itself."""
    try:
        with closing(Store.open(store_url(site), clock=SystemClock())) as store:
            take_in(store, slip_box(site))
    except StoreInUse:
        return False
    return True


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError) as error:
        raise UsageError("this account has no name", remedy="Say with --by who judges.") from error


def _list(site: SiteSettings, arguments: argparse.Namespace) -> None:
    wanted = selected(site, arguments)
    rule_id, answers = wanted["rule_id"], {None, Answer.UNKNOWN} if arguments.unknown else {None}
    with closing(Store.look(store_url(site), clock=SystemClock())) as store:
        judged = read_judged(store, slip_box(site), camera_id=wanted["camera_id"], since=wanted["since"])
        waiting = [item for item in judged if item.answer in answers and rule_id in {None, item.alert.rule_id}]
        listed = [item.alert for item in reversed(waiting)][: arguments.limit]
        stills = [_still(store, alert, arguments.stills) for alert in listed]
    if arguments.json:
        documents = [_document(alert, still) for alert, still in zip(listed, stills, strict=True)]
        print_json({"unjudged": documents, "total": len(waiting)})
        return
    rows = [(*_place(alert), alert.state.value, str(still or "")) for alert, still in zip(listed, stills, strict=True)]
    print_table(("alert", "camera", "rule", "captured", "state", "picture"), rows)
    remarks().print(f"{len(listed)} of {len(waiting)} alerts that nobody judged")


def _still(store: Store, alert: Alert, folder: Path | None) -> Path | None:
    whole = None if folder is None else store.alert(alert.alert_id)
    return None if folder is None or whole is None else write_still(folder, whole)


def _place(alert: Alert) -> tuple[str, str, str, str]:
    return str(alert.alert_id), alert.camera_id, alert.rule_id, iso_utc(alert.captured_at)


def _verdict(alert: Alert, answer: Answer, by: str, comment: str) -> dict[str, Json]:
    return {**_head(alert), "answer": answer.value, "by": by, "comment": comment}


def _document(alert: Alert, still: Path | None) -> dict[str, Json]:
    objects: list[Json] = [
        {
            "track": seen.track_id,
            "label": seen.label,
            "score": seen.score,
            "box": [seen.box.left, seen.box.top, seen.box.right, seen.box.bottom],
        }
        for seen in alert.objects
    ]
    return {
        **_head(alert),
        "state": alert.state.value,
        "objects": objects,
        "still": None if still is None else str(still),
    }


def _head(alert: Alert) -> dict[str, Json]:
    return {
        "alert": str(alert.alert_id),
        "camera": alert.camera_id,
        "rule": alert.rule_id,
        "type": alert.rule_type,
        "captured": iso_utc(alert.captured_at),
    }


COMMAND = VerdictCommand()
