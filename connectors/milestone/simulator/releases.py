"""The releases of XProtect that the simulator can be, and what each of them has (notes §8.1)."""

from __future__ import annotations

from dataclasses import dataclass

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Release:
    """One release, such as 2024 R2. ``version`` is what its servers announce."""

    name: str
    version: str

    @property
    def number(self) -> Version:
        """Year and revision."""
        year, revision, *_ = map(int, self.version.split("."))
        return year, revision

    @property
    def has_identity_provider(self) -> bool:
        """OAuth2 tokens, and SOAP that takes them: 2021 R1."""
        return self.number >= (21, 1)

    @property
    def has_gateway(self) -> bool:
        """API Gateway with Config REST, ``/api/.well-known/uris``: 2022 R1."""
        return self.number >= (22, 1)

    @property
    def has_json_booleans(self) -> bool:
        """Booleans of Config REST are JSON booleans, not strings: 2022 R2."""
        return self.number >= (22, 2)

    @property
    def has_events_and_alarms_rest(self) -> bool:
        """Events REST and Alarms REST (beta until 2024 R2): 2023 R2."""
        return self.number >= (23, 2)

    @property
    def has_events_websocket(self) -> bool:
        """Events & State WebSocket: 2023 R3."""
        return self.number >= (23, 3)

    @property
    def has_session_time_out(self) -> bool:
        """``inactiveTimeoutSeconds`` in the answer to ``startSession``: 2024 R1."""
        return self.number >= (24, 1)

    @property
    def has_bookmarks_rest(self) -> bool:
        """Bookmarks and evidence locks over REST: 2024 R2."""
        return self.number >= (24, 2)


RELEASES = {
    release.name: release
    for release in (
        Release("2020R1", "20.1.0.1"),
        Release("2021R1", "21.1.0.1"),
        Release("2022R1", "22.1.0.1"),
        Release("2022R2", "22.2.0.1"),
        Release("2023R2", "23.2.0.1"),
        Release("2023R3", "23.3.0.1"),
        Release("2024R1", "24.1.0.1"),
        Release("2024R2", "24.2.0.1"),
        Release("2025R2", "25.2.0.1"),
    )
}
"""By name as written on the command line."""

EDITIONS = ("Essential+", "Express+", "Professional+", "Expert", "Corporate")
"""Evidence locks exist in Corporate only; Essential+ has no bookmarks (notes §8.2)."""

LATEST = RELEASES["2025R2"]
"""The newest release whose behaviour the notes describe."""
