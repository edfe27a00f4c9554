"""Bodies of worker processes for the pool's tests; importable by name, because workers are spawned."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing.connection import Connection

from core.engine.messages import Assign, Ready, Stop, StreamChanged, SwitchRules
from core.engine.worker import WorkerSetup
from core.types import StreamState

LONGEST_LIFE_S = 60.0


def obedient(connection: Connection, _setup: WorkerSetup) -> None:
    """Says which cameras it got until told to stop."""
    connection.send(Ready())
    while not isinstance(message := connection.recv(), Stop):
        if isinstance(message, Assign):
            rules = ",".join(f"{name}={moment:g}" for name, moment in message.last_alerts.items())
            connection.send(StreamChanged(camera_id=message.camera_id, state=StreamState.STREAMING, cause=rules))
        if isinstance(message, SwitchRules):
            states = ",".join(f"{name}={state.value}" for name, state in message.states.items())
            connection.send(StreamChanged(camera_id=message.camera_id, state=StreamState.RETRYING, cause=states))


def talks_nonsense(connection: Connection, _setup: WorkerSetup) -> None:
    """Says what cannot be read, then what can, and obeys."""
    connection.send_bytes(b"no pickle at all")
    connection.send(StreamChanged(camera_id="unlistened", state=StreamState.STREAMING))
    obedient(connection, _setup)


def deaf(connection: Connection, _setup: WorkerSetup) -> None:
    """Does not listen, and ends only with its pipe or by force."""
    connection.send(Ready())
    threading.Event().wait(LONGEST_LIFE_S)


def dies_at_once(_connection: Connection, _setup: WorkerSetup) -> None:
    """Ends before it said anything."""


def dies_once(connection: Connection, setup: WorkerSetup) -> None:
    """Kills itself in its first life, after having said something; obeys in the next."""
    marker = setup.site_path.with_suffix(".died")
    if marker.exists():
        obedient(connection, setup)
        return
    marker.touch()
    connection.send(StreamChanged(camera_id="last-words", state=StreamState.LOST))
    os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
