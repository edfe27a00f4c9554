"""The account that is presented to the Web-based SDK role."""

from __future__ import annotations

from collections.abc import Callable

from connectors.genetec.access.websdk import Credentials
from connectors.genetec.settings import GenetecSettings
from core.contracts import ConnectorServices


def credentials_of(settings: GenetecSettings, services: ConnectorServices) -> Callable[[], Credentials]:
    """Looks the secrets up at each call, so that a renewed one needs no restart."""

    def credentials() -> Credentials:
        secrets = services.secrets
        return settings.username, secrets(settings.application_id), secrets(settings.password)

    return credentials
