"""The event stream, opened for a moment: the role sends it to a second port."""

from __future__ import annotations

from functools import partial

from connectors.genetec.check.look import Look
from core.errors import VmsUnavailable
from core.types import FindingLevel


def look_at_streaming(look: Look) -> None:
    """Without it nothing is armed by events and no verdict is heard at once; alerts go out all the same."""
    level = FindingLevel.FAILURE if look.settings.control else FindingLevel.WARNING
    look.findings.step("streaming", look.url, partial(_open, look), level)


def _open(look: Look) -> None:
    with look.streams.opened(lambda _link: None) as link:
        if next(link.parts(), None) is None:
            raise VmsUnavailable("the event stream ended at once", remedy="Look at the Web-based SDK role's log.")
    look.findings.ok(look.url, "streaming_ok", "the event stream opens (port 4591 where the role redirects there)")
