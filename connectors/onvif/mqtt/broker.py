"""One connection to the broker, made when something is to be said, and thrown away when anything goes wrong.

Nothing waits in the client: what the broker did not confirm stays the outbox's, which sends it again.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from connectors.onvif.mqtt.payload import MqttMessage
from connectors.onvif.settings import BrokerSettings
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    ProtocolViolation,
    ReplyLost,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from paho.mqtt.client import Client, MQTTMessageInfo

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_KEEPALIVE_S: Final = 30
_LOGIN_REFUSED: Final = frozenset(
    {"Bad user name or password", "Not authorized", "Banned", "Client identifier not valid"}
)
_AT_LEAST_ONCE: Final = 1


class Broker:
    """Thread-safe. ``publish`` returns once the broker confirmed every message (QoS 1)."""

    def __init__(self, settings: BrokerSettings, password: str, ca: Path | None, timeout_s: float) -> None:
        self._settings = settings
        self._password = password
        self._ca = ca
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._link: _Link | None = None

    def publish(self, messages: Sequence[MqttMessage]) -> None:
        """Raises ``VmsUnavailable`` (nothing was sent), ``ReplyLost``, or a refusal. Order is kept."""
        with self._lock:
            try:
                if self._link is None or not self._link.is_up:
                    self._drop()
                    self._link = self._connected()
                self._link.publish(messages, self._timeout_s)
            except VmsError:
                self._drop()
                raise

    def close(self) -> None:
        """Lets go of the connection. May be called twice."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _connected(self) -> _Link:
        link = _Link(self._settings.url)
        try:
            if self._settings.username:
                link.client.username_pw_set(self._settings.username, self._password)
            if urlsplit(self._settings.url).scheme == "mqtts":
                link.client.tls_set_context(self._tls())
            link.connect(self._timeout_s)
        except BaseException:
            link.close()
            raise
        return link

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=str(self._ca) if self._ca else None)
        except (OSError, ssl.SSLError) as error:
            raise VmsRefused(f"the CA file {self._ca} cannot be read", remedy="Give a PEM file as 'ca:'.") from error
        context.sslsocket_class = _ClosingSocket
        return context


class _ClosingSocket(ssl.SSLSocket):
    """The library forgets a socket whose handshake failed."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class _Link:
    """A client that connected once, and what its thread hears."""

    def __init__(self, url: str) -> None:
        mqtt = _paho()
        self._where = f"the MQTT broker {url}"
        self._url = url
        self._changed = threading.Condition()
        self._is_answered = False
        self._confirmed: set[int] = set()
        self._reason = ""
        self._refused: dict[int, str] = {}
        self.is_up = False
        self.client: Client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_publish = self._on_publish

    def connect(self, timeout_s: float) -> None:
        parts = urlsplit(self._url)
        self.client.connect_timeout = timeout_s
        try:
            self.client.connect(parts.hostname or "", parts.port or _PORTS[parts.scheme], keepalive=_KEEPALIVE_S)
        except ssl.SSLCertVerificationError as error:
            raise CertificateRejected(
                f"the certificate of {self._where} does not verify", remedy="Give the site's CA as 'ca:'."
            ) from error
        except (OSError, ValueError) as error:
            raise VmsUnavailable(f"{self._where} does not answer: {error}") from error
        self.client.loop_start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_answered, timeout_s):
                raise VmsUnavailable(f"{self._where} does not answer")
        if not self.is_up:
            raise self._refusal()

    def publish(self, messages: Sequence[MqttMessage], timeout_s: float) -> None:
        sent = {self._send(message).mid for message in messages}
        with self._changed:
            self._changed.wait_for(lambda: sent <= self._confirmed or not self.is_up, timeout_s)
            is_confirmed = sent <= self._confirmed
            refused = [self._refused[number] for number in sent if number in self._refused]
            self._confirmed -= sent
        if not is_confirmed:
            raise ReplyLost(f"{self._where} did not confirm the event")
        if refused:
            raise RightMissing(
                f"{self._where} does not let us publish: {refused[0]}",
                remedy="Allow the account to write below the topic prefix.",
            )

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _send(self, message: MqttMessage) -> MQTTMessageInfo:
        try:
            return self.client.publish(message.topic, message.payload, _AT_LEAST_ONCE, retain=message.is_retained)
        except ValueError as error:
            raise ProtocolViolation(f"no MQTT topic can be made of {message.topic!r}: {error}") from error

    def _refusal(self) -> VmsError:
        if self._reason in _LOGIN_REFUSED:
            return AuthenticationRefused(
                f"{self._where} refuses our account: {self._reason}", remedy="Check username and password of 'broker:'."
            )
        return VmsUnavailable(f"{self._where} does not take the connection: {self._reason}")

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._heard(str(reason), is_up=not reason.is_failure)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._heard(self._reason or str(reason), is_up=False)

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._confirmed.add(mid)
            if reason.is_failure:
                self._refused[mid] = str(reason)
            self._changed.notify_all()

    def _heard(self, reason: str, *, is_up: bool) -> None:
        with self._changed:
            self._reason, self.is_up, self._is_answered = reason, is_up, True
            self._changed.notify_all()


def _paho() -> Any:
    """The library of the extra ``mqtt``; only sites with a broker need it."""
    try:
        from paho.mqtt import client  # noqa: PLC0415 - optional
    except ImportError as error:
        raise VmsRefused("the MQTT library is not installed", remedy="Install vigie with the extra 'mqtt'.") from error
    return client
