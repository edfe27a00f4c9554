"""A real mosquitto on a free port, and its own client as the witness of what arrived."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.protocols.certificates import SiteAuthority

USERNAME = "vigie"
PASSWORD = "s3cret"
READY_S = 5.0


@dataclass
class RunningBroker:
    port: int
    ca: Path
    is_tls: bool

    @property
    def url(self) -> str:
        return f"mqtt{'s' if self.is_tls else ''}://localhost:{self.port}"

    def retained(self, topic: str = "#") -> dict[str, Any]:
        """What the broker keeps: topic → payload."""
        return {topic: json.loads(payload) for topic, payload in self._read(topic, "--retained-only", "-W", "1")}

    @contextmanager
    def witness(self, count: int) -> Iterator[list[tuple[str, Any]]]:
        """What arrives within the block, until ``count`` messages have come."""
        command = ["stdbuf", "-oL", *self._command("#"), "-d", "-R", "-C", str(count), "-W", "10"]
        seen: list[tuple[str, Any]] = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                assert process.stdout
                for line in process.stdout:
                    if "SUBACK" in line or line.startswith("Subscribed"):
                        break
                yield seen
                output = process.communicate(timeout=12)[0]
            finally:
                process.kill()
        pairs = (line.partition("|")[::2] for line in output.splitlines() if "|{" in line)
        seen += [(topic, json.loads(payload)) for topic, payload in pairs]

    def _read(self, topic: str, *options: str) -> Sequence[tuple[str, str]]:
        done = subprocess.run(
            [*self._command(topic), *options], capture_output=True, text=True, timeout=12, check=False
        )
        return [line.partition("|")[::2] for line in done.stdout.splitlines()]

    def _command(self, topic: str) -> list[str]:
        tls = ["--cafile", str(self.ca)] if self.is_tls else []
        account = ["-u", USERNAME, "-P", PASSWORD]
        return [
            "mosquitto_sub",
            "-h",
            "localhost",
            "-p",
            str(self.port),
            "-V",
            "5",
            "-t",
            topic,
            "-F",
            "%t|%p",
            *account,
            *tls,
        ]


@contextmanager
def mosquitto(folder: Path, *, is_tls: bool = False, may_write: str = "#") -> Iterator[RunningBroker]:
    """``may_write``: the topics that the account may publish to."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None or shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto is not installed")
    authority = SiteAuthority.create(folder / "ca")
    port = _free_port()
    settings = [f"listener {port} 127.0.0.1", "allow_anonymous false", "user root", "log_type none"]
    settings += [f"password_file {_accounts(folder)}", f"acl_file {_rights(folder, may_write)}"]
    if is_tls:
        chain, key = authority.issue(["localhost"])
        settings += [f"certfile {chain}", f"keyfile {key}"]
    written = folder / "mosquitto.conf"
    written.write_text("\n".join(settings) + "\n")
    with subprocess.Popen(
        [program, "-c", str(written)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port)
            yield RunningBroker(port=port, ca=authority.ca, is_tls=is_tls)
        finally:
            process.terminate()


def _accounts(folder: Path) -> Path:
    accounts = folder / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(accounts), USERNAME, PASSWORD]
    subprocess.run(command, check=True, timeout=10, capture_output=True)
    return accounts


def _rights(folder: Path, may_write: str) -> Path:
    rights = folder / "rights"
    rights.write_text(f"user {USERNAME}\ntopic read #\ntopic write {may_write}\n")
    rights.chmod(0o600)
    return rights


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port: int = chosen.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < until, "mosquitto does not listen"
        else:
            return
