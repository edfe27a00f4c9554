"""What a server counts."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Statistics:
    """What a server did since it started. Pictures and documents count once per client, those to a group once."""

    connections: int = 0
    connections_refused: int = 0
    sessions: int = 0
    pictures_sent: int = 0
    documents_sent: int = 0
    octets_sent: int = 0
    pictures_dropped: int = 0
    documents_dropped: int = 0
    clients_too_slow: int = 0
    sessions_timed_out: int = 0

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}
