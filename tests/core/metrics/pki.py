"""Certificates of a site: an authority, and a server certificate of this machine."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from connectors.protocols.certificates import SiteAuthority


@dataclass(frozen=True, slots=True)
class Pki:
    ca: Path
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def pki(folder: Path) -> Pki:
    authority = SiteAuthority.create(folder)
    certificate, key = authority.issue(["127.0.0.1", "localhost"])
    return Pki(authority.ca, certificate, key)
