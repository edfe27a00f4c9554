"""Our own certificate, for what a VMS dials into."""

from __future__ import annotations

import ssl
from pathlib import Path

from core.errors import VmsRefused
from core.logs import describe


def server_context(certificate: Path | None, key: Path | None, where: str) -> ssl.SSLContext | None:
    """TLS 1.2 and later with this certificate; None where there is none. ``where``: the key of the site file.

    Raises ``VmsRefused`` for files that cannot be used.
    """
    if certificate is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one too
        raise VmsRefused(
            f"the certificate {certificate} of {where} or its key cannot be used: {describe(error)}",
            remedy=f"Give PEM files under {where!r}: the certificate with its chain, and its key without passphrase.",
        ) from error
    return context
