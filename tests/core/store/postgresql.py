"""A real PostgreSQL server of our own, as long as the test session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

ACCOUNT = "postgres"
PATIENCE_S = 40
UNSAFE_BUT_FAST = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off"


class Server:
    """Listens on a Unix socket in its own folder, and nowhere else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def empty_database(self) -> str:
        """SQLAlchemy URL of the one database, emptied: making a new one takes fifty times as long."""
        with self.connect() as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return f"postgresql+psycopg://{ACCOUNT}@/{ACCOUNT}?host={self._folder}"

    def disconnect_others(self) -> None:
        """What a restart of the server does to its clients."""
        with self.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self._folder), user=ACCOUNT, dbname=ACCOUNT, autocommit=True)


@contextmanager
def running_server() -> Iterator[Server]:
    """Starts it, or skips the test with the reason."""
    programs = _programs()
    # Not pytest's own folder: root's is closed to the account that the server must run under.
    folder = Path(tempfile.mkdtemp(prefix="vigie-postgresql-"))
    account = _account()
    try:
        if account:
            shutil.chown(folder, account)
        data = folder / "data"
        _run(account, programs / "initdb", "-D", data, "-U", ACCOUNT, "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' {UNSAFE_BUT_FAST}"
        _run(account, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield Server(folder)
        finally:
            _run(account, programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    on_path = shutil.which("pg_ctl")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    pytest.skip("needs a PostgreSQL server: initdb and pg_ctl are not installed")


def _account() -> str | None:
    """PostgreSQL refuses to run as root: then it gets an account of its own."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 - does not exist on Windows

    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        pytest.skip(f"needs an account {ACCOUNT!r}: PostgreSQL does not run as root")
    return ACCOUNT


def _run(account: str | None, *command: str | Path) -> None:
    identity: dict[str, Any] = {"user": account, "group": account, "extra_groups": []} if account else {}
    # Its output must not be a pipe: the server would inherit it and keep it open.
    done = subprocess.run(
        [str(word) for word in command],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE_S,
        check=False,
        **identity,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}")
