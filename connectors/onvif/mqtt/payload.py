"""An ONVIF event as MQTT topic and JSON payload. Facts: SPEC:Core "Event Broker", "Topic Structure", "JSON Event Payload"."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from connectors.onvif.device.notifications import Notification
from core.clock import iso_utc

_JSON_EVENTS: Final = "onvif-ej"
_DEFAULT_NAMESPACE: Final = "tns1:"
_SPECIAL: Final = re.compile(r"[#+/\0]")
"""Omitted from values in a topic; the payload holds them whole. The slash would make a level of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttMessage:
    """What is published. ``is_retained``: the broker keeps it for those who subscribe later, as for every property."""

    topic: str
    payload: bytes
    is_retained: bool


def mqtt_message(notification: Notification, prefix: str) -> MqttMessage:
    """The message under ``prefix``. ``PropertyOperation`` is not part of it (SPEC:Core "Property events")."""
    values = "/".join(_SPECIAL.sub("", value) for _, value in notification.source)
    local = notification.topic.path.removeprefix(_DEFAULT_NAMESPACE)
    data: dict[str, str | bool] = dict(notification.data)
    if notification.topic.state_item is not None:
        data[notification.topic.state_item] = bool(notification.state)
    content = {"UtcTime": iso_utc(notification.at), "Source": dict(notification.source), "Data": data}
    return MqttMessage(
        topic=f"{prefix}/{_JSON_EVENTS}/{local}/&{values}",
        payload=json.dumps(content, ensure_ascii=False).encode(),
        is_retained=notification.topic.state_item is not None,
    )
