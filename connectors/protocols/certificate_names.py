"""Whom a certificate is for, as clients compare it with the host that they dial (RFC 6125, RFC 9525)."""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509


def names_of(leaf: x509.Certificate) -> list[str]:
    """Its host names and addresses; the common name is not looked at by anybody any more."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [
        *names.get_values_for_type(x509.DNSName),
        *map(str, names.get_values_for_type(x509.IPAddress)),
    ]


def fits(name: str, host: str) -> bool:
    """Whether a name of a certificate, which may begin with ``*.``, is that of the host."""
    try:
        return ip_address(name) == ip_address(host)
    except ValueError:
        pattern, wanted = name.lower(), host.lower()
        return pattern == wanted or (pattern.startswith("*.") and pattern[1:] == wanted[wanted.find(".") :])
