"""What an alert becomes at the broker: the same events as those of our device, as JSON.

A state goes true and at once false again, both stamped with their own times: the broker keeps the last message of a
property, and a state that stayed true because Vigie was stopped would be a false one.
"""

from __future__ import annotations

from config.model import CameraSettings
from connectors.onvif.device.hub import PULSE_S
from connectors.onvif.device.model import Channel
from connectors.onvif.device.notifications import notifications_of
from connectors.onvif.mqtt.broker import Broker
from connectors.onvif.mqtt.payload import mqtt_message
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.rtsp.feeds import MetadataFeed
from core.contracts import ConnectorServices
from core.errors import VmsRefused
from core.types import Alert, Delivery, Receipt


class MqttEvents:
    """Publishes alerts; constructing does no I/O. Without a broker in the settings every alert is refused."""

    def __init__(self, settings: OnvifSettings, services: ConnectorServices) -> None:
        self._settings = settings
        self._services = services
        self._broker: Broker | None = None

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Returns once the broker confirmed all. After ``ReplyLost`` it is sent again, with the same id in it."""
        settings = self._settings.broker
        if settings is None:
            raise VmsRefused(f"no broker is declared for {self._settings.id}", remedy="Add 'broker:' to the site file.")
        channel = Channel(index=0, camera=camera, video=None, metadata=MetadataFeed())
        rises = notifications_of(alert, channel, delivery.token)
        falls = [rise.fallen(rise.at + PULSE_S) for rise in rises if rise.state is not None]
        self._connection().publish([mqtt_message(item, settings.topic_prefix) for item in (*rises, *falls)])
        return Receipt(remote_id=delivery.token)

    def close(self) -> None:
        """Lets go of the connection. May be called twice."""
        if self._broker is not None:
            self._broker.close()

    def _connection(self) -> Broker:
        settings = self._settings.broker
        assert settings is not None
        if self._broker is None:
            password = self._services.secrets(settings.password) if settings.password else ""
            ca = self._settings.ca_file(self._services.site_dir)
            self._broker = Broker(settings, password, ca, self._settings.timeout_s)
        return self._broker
