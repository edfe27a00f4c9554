"""What a demo or bench run comes to, as numbers that can fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.demo.tally import Meant, Tally, percentile, tally
from core.store.store import Store
from core.types import Alert, Json

ROUND_MS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """Alerts of the store held against the ledgers of both VMS."""

    alerts: int
    by_rule: Mapping[str, int]
    meant: Mapping[str, int]
    """Alerts meant for each VMS."""
    milestone: Tally
    genetec: Tally

    @property
    def lost(self) -> int:
        """Deliveries that did not arrive, alarms by event-to-action that did not follow included."""
        missing_alarms = max(0, self.genetec.accepted.get("event", 0) - self.genetec.accepted.get("alarm", 0))
        return len(self.milestone.lost) + len(self.genetec.lost) + missing_alarms

    @property
    def waiting(self) -> int:
        """Deliveries that were still in the outbox when the run ended."""
        return len(self.milestone.waiting) + len(self.genetec.waiting)

    @property
    def duplicates(self) -> int:
        """Surplus records in a VMS."""
        surplus_alarms = max(0, self.genetec.accepted.get("alarm", 0) - self.genetec.accepted.get("event", 0))
        return len(self.milestone.duplicates) + len(self.genetec.duplicates) + surplus_alarms

    @property
    def is_good(self) -> bool:
        """Something fired in both VMS, everything arrived, nothing was doubled."""
        return all(self.meant.values()) and self.lost == self.waiting == self.duplicates == 0

    def latency_ms(self, share: float) -> float | None:
        """Percentile over every delivery, from decisive frame to the VMS's acceptance."""
        value = percentile((*self.milestone.latencies_ms, *self.genetec.latencies_ms), share)
        return None if value is None else round(value, ROUND_MS)

    def as_json(self) -> dict[str, Json]:
        """The document of ``--json``."""
        return {
            "alerts": self.alerts,
            "rules": dict(self.by_rule),
            "meant": dict(self.meant),
            "milestone": _counts(self.milestone, ("alarm", "bookmark", "event")),
            "genetec": _counts(self.genetec, ("event", "alarm", "bookmark")),
            "lost": self.lost,
            "waiting": self.waiting,
            "duplicates": self.duplicates,
            "latency_ms": {"p50": self.latency_ms(0.5), "p95": self.latency_ms(0.95)},
        }


def compare(
    store: Store,
    *,
    milestone: tuple[str, Sequence[Mapping[str, Any]]],
    genetec: tuple[str, Sequence[Mapping[str, Any]]],
) -> DemoResult:
    """Reads the store, holds it against each VMS's (id, ledger)."""
    alerts = {alert.alert_id: alert for alert in store.alerts(limit=None)}
    meant = [
        Meant(delivery=delivery, captured_at=alerts[delivery.alert_id].captured_at)
        for delivery in store.deliveries(limit=None)
    ]
    tallies = [
        tally([item for item in meant if item.delivery.vms_id == vms_id], ledger)
        for vms_id, ledger in (milestone, genetec)
    ]
    return DemoResult(
        alerts=len(alerts),
        by_rule=_by_rule(alerts.values()),
        meant={
            name: len({item.delivery.alert_id for item in meant if item.delivery.vms_id == vms_id})
            for name, (vms_id, _) in (("milestone", milestone), ("genetec", genetec))
        },
        milestone=tallies[0],
        genetec=tallies[1],
    )


def _by_rule(alerts: Iterable[Alert]) -> dict[str, int]:
    counted: Counter[str] = Counter(alert.rule_type for alert in alerts)
    return dict(sorted(counted.items()))


def _counts(result: Tally, kinds: Sequence[str]) -> dict[str, Json]:
    return {f"{kind}s": result.accepted.get(kind, 0) for kind in kinds}
