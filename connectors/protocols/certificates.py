"""A small private certificate authority, for simulators and tests: what a site's own PKI would issue."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CA_LIFE = timedelta(days=3650)
_LEAF_LIFE = timedelta(days=397)
_BACKDATED = timedelta(days=1)
"""Certificates begin in the past, so that a peer with a slow clock takes them."""


class SiteAuthority:
    """Issues server certificates that verify against ``ca`` (the PEM file to give to clients)."""

    def __init__(self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._folder = folder
        self._certificate = certificate
        self._key = key
        self._issued = 0

    @property
    def ca(self) -> Path:
        """The authority's certificate, PEM."""
        return self._folder / "ca.pem"

    @classmethod
    def create(cls, folder: Path) -> SiteAuthority:
        """A new authority whose certificate is ``folder/ca.pem``; its key stays in memory only."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vigie simulated site CA")])
        certificate = (
            _builder(name, name, key.public_key(), key.public_key(), _now() - _BACKDATED, _now() + _CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        authority = cls(folder, certificate, key)
        authority.ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    def issue(self, names: Sequence[str], *, expired: bool = False) -> tuple[Path, Path]:
        """Writes a server certificate for DNS names or IP addresses.

        Returns the PEM files of the chain and of the private key. ``expired`` gives one that ended yesterday; for a
        certificate of the wrong name, ask for another name than the one that clients use.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        end = _now() - _BACKDATED if expired else _now() + _LEAF_LIFE
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = (
            _builder(
                subject,
                self._certificate.subject,
                key.public_key(),
                self._key.public_key(),
                end - _LEAF_LIFE - 2 * _BACKDATED,
                end,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return self._written(certificate, key)

    def server_context(self, names: Sequence[str], *, expired: bool = False) -> ssl.SSLContext:
        """A TLS server context with a fresh certificate for these names."""
        chain, key = self.issue(names, expired=expired)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(chain, key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A TLS client context that trusts this authority only."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca)
        return context

    def _written(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> tuple[Path, Path]:
        self._issued += 1
        chain_file = self._folder / f"server-{self._issued}.pem"
        key_file = self._folder / f"server-{self._issued}.key"
        pem = serialization.Encoding.PEM
        chain_file.write_bytes(certificate.public_bytes(pem) + self._certificate.public_bytes(pem))
        key_file.touch(mode=0o600)
        key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return chain_file, key_file


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _now() -> datetime:
    return datetime.now(UTC)
