"""Looks at a Security Center with the account given, and says what is wrong and where to mend it."""

from __future__ import annotations

from functools import partial

from connectors.genetec.check.account import look_at_account, look_at_user_name, look_at_web_sdk
from connectors.genetec.check.alarms import look_at_alarms
from connectors.genetec.check.cameras import look_at_cameras
from connectors.genetec.check.events import look_at_control_events, look_at_custom_event
from connectors.genetec.check.look import Look
from connectors.genetec.check.network import look_at_network
from connectors.genetec.check.reports import look_at_reports
from connectors.genetec.check.streaming import look_at_streaming
from connectors.genetec.check.video import look_at_video
from connectors.genetec.publish.publisher import actions_of
from core.types import Finding


def findings_of(look: Look) -> list[Finding]:
    """Every finding, in the order of looking; a part that needs one that failed is left out.

    Changes nothing in the VMS. Codes are listed in ``docs/security-center-findings.md``.
    """
    if _role(look):
        _site(look)
    look_at_video(look)
    return look.findings.found


def _role(look: Look) -> bool:
    """Whether one can go on."""
    look_at_user_name(look)
    steps = (("network", look_at_network), ("web_sdk", look_at_web_sdk), ("account", look_at_account))
    return all(look.findings.step(name, look.url, partial(action, look)) for name, action in steps)


def _site(look: Look) -> None:
    step, settings = look.findings.step, look.settings
    look_at_streaming(look)
    step("cameras", look.url, lambda: look_at_cameras(look))
    if "event" in actions_of(settings):
        step("custom_event", settings.event_name, lambda: look_at_custom_event(look))
    if settings.control:
        step("control_events", look.url, lambda: look_at_control_events(look))
    if "alarm" in settings.publish:
        step("alarm", look.url, lambda: look_at_alarms(look))
    look_at_reports(look)
