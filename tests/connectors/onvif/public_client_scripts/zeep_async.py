"""Drives ``onvif-zeep-async`` and prints what it read as JSON. Runs in the environment of that package only.

It logs in by UsernameToken, knows Media only, and cannot be given a CA. ``subscribed`` is printed once it listens.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

PULLS = 15


async def _media(camera: Any) -> dict[str, Any]:
    media = await camera.create_media_service()
    profiles = await media.GetProfiles()
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    uris = {
        profile.token: (await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})).Uri
        for profile in profiles
    }
    sources = await media.GetVideoSources()
    return {
        "profiles": [[profile.token, profile.Name] for profile in profiles],
        "sources": [source.token for source in sources],
        "uris": uris,
    }


def _topics(node: Any, path: str = "") -> list[str]:
    """The paths of a topic set: an lxml element, or zeep's value around some."""
    if hasattr(node, "_value_1"):
        return [topic for item in node._value_1 or () for topic in _topics(item)]
    name = node.tag.rpartition("}")[2]
    path = f"{path}/{name}" if path else name
    is_topic = any(key.endswith("}topic") and value in {"true", "1"} for key, value in node.attrib.items())
    inner = [topic for child in node if not child.tag.endswith("MessageDescription") for topic in _topics(child, path)]
    return [path, *inner] if is_topic else inner


def _event(message: Any) -> list[Any]:
    inner = message.Message._value_1
    parts = [part for part in (inner.Source, inner.Data) if part is not None]
    items = {item.Name: item.Value for part in parts for item in part.SimpleItem}
    return [message.Topic._value_1, inner.PropertyOperation, items]


async def _events(camera: Any) -> dict[str, Any]:
    events = await camera.create_events_service()
    properties = await events.GetEventProperties()
    manager = await camera.create_pullpoint_manager(timedelta(minutes=1), lambda: None)
    service = manager.get_service()
    told: list[list[Any]] = []
    for number in range(PULLS):
        answer = await service.PullMessages({"Timeout": timedelta(seconds=1), "MessageLimit": 100})
        told += [_event(message) for message in answer.NotificationMessage]
        if number == 0:
            sys.stdout.write("subscribed\n")
            sys.stdout.flush()
        elif any(operation == "Changed" for _, operation, _ in told):
            break
    await manager.shutdown()
    return {"topics": sorted(_topics(properties.TopicSet)), "events": told}


async def _read(arguments: Sequence[str]) -> dict[str, Any]:
    url, username, password = arguments
    parts = urlsplit(url)
    camera = importlib.import_module("onvif").ONVIFCamera(
        f"{parts.scheme}://{parts.hostname}", parts.port, username, password
    )
    try:
        await camera.update_xaddrs()
        device = await camera.create_devicemgmt_service()
        information = await device.GetDeviceInformation()
        interfaces = await device.GetNetworkInterfaces()
        return {
            "model": information.Model,
            "mac": interfaces[0].Info.HwAddress,
            **await _media(camera),
            **await _events(camera),
        }
    finally:
        await camera.close()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_read(sys.argv[1:]))))
