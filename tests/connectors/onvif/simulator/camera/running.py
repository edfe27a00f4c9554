"""A bridge running in a thread, and the plain requests with which the tests drive it."""

from __future__ import annotations

import argparse
import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from lxml import etree
from requests.auth import HTTPDigestAuth

from connectors.onvif.simulator.camera.options import add_arguments
from connectors.onvif.simulator.camera.simulator import FAULTS, start
from connectors.protocols.simulation import Announcement, simulator_in_thread
from core.clock import iso_utc

USERNAME, PASSWORD = "vigie", "vigie-demo"
TIMEOUT_S = 10.0

NS = {
    "env": "http://www.w3.org/2003/05/soap-envelope",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "tns1": "http://www.onvif.org/ver10/topics",
}
PATHS = {"tds": "device_service", "trt": "media_service", "tr2": "media2_service", "tev": "events_service"}
SOAP_TYPE = {"Content-Type": "application/soap+xml; charset=utf-8"}
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"


@dataclass(frozen=True)
class Bridge:
    """Where the simulator is, and shortcuts to its interfaces."""

    announced: Announcement

    @property
    def camera(self) -> str:
        return self.announced.cameras[0].device

    @property
    def verify(self) -> str | bool:
        return self.announced.ca if self.announced.url.startswith("https:") else True

    def post(self, url: str, data: bytes | str, **options: Any) -> requests.Response:
        """One POST; ``auth=None`` sends no credentials."""
        options.setdefault("auth", HTTPDigestAuth(USERNAME, PASSWORD))
        options.setdefault("headers", SOAP_TYPE)
        body = data.encode() if isinstance(data, str) else data
        return requests.post(url, data=body, verify=self.verify, timeout=TIMEOUT_S, allow_redirects=False, **options)

    def ask(self, operation: str, content: str = "", *, url: str = "", header: str = "", **options: Any) -> Any:
        """Calls ``tr2:GetProfiles`` at its service, or at ``url``."""
        prefix, _, name = operation.partition(":")
        url = url or f"{self.announced.url}/onvif/{PATHS[prefix]}"
        return self.post(url, envelope(f"<{prefix}:{name}>{content}</{prefix}:{name}>", header), **options)

    def told(self, operation: str, content: str = "", **options: Any) -> etree._Element:
        """The response element of a call that succeeds."""
        response = self.ask(operation, content, **options)
        assert response.status_code == 200, (response.status_code, response.text)
        return body_of(response)

    def text(self, operation: str, content: str, path: str, **options: Any) -> str:
        """The text of one element of the answer."""
        return self.told(operation, content, **options).findtext(path, "", NS)

    def profile(self, number: int = 0) -> str:
        return self.told("tr2:GetProfiles").findall("tr2:Profiles", NS)[number].get("token", "")

    def stream_uri(self, protocol: str = "RTSP", number: int = 0) -> str:
        content = f"<tr2:Protocol>{protocol}</tr2:Protocol><tr2:ProfileToken>{self.profile(number)}</tr2:ProfileToken>"
        return self.text("tr2:GetStreamUri", content, "tr2:Uri")

    def subscribe(self, content: str = "") -> str:
        """The address of a new pull point."""
        path = "tev:SubscriptionReference/wsa:Address"
        return self.text("tev:CreatePullPointSubscription", content, path)

    def pull(self, url: str, timeout: str = "PT0S", limit: int = 100) -> list[tuple[str, str, dict[str, str]]]:
        """What waits there: topic, operation and all items."""
        answer = self.told("tev:PullMessages", pull_content(timeout, limit), url=url)
        return [_read(message) for message in answer.iterfind("wsnt:NotificationMessage", NS)]

    def ledger(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(
            f"{self.announced.admin}/ledger", params={"kind": kind}, timeout=TIMEOUT_S
        ).json()
        return found

    def order(self, fault: str, *outcomes: str, repeat: bool = True) -> None:
        """Orders a fault; no outcome clears it."""
        order = {"outcomes": outcomes, "repeat": repeat}
        requests.put(f"{self.announced.admin}/faults/{fault}", json=order, timeout=TIMEOUT_S).raise_for_status()

    def act(self, name: str, /, **order: Any) -> Any:
        """Has someone do something at the bridge."""
        answer = requests.post(f"{self.announced.admin}/acts/{name}", json=order, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def run(video: Path, *options: str) -> Iterator[Bridge]:
    """A bridge with one camera that shows ``video``."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with simulator_in_thread(parser.parse_args(["--video", str(video), *options]), start, faults=FAULTS) as announced:
        yield Bridge(announced)


def envelope(body: str, header: str = "") -> str:
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in NS.items())
    return f"<env:Envelope {spaces}><env:Header>{header}</env:Header><env:Body>{body}</env:Body></env:Envelope>"


def body_of(response: requests.Response) -> etree._Element:
    return etree.fromstring(response.content).findall("env:Body/*", NS)[0]


def subcodes(response: requests.Response) -> list[str]:
    """The code and subcodes of a fault."""
    return [value.text or "" for value in body_of(response).iter(f"{{{NS['env']}}}Value")]


def pull_content(timeout: str, limit: int) -> str:
    return f"<tev:Timeout>{timeout}</tev:Timeout><tev:MessageLimit>{limit}</tev:MessageLimit>"


def username_token(at: float, *, nonce: bytes = b"0123456789abcdef", password: str = PASSWORD, **changes: str) -> str:
    """A security header; ``changes`` replace ``created``, ``digest`` or ``kind``."""
    created = changes.get("created", iso_utc(at))
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    kind = changes.get("kind", DIGEST_TYPE)
    return (
        f'<s:Security xmlns:s="{WSSE}" xmlns:u="{WSU}" env:mustUnderstand="1"><s:UsernameToken>'
        f'<s:Username>{USERNAME}</s:Username><s:Password Type="{kind}">{changes.get("digest", digest)}</s:Password>'
        f"<s:Nonce>{base64.b64encode(nonce).decode()}</s:Nonce><u:Created>{created}</u:Created>"
        "</s:UsernameToken></s:Security>"
    )


def _read(message: etree._Element) -> tuple[str, str, dict[str, str]]:
    inner = message.find("wsnt:Message/tt:Message", NS)
    assert inner is not None
    items = {item.get("Name", ""): item.get("Value", "") for item in inner.iter(f"{{{NS['tt']}}}SimpleItem")}
    return message.findtext("wsnt:Topic", "", NS), inner.get("PropertyOperation", ""), items
