"""``vigie parked SITE.yaml``: deliveries set aside because they cannot succeed, and sending them again."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from config.load import load_site
from core import registry
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.clock import SystemClock, iso_utc
from core.engine.service import store_url
from core.store.store import Store
from core.types import Alert, Delivery, DeliveryState


class ParkedCommand:
    """The database has one owner: the service must be stopped meanwhile."""

    name = "parked"
    help = "show deliveries that were set aside, or send them again"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file; its service must be stopped")
        parser.add_argument("--retry", action="store_true", help="let the service try all of them again when it starts")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        with closing(Store.open(store_url(site), clock=SystemClock())) as store:
            parked = store.deliveries(state=DeliveryState.PARKED, limit=None)
            rows = [(delivery, store.alert(delivery.alert_id)) for delivery in parked]
            retried = sum(store.unpark(delivery.key) for delivery in parked) if arguments.retry else 0
        documents = [_as_json(delivery, alert) for delivery, alert in rows]
        if arguments.json:
            print_json({"parked": documents, "retried": retried})
        else:
            print_table(("VMS", "camera", "rule", "captured", "action", "why"), [_row(item) for item in documents])
            remarks().print(f"{len(parked)} parked" + (f", {retried} to be tried again" if arguments.retry else ""))
        return 1 if len(parked) > retried else 0


def _as_json(delivery: Delivery, alert: Alert | None) -> dict[str, str]:
    return {
        "vms": delivery.vms_id,
        "camera": delivery.camera_id,
        "rule": alert.rule_id if alert else "",
        "captured": iso_utc(alert.captured_at) if alert else "",
        "action": delivery.action,
        "why": delivery.last_error,
        "key": str(delivery.key),
    }


def _row(item: dict[str, str]) -> tuple[str, ...]:
    return tuple(item[column] for column in ("vms", "camera", "rule", "captured", "action", "why"))


COMMAND = ParkedCommand()
