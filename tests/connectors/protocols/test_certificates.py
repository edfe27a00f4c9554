from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from connectors.protocols.certificates import SiteAuthority


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """Shakes hands in memory; returns the TLS version."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    left = client.wrap_bio(to_client, to_server, server_hostname=name)
    right = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (left, right):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return left.version()


@pytest.fixture
def authority(tmp_path: Path) -> SiteAuthority:
    return SiteAuthority.create(tmp_path / "certs")


@pytest.mark.parametrize("name", ["vms.site.local", "127.0.0.1"])
def test_a_server_is_trusted_under_each_of_its_names(authority: SiteAuthority, name: str) -> None:
    context = authority.client_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert _handshake(authority.server_context(["vms.site.local", "127.0.0.1"]), context, name)


def test_another_name_is_refused(authority: SiteAuthority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname mismatch"):
        _handshake(authority.server_context(["other.site.local"]), authority.client_context(), "vms.site.local")


def test_an_expired_certificate_is_refused(authority: SiteAuthority) -> None:
    server = authority.server_context(["vms.site.local"], expired=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        _handshake(server, authority.client_context(), "vms.site.local")


def test_another_authority_is_refused(authority: SiteAuthority, tmp_path: Path) -> None:
    stranger = SiteAuthority.create(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(authority.server_context(["vms.site.local"]), stranger.client_context(), "vms.site.local")


def test_the_authority_writes_its_certificate_and_never_its_key(authority: SiteAuthority) -> None:
    assert authority.ca.name == "ca.pem"
    assert [path.name for path in authority.ca.parent.iterdir()] == ["ca.pem"]
    assert b"PRIVATE" not in authority.ca.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_a_server_key_is_readable_by_its_owner_only(authority: SiteAuthority) -> None:
    _, key = authority.issue(["vms.site.local"])
    assert key.stat().st_mode & 0o077 == 0
