"""Drives ``onvif-python`` and prints what it read as JSON. Runs in the environment of that package only.

It reads Media2 where that is there, else Media, logs in by HTTP Digest or UsernameToken, and checks certificates by
``REQUESTS_CA_BUNDLE``. ``subscribed`` is printed once it listens.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any
from urllib.parse import urlsplit

PULLS = 15
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"


def _client(url: str, username: str, password: str, login: str) -> Any:
    parts = urlsplit(url)
    module = importlib.import_module("onvif")
    return module.ONVIFClient(
        parts.hostname,
        parts.port,
        username,
        password,
        http_digest=login == "digest",
        use_https=parts.scheme == "https",
        verify_ssl=parts.scheme == "https",
        cache=module.CacheMode.MEM,
        capture_xml=True,
    )


def _media(client: Any) -> dict[str, Any]:
    if not any(service.Namespace == MEDIA2 for service in client.services):
        return _old_media(client.media())
    media = client.media2()
    profiles = media.GetProfiles(Type=["All"])
    return {
        "profiles": [[profile.token, profile.Name] for profile in profiles],
        "sources": list(dict.fromkeys(profile.Configurations.VideoSource.SourceToken for profile in profiles)),
        "uris": {
            profile.token: str(media.GetStreamUri(ProfileToken=profile.token, Protocol="RTSP")) for profile in profiles
        },
    }


def _old_media(media: Any) -> dict[str, Any]:
    profiles = media.GetProfiles()
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    return {
        "profiles": [[profile.token, profile.Name] for profile in profiles],
        "sources": [source.token for source in media.GetVideoSources()],
        "uris": {
            profile.token: media.GetStreamUri(ProfileToken=profile.token, StreamSetup=setup).Uri for profile in profiles
        },
    }


def _topics(node: Any, path: str = "") -> list[str]:
    name = node.tag.rpartition("}")[2]
    path = f"{path}/{name}" if path else name
    is_topic = any(key.endswith("}topic") and value in {"true", "1"} for key, value in node.attrib.items())
    inner = [topic for child in node if not child.tag.endswith("MessageDescription") for topic in _topics(child, path)]
    return [path, *inner] if is_topic else inner


def _received(client: Any) -> Any:
    """The last answer as it came: what zeep makes of topics and messages loses their text."""
    return importlib.import_module("lxml.etree").fromstring(client.xml_plugin.last_received_xml.encode())


def _messages(client: Any) -> list[list[Any]]:
    told = []
    for message in _received(client).iter("{*}NotificationMessage"):
        inner = message.find("{*}Message/{*}Message")
        items = {item.get("Name"): item.get("Value") for item in inner.iter("{*}SimpleItem")}
        told.append([message.findtext("{*}Topic"), inner.get("PropertyOperation"), items])
    return told


def _events(client: Any) -> dict[str, Any]:
    events = client.events()
    events.GetEventProperties()
    topic_set = next(_received(client).iter("{*}TopicSet"))
    topics = sorted(topic for item in topic_set for topic in _topics(item))
    subscription = events.CreatePullPointSubscription(InitialTerminationTime="PT60S")
    pull_point = client.pullpoint(subscription)
    told: list[list[Any]] = []
    for number in range(PULLS):
        pull_point.PullMessages(Timeout="PT1S", MessageLimit=100)
        told += _messages(client)
        if number == 0:
            sys.stdout.write("subscribed\n")
            sys.stdout.flush()
        elif any(operation == "Changed" for _, operation, _ in told):
            break
    pull_point.Unsubscribe()
    return {"topics": topics, "events": told}


def _read(url: str, username: str, password: str, login: str) -> dict[str, Any]:
    client = _client(url, username, password, login)
    device = client.devicemgmt()
    return {
        "model": device.GetDeviceInformation().Model,
        "mac": device.GetNetworkInterfaces()[0].Info.HwAddress,
        **_media(client),
        **_events(client),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_read(*sys.argv[1:])))
