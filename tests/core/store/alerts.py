"""Alerts and the steps of a delivery, written short."""

from __future__ import annotations

from core.clock import ManualClock
from core.store import Store
from core.types import Alert, AlertObject, Box, Delivery, Priority, Receipt, RuleState

NOW = ManualClock().utc()
EVENT = [("vms", "event")]


def alert(
    camera_id: str = "cam", captured_at: float = NOW, *, rule_id: str = "rule", snapshot: bytes = b"", track: int = 1
) -> Alert:
    return Alert(
        alert_id=Alert.derive_id(camera_id, rule_id, captured_at, (track,)),
        camera_id=camera_id,
        rule_id=rule_id,
        rule_type="zone_presence",
        rule_name="Voie interdite",
        priority=Priority.HIGH,
        state=RuleState.ARMED,
        captured_at=captured_at,
        started_at=captured_at - 2.0,
        objects=(
            AlertObject(track_id=track, label="person", score=0.9, box=Box(left=0.1, top=0.2, right=0.3, bottom=0.7)),
        ),
        zone=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),
        details={"dwell_s": 2.0},
        snapshot_jpeg=snapshot,
    )


def due(store: Store, now: float = NOW) -> Delivery:
    found = store.next_delivery("vms", now)
    assert found is not None
    return found


def deliver(store: Store, now: float = NOW) -> Delivery:
    delivery = due(store, now)
    assert store.mark_sending(delivery.key)
    store.mark_delivered(delivery.key, Receipt(remote_id="x"))
    return delivery


def deliver_all(store: Store, now: float = NOW) -> list[tuple[str, str]]:
    """Delivers what is due; (camera, action) in the order they left."""
    done = []
    while store.next_delivery("vms", now):
        delivery = deliver(store, now)
        done.append((delivery.camera_id, delivery.action))
    return done
