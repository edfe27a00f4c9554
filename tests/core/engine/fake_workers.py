"""Bodies of worker processes for the pool's tests; importable by name, because workers are spawned."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from config.model import SiteSettings
from core.engine.messages import Assign, Ready, Stop, StreamChanged
from core.types import StreamState


def obedient(connection: Connection, _site: SiteSettings, _site_path: Path, _log_level: str) -> None:
    """Says which cameras it got until told to stop."""
    connection.send(Ready())
    while not isinstance(message := connection.recv(), Stop):
        if isinstance(message, Assign):
            rules = ",".join(f"{name}={moment:g}" for name, moment in message.last_alerts.items())
            connection.send(StreamChanged(camera_id=message.camera_id, state=StreamState.STREAMING, cause=rules))


def dies_once(connection: Connection, site: SiteSettings, site_path: Path, log_level: str) -> None:
    """Kills itself in its first life, after having said something; obeys in the next."""
    marker = site_path.with_suffix(".died")
    if marker.exists():
        obedient(connection, site, site_path, log_level)
        return
    marker.touch()
    connection.send(StreamChanged(camera_id="last-words", state=StreamState.LOST))
    os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
