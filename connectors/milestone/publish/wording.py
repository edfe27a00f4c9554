"""What operators read of an alert, ending with the token by which Vigie finds it again."""

from __future__ import annotations

import re

from config.model import CameraSettings
from core.clock import iso_utc
from core.types import Alert, AlertObject, Delivery

_OBJECTS_NAMED = 5
_MAX_TITLE = 100
_MAX_SUMMARY = 190
"""XProtect's own limits are unverified: a message stays within 255 characters, so that its token is never cut off."""
_FORBIDDEN_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def title(alert: Alert) -> str:
    """The rule's name."""
    return _shortened(_clean(alert.rule_name or alert.rule_id), _MAX_TITLE)


def camera_name(camera: CameraSettings) -> str:
    """What people call the camera."""
    return _clean(camera.name or camera.id)


def summary(alert: Alert, camera: CameraSettings) -> str:
    """One line: which rule, where, what it saw."""
    seen = ", ".join(_object(item) for item in alert.objects[:_OBJECTS_NAMED])
    more = len(alert.objects) - _OBJECTS_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return _shortened(f"{title(alert)} on {camera_name(camera)}" + (f": {seen}{rest}" if seen else ""), _MAX_SUMMARY)


def description(delivery: Delivery, alert: Alert, camera: CameraSettings) -> str:
    """The summary with the capture time, as an alarm's own time is when it was sent, and the delivery's token."""
    return f"{summary(alert, camera)} at {iso_utc(alert.captured_at)} {delivery.token}"


def xml_text(text: str) -> str:
    """The text without the characters that XML 1.0 cannot hold; each becomes U+FFFD."""
    return _FORBIDDEN_IN_XML.sub("\ufffd", text)


def _object(item: AlertObject) -> str:
    return f"{_clean(item.label)} {item.score:.2f}"


def _clean(text: str) -> str:
    return xml_text(" ".join(text.split()))


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
