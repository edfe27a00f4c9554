"""Bodies of worker processes for the pool's tests; importable by name, because workers are spawned."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from config.model import SiteSettings
from core.engine.messages import Assign, Ready, Stop, StreamChanged
from core.types import StreamState

LONGEST_LIFE_S = 60.0


def obedient(connection: Connection, _site: SiteSettings, _site_path: Path, _log_level: str) -> None:
    """Says which cameras it got until told to stop."""
    connection.send(Ready())
    while not isinstance(message := connection.recv(), Stop):
        if isinstance(message, Assign):
            rules = ",".join(f"{name}={moment:g}" for name, moment in message.last_alerts.items())
            connection.send(StreamChanged(camera_id=message.camera_id, state=StreamState.STREAMING, cause=rules))


def talks_nonsense(connection: Connection, _site: SiteSettings, _site_path: Path, _log_level: str) -> None:
    """Says what cannot be read, then what can, and obeys."""
    connection.send_bytes(b"no pickle at all")
    connection.send(StreamChanged(camera_id="unlistened", state=StreamState.STREAMING))
    obedient(connection, _site, _site_path, _log_level)


def deaf(connection: Connection, _site: SiteSettings, _site_path: Path, _log_level: str) -> None:
    """Does not listen, and ends only with its pipe or by force."""
    connection.send(Ready())
    threading.Event().wait(LONGEST_LIFE_S)


def dies_at_once(_connection: Connection, _site: SiteSettings, _site_path: Path, _log_level: str) -> None:
    """Ends before it said anything."""


def dies_once(connection: Connection, site: SiteSettings, site_path: Path, log_level: str) -> None:
    """Kills itself in its first life, after having said something; obeys in the next."""
    marker = site_path.with_suffix(".died")
    if marker.exists():
        obedient(connection, site, site_path, log_level)
        return
    marker.touch()
    connection.send(StreamChanged(camera_id="last-words", state=StreamState.LOST))
    os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
