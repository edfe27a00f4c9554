"""Which delivery of ours raised an alarm instance.

The token stands in the message of the custom event that triggered the alarm. Unverified: whether an instance shows that
message; where it does not, the event is looked for on the instance's source at the time at which it was triggered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import structlog

from connectors.genetec.access.rows import first_of, mappings, moment_in, texts_in
from connectors.genetec.access.spans import TooManyRows, time_range, whole_answers
from connectors.genetec.access.websdk import Answer, WebSdk
from connectors.genetec.control.acknowledgements import Acknowledged
from connectors.genetec.control.event_kinds import CUSTOM_EVENT
from connectors.genetec.control.memory import ControlMemory
from core.errors import VmsRefused
from core.types import UtcSeconds

_TOKEN = re.compile(r"vigie:[0-9a-f]{20}(?![0-9a-f])")
_TIMES = ("EventTime", "EventTimestamp", "Timestamp")
_APART_S = 5.0
"""Between an event and the alarm that it triggers."""
_AS_NEAR_S = 0.05
"""Two events whose distances differ by less are both as near."""
_REPORT = "CameraEvent of alarms"

_log = structlog.get_logger(component="genetec")


def token_in(texts: Iterable[str]) -> str:
    """The delivery's token in one of these texts, the first that has one; empty where none has."""
    found = map(_TOKEN.search, texts)
    return next((match.group() for match in found if match is not None), "")


class AlarmTokens:
    """Finds tokens, in what is known already or by asking."""

    def __init__(self, sdk: WebSdk, memory: ControlMemory) -> None:
        self._sdk = sdk
        self._memory = memory

    def token_of(self, seen: Acknowledged) -> str:
        """Empty where the alarm is not ours, or two of ours may be meant. Raises ``VmsError`` where nobody answers."""
        token = token_in(seen.texts)
        if token or not seen.source or seen.triggered_at is None or seen.trigger not in {"", CUSTOM_EVENT}:
            return token
        try:
            near = sorted(self._events(seen.source, seen.triggered_at))
        except (VmsRefused, TooManyRows) as error:
            self._sdk.ping()  # raises when it is the account that is refused, and not the report
            self._complain(error)
            return ""
        if len({token for distance, token in near if distance - near[0][0] < _AS_NEAR_S}) == 1:
            return near[0][1]
        return ""

    def _events(self, source: str, at: UtcSeconds) -> Iterable[tuple[float, str]]:
        """Distance in time and token of our events near that moment."""

        def ask(begin: UtcSeconds, end: UtcSeconds) -> Answer:
            query = f"Cameras@{source},{time_range(begin, end)}"
            return self._sdk.ask("/report/CameraEvent", query, what="look for the event of an alarm")

        for answer in whole_answers(ask, at - _APART_S, at + _APART_S):
            for row in mappings(answer.rows()):
                token, moment = token_in(texts_in(row)), moment_in(first_of(row, _TIMES))
                if token and moment is not None:
                    yield abs(moment - at), token

    def _complain(self, error: Exception) -> None:
        if self._memory.complains_first_time(_REPORT):
            _log.warning(
                "alarm_not_traced",
                reason=str(error),
                remedy="Verdicts on alarms that do not show our message are lost. Allow the Camera events report.",
            )
