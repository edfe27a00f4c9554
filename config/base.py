"""What every settings model is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator


def _without_password(url: str) -> str:
    """A password in a URL would be a secret in the settings, and from there in logs."""
    try:
        credentials = urlsplit(url).netloc.rpartition("@")[0]
    except ValueError as error:
        raise ValueError("is not a valid address") from error
    if ":" in credentials:
        raise ValueError("must not hold a password; leave it out")
    return url


Url: TypeAlias = Annotated[str, AfterValidator(_without_password)]
"""An address without a password in it."""


class Settings(BaseModel):
    """Base of all settings: frozen, and an unknown key is an error rather than a silent wish."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class SecretRef(Settings):
    """Where a secret is found; never the secret itself. Exactly one of the three."""

    secret: str | None = None
    """Name in the secrets folder beside the site file (one file per secret, mode 0600)."""
    env: str | None = None
    """Name of an environment variable."""
    file: Path | None = None
    """File whose content, without its final line end, is the secret."""

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretRef:
        if sum(value is not None for value in (self.secret, self.env, self.file)) != 1:
            raise ValueError("write exactly one of {secret: name}, {env: NAME} or {file: path}")
        return self
