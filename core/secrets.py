"""Finds the secrets that the settings only name.

``{secret: name}`` is the file ``secrets/<name>`` beside the site file, ``{env: NAME}`` an environment variable,
``{file: path}`` any file (what Docker, systemd or Kubernetes put in place).
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from config.model import SecretRef
from core.contracts import SecretSource
from core.errors import SecretError

FOLDER = "secrets"
MAX_BYTES = 64 * 1024

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FINAL_NEWLINE = re.compile(r"\r?\n\Z")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SiteSecrets(SecretSource):
    """The secrets of one site. Nothing is cached: a changed password counts from the next connection on."""

    def __init__(self, site_dir: Path) -> None:
        self._site_dir = site_dir

    def resolve(self, reference: object) -> str:
        """The value that a ``SecretRef`` stands for.

        Raises:
            SecretError: it cannot be read, is empty, or others may read its file.
        """
        if not isinstance(reference, SecretRef):
            raise SecretError(f"a secret is named by a SecretRef, not by {type(reference).__name__}")
        if reference.secret is not None:
            return self.read(reference.secret)
        if reference.env is not None:
            return _from_environment(reference.env)
        assert reference.file is not None
        return _from_file(self._site_dir / reference.file, f"the secret file {reference.file}")

    def read(self, name: str) -> str:
        what = f"the secret {name!r}"
        if not _NAME.fullmatch(name):
            raise SecretError(f"{what} cannot be a file name", remedy="Use letters, digits, dots, dashes, underscores.")
        path = self._site_dir / FOLDER / name
        _refuse_if_shared(path, what)
        return _from_file(path, what)


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SecretError(
            f"the environment variable {name} is not set, or is empty",
            remedy="Set it for the account that runs Vigie.",
        )
    return value


def _refuse_if_shared(path: Path, what: str) -> None:
    """POSIX only: on Windows the folder's access list guards it, which ``st_mode`` does not show."""
    if os.name != "posix":
        return
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # reading it says why
    if mode & _OTHERS:
        raise SecretError(f"{what} can be read by other accounts ({path})", remedy=f"Run: chmod 600 {path}")


def _from_file(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SecretError(
            f"{what} cannot be read: {error.strerror} ({path})",
            remedy="Write it to that file, readable only by the account that runs Vigie.",
        ) from error
    value = _FINAL_NEWLINE.sub("", _decoded(raw, what))
    if not value:
        raise SecretError(f"{what} is empty ({path})", remedy="Write the value to that file.")
    return value


def _decoded(raw: bytes, what: str) -> str:
    if len(raw) > MAX_BYTES:
        raise SecretError(f"{what} is larger than {MAX_BYTES // 1024} KiB; is it the right file?")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # Without its cause, which would carry the secret's bytes.
        raise SecretError(f"{what} is not UTF-8 text", remedy="Save it as UTF-8.") from None
