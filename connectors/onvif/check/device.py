"""Our own device, before a VMS comes: its ports, its certificate, and its multicast groups. Needs no VMS."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from functools import partial
from typing import Final

from cryptography import x509

from connectors.onvif.check.look import Look
from connectors.onvif.check.network import DAY_S, EXPIRY_WARNING_DAYS
from connectors.onvif.device.addresses import require_groups
from connectors.onvif.device.identity import identity_of
from connectors.onvif.device.services.device import endpoint_of
from connectors.onvif.device.xml import TDS, XmlRefused, parse
from connectors.onvif.settings import SERVICE_PATH, DeviceSettings, address_of
from connectors.protocols.certificate_names import fits, names_of
from core.errors import VigieError

_ASK_S: Final = 5.0
_MAX_ANSWER_BYTES: Final = 65_536
_HERE: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to dial what listens everywhere
_RENEW: Final = "Renew it at the site's certificate authority, and put the new one in its place."
_WHO_ARE_YOU: Final = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>'
    f'<GetEndpointReference xmlns="{TDS}"/></e:Body></e:Envelope>'
)


def look_at_device(look: Look, device: DeviceSettings) -> None:
    """Each part is a step of its own."""
    look.findings.step("device", device.listen, partial(require_groups, device, look.cameras))
    _look_at_ports(look, device)
    if device.certificate is None or device.key is None:
        remedy = "Have the site's authority issue a certificate for this machine; set certificate and key of device:."
        look.findings.warn(device.listen, "device_not_encrypted", "our device answers without TLS", remedy)
        return
    look.findings.step("device", device.listen, partial(_look_at_certificate, look, device))


def _look_at_ports(look: Look, device: DeviceSettings) -> None:
    """Ports that are taken while Vigie runs are its own."""
    asked = {listen: _trouble(listen) for listen in (device.listen, device.rtsps, device.rtsp) if listen}
    runs = asked[device.listen] == errno.EADDRINUSE and _is_our_device(look, device)
    for listen, trouble in asked.items():
        if trouble == 0:
            look.findings.ok(listen, "device_port_ok", "the port is free")
        elif runs and trouble == errno.EADDRINUSE:
            look.findings.ok(listen, "device_port_ok", "our device listens there: Vigie runs")
        elif trouble == errno.EADDRINUSE:
            remedy = "Stop the other program, or give the device another port."
            look.findings.fail(listen, "device_port_taken", "another program listens there", remedy)
        else:
            why = errno.errorcode.get(trouble, "no such address")
            remedy = "Correct the address: it has to be one of this machine, with a port that this account may open."
            look.findings.fail(listen, "device_port_unusable", f"cannot listen there ({why})", remedy)


def _trouble(listen: str) -> int:
    """The error's number where one cannot listen, 0 where one can."""
    host, port = address_of(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:  # a host name that nobody knows, too
        return error.errno or errno.EADDRNOTAVAIL
    return 0


def _is_our_device(look: Look, device: DeviceSettings) -> bool:
    """Asks who is there; nothing secret is said, so whose certificate it has does not matter."""
    host, port = device.address
    where = (_HERE.get(host, host), port)
    if device.certificate is None:
        link = http.client.HTTPConnection(*where, timeout=_ASK_S)
    else:
        link = http.client.HTTPSConnection(*where, timeout=_ASK_S, context=_any_certificate())
    try:
        link.request("POST", SERVICE_PATH, _WHO_ARE_YOU, {"Content-Type": "application/soap+xml"})
        answer = parse(link.getresponse().read(_MAX_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, XmlRefused):
        return False
    finally:
        link.close()
    return endpoint_of(identity_of(look.settings)) in answer.itertext()


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _look_at_certificate(look: Look, device: DeviceSettings) -> None:
    """Raises ``VigieError`` where TLS could not be served."""
    assert device.certificate is not None
    assert device.key is not None
    certificate, key = (look.services.site_dir / path for path in (device.certificate, device.key))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            certificate, key, password=""
        )  # empty rather than asked for
        leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise VigieError(
            f"the device's certificate or key cannot be used ({error})",
            remedy="Give PEM files that belong together, the key without a passphrase, and readable to this account.",
        ) from error
    _look_at_dates(look, str(device.certificate), leaf)
    _look_at_name(look, str(device.certificate), device.host, leaf)


def _look_at_dates(look: Look, subject: str, leaf: x509.Certificate) -> None:
    now = look.services.clock.utc()
    days = (leaf.not_valid_after_utc.timestamp() - now) / DAY_S
    if days < 0:
        look.findings.fail(subject, "device_certificate_expired", "our device's certificate has ended", _RENEW)
    elif leaf.not_valid_before_utc.timestamp() > now:
        message = "our device's certificate is not valid yet"
        look.findings.fail(subject, "device_certificate_early", message, "Set this machine's clock right, or wait.")
    elif days < EXPIRY_WARNING_DAYS:
        message = f"our device's certificate ends in {int(days)} days"
        look.findings.warn(subject, "device_certificate_expires_soon", message, _RENEW)
    else:
        look.findings.ok(subject, "device_certificate_ok", "our device's certificate can be used")


def _look_at_name(look: Look, subject: str, host: str, leaf: x509.Certificate) -> None:
    """A VMS that checks compares it with the address by which the device was added; ``host`` is what answers name."""
    names = names_of(leaf)
    told = ", ".join(names) or "no host"
    if not names or (host and not any(fits(name, host.strip("[]")) for name in names)):
        message = f"our device's certificate is for {told}" + (f", but not for {host}" if host else "")
        remedy = "Set 'host:' of device: to a name of the certificate, or have one issued for this machine's name."
        look.findings.fail(subject, "device_certificate_name", message, remedy)
    else:
        remedy = "" if host else "Add the device in the VMS by one of these; or set 'host:'."
        look.findings.ok(subject, "device_certificate_name_ok", f"our device's certificate is for {told}", remedy)
