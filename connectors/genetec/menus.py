"""Where things stand in Config Tool (Security Center Administrator Guides 5.9 to 5.12, Hardening Guide 5.11)."""

from __future__ import annotations

from typing import Final

CUSTOM_EVENTS: Final = "Config Tool → System → General settings → Events"
ACTIONS: Final = (
    "Config Tool → Automation → Actions (in releases whose Config Tool has no Automation task:"
    " System → General settings → Actions)"
)
ALARMS: Final = "Config Tool → Alarms → Alarms"
USERS: Final = "Config Tool → User management"
ROLES: Final = "Config Tool → System → Roles"
WEB_SDK: Final = f"{ROLES} → Web-based SDK → Properties"
MEDIA_GATEWAY: Final = f"{ROLES} → Media Gateway → Properties → RTSP"


def custom_event(name: str, number: int | None) -> str:
    """How to add a custom event by hand."""
    value = f"Value: {number}" if number is not None else "Value: any number that is free"
    return f"{CUSTOM_EVENTS} → Add an item: Name: {name}, Entity type: Camera, {value}; Save, Apply"


def event_to_action(event: str, alarm: str) -> str:
    """How to make a custom event trigger an alarm by hand."""
    return (
        f"{ACTIONS} → Add an item: When: {event}, From: Any entity (or one item for each camera), Action: Trigger alarm,"
        f" Alarm: {alarm}, Effective: Always; Save"
    )


def recipients(alarm: str) -> str:
    """Where the recipients of an alarm are added."""
    return f"{ALARMS} → {alarm} → Properties → Recipients → Add an item"
