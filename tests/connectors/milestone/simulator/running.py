"""A simulator running in a thread, and the plain requests with which the tests drive it."""

from __future__ import annotations

import argparse
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from connectors.milestone.simulator.options import add_arguments
from connectors.milestone.simulator.simulator import FAULTS, start
from connectors.protocols.simulation import Announcement, simulator_in_thread

USERNAME, PASSWORD = "vigie", "vigie-demo"
NS = "http://videoos.net/2/XProtectCSServerCommand"
INSTANCE = "0d4a7c52-7d0b-4f0e-9a61-2d1f9f0a55aa"
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Running:
    """Where the simulator is, and shortcuts to its interfaces."""

    announced: Announcement

    @property
    def camera(self) -> str:
        return self.announced.cameras[0].device

    @property
    def ca(self) -> str:
        return self.announced.ca

    @property
    def event_server(self) -> tuple[str, int]:
        host, _, port = str(self.announced.extra["event_server"]).partition(":")
        return host, int(port)

    @property
    def recorder(self) -> tuple[str, int]:
        parts = urlsplit(str(self.announced.extra["recorder"]))
        return parts.hostname or "", parts.port or 0

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request to the gateway port."""
        verify: str | bool = self.ca if self.announced.url.startswith("https:") else True
        return requests.request(
            method, f"{self.announced.url}{path}", verify=verify, timeout=TIMEOUT_S, allow_redirects=False, **options
        )

    def log_in(self, **fields: str) -> requests.Response:
        form = {
            "grant_type": "password",
            "username": USERNAME,
            "password": PASSWORD,
            "client_id": "GrantValidatorClient",
        }
        return self.send("POST", "/API/IDP/connect/token", data={**form, **fields})

    def bearer(self) -> str:
        return str(self.log_in().json()["access_token"])

    def rest(self, method: str, path: str, **options: Any) -> requests.Response:
        """One REST call with a fresh token."""
        headers = {"Authorization": f"Bearer {self.bearer()}"}
        return self.send(method, f"/api/rest/v1{path}", headers=headers, **options)

    def soap(self, operation: str, body: str = "", *, service: str = "", **options: Any) -> requests.Response:
        """One call of the HTTP Basic service; ``service="OAuth"`` calls the other one with a Bearer token."""
        if service:
            options.setdefault("headers", {})["Authorization"] = f"Bearer {self.bearer()}"
        else:
            options.setdefault("auth", (USERNAME, PASSWORD))
        headers = {"Content-Type": "text/xml; charset=utf-8", **options.pop("headers", {})}
        envelope = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            f'<{operation} xmlns="{NS}">{body}</{operation}></s:Body></s:Envelope>'
        )
        path = f"/ManagementServer/ServerCommandService{service}.svc"
        return self.send("POST", path, data=envelope.encode(), headers=headers, **options)

    def soap_token(self) -> str:
        answer = self.soap("Login", f"<instanceId>{INSTANCE}</instanceId><currentToken></currentToken>")
        return answer.text.partition("<Token>")[2].partition("</Token>")[0]

    def post_event(self, document: str | bytes, **headers: str) -> requests.Response:
        host, port = self.event_server
        body = document.encode() if isinstance(document, str) else document
        return requests.post(
            f"http://{host}:{port}/", data=body, headers={"Content-Type": "text/xml", **headers}, timeout=TIMEOUT_S
        )

    def ledger(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(
            f"{self.announced.admin}/ledger", params={"kind": kind}, timeout=TIMEOUT_S
        ).json()
        return found

    def order(self, fault: str, *outcomes: str, repeat: bool = False) -> None:
        """Orders a fault; no outcome clears it."""
        answer = requests.put(
            f"{self.announced.admin}/faults/{fault}",
            json={"outcomes": outcomes, "repeat": repeat},
            timeout=TIMEOUT_S,
        )
        answer.raise_for_status()

    def act(self, name: str, /, **order: Any) -> Any:
        """Has someone do something in the simulated VMS."""
        answer = requests.post(f"{self.announced.admin}/acts/{name}", json=order, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()

    def connect(self) -> socket.socket:
        """A TLS connection to the recorder."""
        context = ssl.create_default_context(cafile=self.ca)
        plain = socket.create_connection(self.recorder, timeout=TIMEOUT_S)
        return context.wrap_socket(plain, server_hostname=self.recorder[0])


@contextmanager
def run(video: Path, *options: str) -> Iterator[Running]:
    """A simulator with one camera that shows ``video``."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with simulator_in_thread(parser.parse_args(["--video", str(video), *options]), start, faults=FAULTS) as announced:
        yield Running(announced)


def event_xml(
    camera: str, message: str = "Vigie", tag: str = "", source: str | None = None, before_end: str = ""
) -> str:
    """A small analytics event; ``source`` replaces the content of ``Source``."""
    source = source if source is not None else f"<FQID><ObjectId>{camera}</ObjectId></FQID>"
    return (
        '<AnalyticsEvent xmlns="urn:milestone-systems"><EventHeader>'
        "<ID>5f2d2f9e-6b8c-4a6e-9a2f-51c1b7f0a001</ID><Timestamp>2025-11-20T11:02:03.456+01:00</Timestamp>"
        f"<Message>{message}</Message><CustomTag>{tag}</CustomTag><Source>{source}</Source></EventHeader>"
        f"<Description>Person in zone 7</Description>{before_end}</AnalyticsEvent>"
    )
