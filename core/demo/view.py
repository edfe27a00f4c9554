"""What a person sees while the demo runs: a live table in a terminal, one line per alert elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from core.demo.result import DemoResult
from core.engine.service import Service
from core.types import Alert, DeliveryState, HealthLevel

RECENT = 8
"""Alerts shown in the live table."""

_COLOUR = {HealthLevel.GREEN: "green", HealthLevel.YELLOW: "yellow", HealthLevel.RED: "red"}


class View(Protocol):
    """Shows the present state of a running service."""

    def update(self, service: Service, seconds_left: float) -> None:
        """Called about twice a second."""


class PlainView:
    """One line per new alert on standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[object] = set()

    def update(self, service: Service, seconds_left: float) -> None:
        for alert in reversed(service.store.alerts(limit=RECENT * 4)):
            if alert.alert_id not in self._shown:
                self._shown.add(alert.alert_id)
                self._console.print(f"{seconds_left:5.1f} s left  {alert_line(alert)}", highlight=False, soft_wrap=True)


class LiveView:
    """A table that is drawn in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def update(self, service: Service, seconds_left: float) -> None:
        self._live.update(
            Group(
                Text(f"Vigie between two simulated VMS: {seconds_left:.0f} s left", style="bold"),
                _alerts_table(service),
                _deliveries_table(service),
                _health_table(service),
            ),
            refresh=True,
        )


@contextmanager
def view(console: Console) -> Iterator[View]:
    """A live table where the console is a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield PlainView(console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield LiveView(live)


def alert_line(alert: Alert) -> str:
    """One alert in one line."""
    objects = ", ".join(f"{item.label} {item.track_id}" for item in alert.objects)
    return f"{_clock_time(alert)}  {alert.camera_id}  {alert.rule_name} ({alert.rule_type})  {objects}"


def summary(console: Console, result: DemoResult) -> None:
    """The end of a demo, for a person."""
    table = Table(title="What was meant, and what each VMS says it received")
    for heading in ("VMS", "alerts meant", "events", "alarms", "bookmarks"):
        table.add_column(heading, justify="left" if heading == "VMS" else "right")
    for name, received in (("XProtect", result.milestone), ("Security Center", result.genetec)):
        meant = result.meant["milestone" if received is result.milestone else "genetec"]
        counts = [str(received.accepted.get(kind, 0)) for kind in ("event", "alarm", "bookmark")]
        table.add_row(name, str(meant), *counts)
    console.print(table)
    fired = ", ".join(f"{count} x {rule}" for rule, count in result.by_rule.items()) or "nothing"
    console.print(
        f"{result.alerts} alerts ({fired}); lost {result.lost}, still waiting {result.waiting}, doubled {result.duplicates}"
    )
    p50, p95 = result.latency_ms(0.5), result.latency_ms(0.95)
    if p50 is not None and p95 is not None:
        console.print(f"decisive frame to VMS acceptance: p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    verdict = "everything meant arrived exactly once" if result.is_good else "something is missing or doubled"
    console.print(verdict, style="bold green" if result.is_good else "bold red")


def _clock_time(alert: Alert) -> str:
    return datetime.fromtimestamp(alert.captured_at).astimezone().strftime("%H:%M:%S")


def _alerts_table(service: Service) -> Table:
    table = Table(title="Alerts", expand=True)
    for heading in ("time", "camera", "rule", "objects"):
        table.add_column(heading)
    for alert in service.store.alerts(limit=RECENT):
        objects = ", ".join(f"{item.label} {item.track_id}" for item in alert.objects)
        table.add_row(_clock_time(alert), alert.camera_id, alert.rule_name, objects)
    return table


def _deliveries_table(service: Service) -> Table:
    table = Table(title="Deliveries", expand=True)
    for heading in ("VMS", "action", "accepted", "waiting", "parked"):
        table.add_column(heading, justify="right" if heading in {"accepted", "waiting", "parked"} else "left")
    rows: dict[tuple[str, str], Counter[str]] = {}
    for (vms_id, action, state), count in service.store.delivery_counts().items():
        rows.setdefault((vms_id, action), Counter())[_column(state)] += count
    for (vms_id, action), counts in sorted(rows.items()):
        table.add_row(vms_id, action, *(str(counts[column]) for column in ("accepted", "waiting", "parked")))
    return table


def _column(state: DeliveryState) -> str:
    return {DeliveryState.DELIVERED: "accepted", DeliveryState.PARKED: "parked"}.get(state, "waiting")


def _health_table(service: Service) -> Table:
    table = Table(title="Health", expand=True)
    for heading in ("component", "level", "cause"):
        table.add_column(heading)
    for health in service.report_health():
        table.add_row(health.component, Text(health.level.value, style=_COLOUR[health.level]), health.cause)
    return table
