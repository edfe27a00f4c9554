"""A VMS simulator as the child process that a user would start by hand."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Any, Self

import requests

from core.errors import VigieError

READY_S = 60.0
"""A simulator draws and encodes its scene before it is ready."""

STOP_S = 10.0
ADMIN_TIMEOUT_S = 10.0

if sys.platform == "win32":
    _NEW_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _NEW_GROUP = 0


class SimulatorProcess:
    """``vigie simulate NAME`` in a child process, ended with the context. ``announced`` is what it said when ready."""

    def __init__(self, name: str, arguments: Sequence[str], *, log: Path) -> None:
        self.name = name
        self.announced: dict[str, Any] = {}
        self._log = log.open("w", encoding="utf-8")
        command = [sys.executable, "-m", "core.cli.main", "simulate", name, "--json", "--until-stdin-closes"]
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            # Ctrl-C is for the demo, which still asks the simulators what they received.
            process_group=0,
            creationflags=_NEW_GROUP,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process_id(self) -> int:
        """Of the child."""
        return self._process.pid

    def wait_ready(self, timeout_s: float = READY_S) -> None:
        """Returns once the simulator has announced itself."""
        lines: Queue[str] = Queue()
        threading.Thread(target=self._read_first_line, args=(lines,), daemon=True).start()
        try:
            line = lines.get(timeout=timeout_s)
        except Empty:
            line = ""
        if not line:
            raise VigieError(f"the {self.name} simulator did not start", remedy=f"Its log is {self._log.name}.")
        self.announced = json.loads(line)

    def ledger(self) -> list[dict[str, Any]]:
        """Everything that this VMS accepted, in order."""
        records: list[dict[str, Any]] = self._admin("GET", "ledger").json()
        return records

    def set_fault(self, name: str, outcomes: Sequence[str], *, repeat: bool = True) -> None:
        """Changes a fault plan while it runs."""
        self._admin("PUT", f"faults/{name}", {"outcomes": list(outcomes), "repeat": repeat})

    def act(self, act: str, /, **order: object) -> Any:
        """Does what a person would do in this VMS; returns what the simulator answers."""
        return self._admin("POST", f"acts/{act}", order).json()

    def stop(self) -> None:
        """Closes its standard input, which ends it; kills it when that does not."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()

    def _admin(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> requests.Response:
        url = f"{self.announced['admin']}/{path}"
        try:
            answer = requests.request(method, url, json=document, timeout=ADMIN_TIMEOUT_S)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise VigieError(
                f"the {self.name} simulator does not answer", remedy=f"Its log is {self._log.name}."
            ) from error
        return answer

    def _read_first_line(self, lines: Queue[str]) -> None:
        assert self._process.stdout is not None
        lines.put(self._process.stdout.readline())
