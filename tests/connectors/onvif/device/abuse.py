"""What strangers may do to a running device, counted: a device of its own process, and those who abuse it.

``python -m tests.connectors.onvif.device.abuse --requests 20000 --heads 2000 --connections 10000 --asked 2000
--pipelines 50`` prints one JSON document; the tests do the same in small.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import requests
from lxml import etree
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth

from config.model import CameraSettings
from connectors.onvif.device.front import DeviceFront
from connectors.onvif.device.services import device as device_service
from connectors.protocols.certificates import SiteAuthority
from core.clock import SystemClock
from tests.connectors.onvif.device.damage import ENVELOPE, damaged, envelope, twisted, valid_requests
from tests.connectors.onvif.device.soap_support import PATH, SOAP12, settings

PASSWORD = "s3cret"
ELSEWHERE = "127.0.0.2"
"""Another host than the abusers': whom the device turns away is decided by host."""


class _From(HTTPAdapter):
    """Connects from that address."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        options["source_address"] = (self._source, 0)
        super().init_poolmanager(connections, maxsize, block, **options)


@dataclass(frozen=True)
class Target:
    """A device in a process of its own; ``ca`` is None where it speaks plain HTTP."""

    port: int
    process: psutil.Process
    ca: Path | None

    @property
    def url(self) -> str:
        return f"{'https' if self.ca else 'http'}://127.0.0.1:{self.port}"

    @property
    def rss_mb(self) -> float:
        return float(self.process.memory_info().rss) / 2**20


@dataclass
class Bystander:
    """A client that behaves, all the while: how long it waited at most, and what went wrong."""

    waits_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        ordered = sorted(self.waits_s) or [0.0]
        return {
            "requests": len(self.waits_s),
            "failures": self.failures[:5],
            "p95_ms": round(ordered[int(len(ordered) * 0.95) - 1] * 1000, 1),
            "max_ms": round(ordered[-1] * 1000, 1),
        }


@contextmanager
def running_device(folder: Path, *, tls: bool) -> Iterator[Target]:
    """Starts the device in a process of its own and ends it."""
    command = [sys.executable, "-m", __name__ if __name__ != "__main__" else "tests.connectors.onvif.device.abuse"]
    with subprocess.Popen(
        [*command, "--serve", str(folder), *(["--tls"] if tls else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).resolve().parents[4],
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            port = int(process.stdout.readline())
            yield Target(port, psutil.Process(process.pid), folder / "ca.pem" if tls else None)
        finally:
            process.stdin.close()
            process.wait(20)


def serve(folder: Path, *, tls: bool) -> None:
    """The process of ``running_device``: until standard input closes."""
    certificate, key = SiteAuthority.create(folder).issue(["127.0.0.1"]) if tls else (None, None)
    chosen = settings(listen=f"127.0.0.1:{_free_port()}", certificate=certificate, key=key)
    services: Any = SimpleNamespace(clock=SystemClock(), secrets=lambda _ref: PASSWORD, site_dir=folder, front={})
    front = DeviceFront(chosen, services)
    front.start([CameraSettings(id="quai-1", vms="bridge", device="1", rules=())])
    sys.stdout.write(f"{front.url.split(':')[2].split('/')[0]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    front.close()


@contextmanager
def bystander(target: Target, every_s: float = 0.05) -> Iterator[Bystander]:
    """Asks all the while, with its password, on one connection."""
    seen = Bystander()
    stop = threading.Event()
    data = envelope(f'<tds:GetDeviceInformation xmlns:tds="{device_service.NAMESPACE}"/>')

    def ask() -> None:
        with session(target, source=ELSEWHERE) as client:
            while not stop.wait(every_s):
                begun = time.monotonic()
                try:
                    status = client.post(target.url + PATH, data=data, timeout=10).status_code
                except requests.RequestException as error:
                    seen.failures.append(type(error).__name__)
                    continue
                seen.waits_s.append(time.monotonic() - begun)
                if status != 200:
                    seen.failures.append(str(status))

    thread = threading.Thread(target=ask, name="bystander")
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(30)


@contextmanager
def session(target: Target, *, with_password: bool = True, source: str = "127.0.0.1") -> Iterator[requests.Session]:
    with requests.Session() as client:
        client.trust_env = False
        client.verify = str(target.ca) if target.ca else True
        client.mount(target.url, _From(source))
        client.auth = HTTPDigestAuth("vms", PASSWORD) if with_password else None
        client.headers["Content-Type"] = SOAP12
        yield client


def fuzz_requests(target: Target, number: int, seed: int = 1) -> Counter[str]:
    """Posts damaged requests, half of them with the password; counts the answers by status and innermost subcode.

    An answer that is no SOAP, and silence, are counted as ``no answer``.
    """
    chance = random.Random(seed)
    corpus = [request.encode() for request in valid_requests()]
    outcomes: Counter[str] = Counter()
    with session(target) as inside, session(target, with_password=False) as outside:
        for index in range(number):
            harm = chance.choice((damaged, twisted, twisted, twisted))
            data = harm(chance.choice(corpus), chance)
            outcomes[outcome(inside if index % 2 else outside, target, data)] += 1
    return outcomes


def fuzz_heads(target: Target, number: int, seed: int = 1) -> Counter[str]:
    """Sends damaged HTTP in clear or through TLS; counts the first words that come back within a moment."""
    chance = random.Random(seed)
    body = next(iter(valid_requests())).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: {SOAP12}\r\nContent-Length: {len(body)}\r\n"
        'Authorization: Digest username="vms", nonce="00", nc=00000001, uri="/"\r\nConnection: close\r\n\r\n'
    ).encode()
    outcomes: Counter[str] = Counter()
    for _ in range(number):
        with suppress(OSError), connected(target) as client:
            client.settimeout(0.1)
            outcomes[_sent(client, damaged(head, chance) + body)] += 1
    return outcomes


def open_and_leave(target: Target, number: int) -> Iterator[socket.socket]:
    """Opens connections that say nothing, every fourth after half a request line; whoever holds them keeps them open."""
    for index in range(number):
        client = socket.create_connection(("127.0.0.1", target.port), timeout=10)
        if index % 4 == 0:
            with suppress(OSError):
                client.sendall(b"POST /onvif/dev")
        yield client


def ask_and_leave(target: Target, number: int) -> Iterator[socket.socket]:
    """Connections that ask once, whole and without a password, and stay."""
    body = envelope(f'<tds:GetSystemDateAndTime xmlns:tds="{device_service.NAMESPACE}"/>')
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: {SOAP12}\r\nContent-Length: {len(body)}\r\n\r\n"
    for _ in range(number):
        client = socket.create_connection(("127.0.0.1", target.port), timeout=10)
        with suppress(OSError):
            client = _wrapped(client, target)
            client.sendall(head.encode() + body)
        yield client


def pipeline(target: Target, number: int, each_bytes: int = 4_000_000) -> Iterator[socket.socket]:
    """Connections that send requests without end and read no answer."""
    body = envelope(
        f'<tds:GetServices xmlns:tds="{device_service.NAMESPACE}"><tds:IncludeCapability>true</tds:IncludeCapability></tds:GetServices>'
    )
    one = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: {SOAP12}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    many = (one + body) * (each_bytes // len(one + body))
    for _ in range(number):
        client = connected(target)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(0.5)
        with suppress(OSError):
            client.sendall(many)
        yield client


def connected(target: Target) -> socket.socket:
    return _wrapped(socket.create_connection(("127.0.0.1", target.port), timeout=5), target)


def _wrapped(client: socket.socket, target: Target) -> socket.socket:
    if target.ca is None:
        return client
    return ssl.create_default_context(cafile=str(target.ca)).wrap_socket(client, server_hostname="127.0.0.1")


def outcome(client: requests.Session, target: Target, data: bytes) -> str:
    """Status and innermost subcode of the answer to one request."""
    try:
        response = client.post(target.url + PATH, data=data, timeout=2)
        root = etree.fromstring(response.content)
    except (requests.RequestException, etree.XMLSyntaxError) as error:
        return f"no answer: {type(error).__name__}"
    subcodes = root.findall(f".//{{{ENVELOPE}}}Subcode/{{{ENVELOPE}}}Value")
    return f"{response.status_code} {subcodes[-1].text if subcodes else ''}".strip()


def _sent(client: socket.socket, data: bytes) -> str:
    client.sendall(data)
    try:
        return client.recv(200).split(b"\r\n", 1)[0][:12].decode("latin-1") or "closed"
    except TimeoutError:
        return "waits for more"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def abuse(target: Target, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything at once, and what it did to the device and to a client that behaves."""
    fuzz_requests(target, 200, seed=0)
    before = target.rss_mb
    with ExitStack() as held, bystander(target) as seen:
        begun = time.monotonic()
        for client in open_and_leave(target, arguments.connections):
            held.callback(client.close)
        opened_s = time.monotonic() - begun
        for client in ask_and_leave(target, arguments.asked):
            held.callback(client.close)
        for client in pipeline(target, arguments.pipelines):
            held.callback(client.close)
        answers = fuzz_requests(target, arguments.requests)
        heads = fuzz_heads(target, arguments.heads)
        peak = target.rss_mb
        handles = target.process.num_fds() if hasattr(target.process, "num_fds") else 0
    return {
        "tls": target.ca is not None,
        "rss_mb": {"before": round(before, 1), "after": round(peak, 1)},
        "handles": handles,
        "connections_left": {"count": arguments.connections, "s": round(opened_s, 1)},
        "asked_once_and_left": arguments.asked,
        "damaged_requests": dict(answers.most_common()),
        "damaged_heads": dict(heads.most_common()),
        "bystander": seen.as_json(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("requests", "heads", "connections", "asked", "pipelines"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--serve", type=Path)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, tls=arguments.tls)
        return
    with tempfile.TemporaryDirectory() as folder, running_device(Path(folder), tls=arguments.tls) as target:
        sys.stdout.write(f"{json.dumps(abuse(target, arguments), indent=1)}\n")


if __name__ == "__main__":
    main()
