"""A service as metrics see it, its figures set by hand; and an address that is free."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from core.errors import StoreError
from core.metrics.latency import LatencyBook, LatencyReading
from core.types import CameraFault, Health, HealthLevel, UtcSeconds

NOW = 1_700_000_000.0


@dataclass
class FakeSource:
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    health: list[Health] = field(default_factory=list)
    faults: dict[str, list[CameraFault]] = field(default_factory=dict)
    books: dict[str, LatencyBook] = field(default_factory=dict)
    waiting: dict[str, tuple[int, UtcSeconds | None]] = field(default_factory=dict)
    database_fails: bool = False

    def statistics(self) -> Mapping[str, Mapping[str, float]]:
        return self.values

    def report_health(self) -> Collection[Health]:
        return self.health

    def camera_faults(self) -> Mapping[str, Collection[CameraFault]]:
        return self.faults

    def latencies(self) -> Mapping[str, Mapping[str, LatencyReading]]:
        return {name: book.read() for name, book in self.books.items()}

    def backlogs(self) -> Mapping[str, tuple[int, UtcSeconds | None]]:
        if self.database_fails:
            raise StoreError("the disk is full")
        return self.waiting


def busy_source() -> FakeSource:
    """Something of every kind."""
    book = LatencyBook()
    book.accepted("event", NOW, captured_at=NOW - 0.6, stored_at=NOW - 0.2)
    book.accepted("event", NOW, captured_at=NOW - 4000, stored_at=NOW - 3999)
    book.accepted("alarm", NOW, captured_at=NOW - 1.0, stored_at=None)
    return FakeSource(
        values={
            "camera/quai-1": {
                "frames_analysed": 41.0,
                "lag_s": 0.75,
                "inference_s": 3.5,
                "faults/frozen": 2.0,
                "paused/zone": 5.0,
                "alert_delay/0.3": 4.0,
                "alert_delay/inf": 1.0,
                "figures/compte/to_left": 7.0,
            },
            'camera/a"b\\c': {"frames_analysed": 1.0},
            "vms/xprotect": {"attempts": 4.0, "delivered": 3.0, "boxes_sent": 9.0},
            "worker/0": {"boxes_dropped": 1.0},
        },
        health=[
            Health(component="vms/xprotect", level=HealthLevel.YELLOW, cause="silent"),
            Health(component="camera/quai-2", level=HealthLevel.RED, cause="x", fault=CameraFault.TLS),
        ],
        faults={"quai-1": [CameraFault.FROZEN]},
        books={"xprotect": book},
        waiting={"xprotect": (2, NOW - 90.0), "genetec": (0, None)},
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
