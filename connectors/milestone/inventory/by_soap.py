"""What an XProtect system holds, asked by SOAP ``GetConfiguration``: in releases without API Gateway.

It tells enabled devices only. ``QueryChanges`` says cheaply whether asking again is worth it.
"""

from __future__ import annotations

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.configuration import EventType, ServerConfiguration
from connectors.milestone.inventory.holdings import Holdings, MetadataDevice
from connectors.milestone.inventory.remembered import Remembered
from core.contracts import Clock
from core.errors import NotFoundInVms
from core.types import UtcSeconds

_KEEP_S = 300.0
_DOUBT_S = 10.0
"""An answer so young is believed even by those who doubt it: cameras of one recorder are lost together."""
_CLOCKS_APART_S = 600.0
"""The VMS's clock may be so far from ours when it is asked what changed since our last look."""
_USER_DEFINED = "external"
_ANALYTICS = "mipdevice"
"""Generator types of user-defined and of analytics events, as Events REST names them; here they are unverified."""


class SoapInventory:
    """Asks for everything at once, and keeps the answer for its several questions."""

    def __init__(self, session: XProtectSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._asked_at: UtcSeconds = 0.0
        self._configuration = Remembered(f"configuration of {session.name}", self._checked, clock, keep_s=_KEEP_S)

    def full(self) -> Holdings:
        """Everything that this account may see."""
        return self._configuration.refresh(self._ask, unless_younger_s=_DOUBT_S).holdings

    def changed(self, known: Holdings) -> Holdings:  # noqa: ARG002 - everything is told at once
        """The same, asked for again only where the VMS tells of a change."""
        return self._configuration.get().holdings

    def looked_at(self, device: str, known: Holdings) -> Holdings:  # noqa: ARG002 - everything is told at once
        """Everything anew, unless it is very young. Raises ``NotFoundInVms``."""
        holdings = self.full()
        if device not in holdings.cameras:
            raise NotFoundInVms(f"XProtect shows no camera {device} to this account", remedy=_REMEDY)
        return holdings

    def configuration(self) -> ServerConfiguration:
        """The whole answer, at most some minutes old."""
        return self._configuration.get()

    def metadata_devices(self) -> list[MetadataDevice]:
        """Every enabled metadata device."""
        return list(self.configuration().metadata_devices)

    def user_defined_events(self) -> dict[str, str]:
        """Id → name."""
        return self._events(_USER_DEFINED)

    def analytics_events(self) -> dict[str, str]:
        """Id → name."""
        return self._events(_ANALYTICS)

    def _events(self, generator: str) -> dict[str, str]:
        """Of that generator; all of them where the release does not tell who generates what."""
        told = self.configuration().event_types
        knows = any(event.generator for event in told)
        return {event.event_id: event.name for event in told if not knows or _is_of(event, generator)}

    def _checked(self, known: ServerConfiguration | None) -> ServerConfiguration:
        if known is not None:
            since = self._asked_at - _CLOCKS_APART_S
            if not self._session.with_corporate_token(lambda commands, token: commands.query_changes(token, since)):
                return known
        return self._ask()

    def _ask(self) -> ServerConfiguration:
        self._asked_at = self._clock.utc()
        return self._session.with_corporate_token(lambda commands, token: commands.configuration(token))


_REMEDY = (
    "Run 'vigie check': it compares the site file with what XProtect knows. A disabled camera is not shown either."
)


def _is_of(event: EventType, generator: str) -> bool:
    return event.generator.lower() == generator
