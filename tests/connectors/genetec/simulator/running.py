"""A running simulator, and a client made of plain requests."""

from __future__ import annotations

import argparse
import atexit
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import quote

import requests

from connectors.genetec.simulator.command import COMMAND
from connectors.genetec.simulator.simulator import start
from connectors.genetec.simulator.websdk import FAULTS
from connectors.protocols.scene import write_scene
from connectors.protocols.simulation import Announcement, simulator_in_thread

USER, PASSWORD = "vigie", "vigie-demo"
UNKNOWN = "00000001-0000-babe-0000-ffffffffffff"


@cache
def video() -> Path:
    folder = mkdtemp(prefix="vigie-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "Dock.mp4"
    write_scene(path, seconds=1.0, fps=12.5, size=(160, 90))
    return path


@dataclass(kw_only=True)
class Client:
    """Asks the Web SDK as ``vigie``."""

    announced: Announcement
    http: requests.Session = field(default_factory=requests.Session)
    user: str = USER
    password: str = PASSWORD

    def __post_init__(self) -> None:
        self.http.verify = self.announced.ca
        self.http.trust_env = False
        self.http.auth = (f"{self.user};{self.extra('application_id')}", self.password)
        self.http.headers["Accept"] = "text/json"

    def extra(self, name: str) -> Any:
        return self.announced.extra[name]

    @property
    def camera(self) -> str:
        return self.announced.cameras[0].device

    @property
    def alarm(self) -> str:
        return str(self.extra("alarm"))

    def send(self, verb: str, path: str, **options: Any) -> requests.Response:
        return self.http.request(verb, f"{self.announced.url}{path}", timeout=10, **options)

    def ask(self, verb: str, path: str, query: str | None = None, **options: Any) -> dict[str, Any]:
        """The envelope's inside."""
        suffix = "" if query is None else f"?q={quote(query, safe='')}"
        response = self.send(verb, f"{path}{suffix}", **options)
        assert response.status_code == 200, response.text
        inside: dict[str, Any] = response.json()["Rsp"]
        return inside

    def raised(self, text: str, event: int = 5000, camera: str = "") -> dict[str, Any]:
        return self.ask("POST", f"/events/RaiseCustomEvent/{event}/{camera or self.camera}?msg={quote(text, safe='')}")

    def ledger(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.announced.admin}/ledger?kind={kind}", timeout=5).json()
        return found

    def act(self, name: str, /, **order: Any) -> requests.Response:
        return requests.post(f"{self.announced.admin}/acts/{name}", json=order, timeout=10)

    def order(self, plan: str, *outcomes: str, repeat: bool = False) -> None:
        order = {"outcomes": list(outcomes), "repeat": repeat}
        assert requests.put(f"{self.announced.admin}/faults/{plan}", json=order, timeout=5).status_code == 200


@contextmanager
def simulated(*texts: str) -> Iterator[Client]:
    """A simulator of one camera (more with ``--cameras``) on free ports."""
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    ports = ("--port", "0", "--stream-port", "0", "--rtsp-port", "0")
    arguments = parser.parse_args(["--video", str(video()), *ports, *texts])
    with simulator_in_thread(arguments, start, faults=FAULTS) as announced:
        client = Client(announced=announced)
        with client.http:
            yield client
