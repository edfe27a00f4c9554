"""Analytics events: an XML document posted to the event server (TCP 9090).

The document follows Milestone's ``AnalyticsEvent.xsd`` (namespace ``urn:milestone-systems``, strict order). The port
has neither authentication nor TLS and is off by default. The event server cannot be asked for an event that it took,
so a lost reply cannot be settled here; the delivery key travels as the event's ``ID``.
"""

from __future__ import annotations

import json
from base64 import b64encode

import requests
from lxml import etree

from config.model import CameraSettings
from connectors.milestone import wording
from connectors.milestone.inventory import Inventory, KnownCamera, canonical_id
from connectors.milestone.rest import succeeded
from connectors.milestone.settings import MilestoneSettings
from connectors.protocols.http import HttpSession
from core.clock import utc_datetime
from core.errors import NotFoundInVms, ReplyLost, RightMissing, VmsError, VmsUnavailable
from core.redaction import redact
from core.types import Alert, AlertObject, Box, Delivery, Point, Polygon, Priority, Receipt, UtcSeconds

NAMESPACE = "urn:milestone-systems"
CAMERA_KIND = "5135ba21-f1dc-4321-806a-6ce2017343c0"
OPTIONS_MENU = "Management Client → Tools → Options → Analytics Events"

_PRIORITIES = {Priority.HIGH: "1", Priority.MEDIUM: "2", Priority.LOW: "3"}
"""XProtect's default alarm priorities count from 1 (High); that the event's number means the same is unverified."""
_EXCERPT = 200
_RULE_COLOUR = (255, 255, 0, 0)
_OBJECT_COLOUR = (255, 255, 255, 0)


class EventPublisher:
    """Posts alerts as analytics events.

    Every post has a connection of its own: a re-used one, which the server may have closed meanwhile, would leave open
    whether the event arrived.
    """

    def __init__(self, settings: MilestoneSettings, inventory: Inventory) -> None:
        self._settings = settings
        self._inventory = inventory
        self._http = HttpSession(ca=None, timeout_s=settings.timeout_s)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Sends it; returns when the event server took it and knew its name."""
        body = document(delivery, alert, camera, self._settings.event_name, self._recorder_of(camera))
        what = "analytics event to {}:{}".format(*self._settings.event_server_address)
        self._require_known(succeeded(self._post(body, what), what, remedy=_SCHEMA_REMEDY), what)
        return Receipt(remote_id=str(delivery.key))

    def close(self) -> None:
        """Lets go of its session."""
        self._http.close()

    def _post(self, body: bytes, what: str) -> requests.Response:
        host, port = self._settings.event_server_address
        host = f"[{host}]" if ":" in host else host
        try:
            response = self._http.request(
                "POST",
                f"http://{host}:{port}/",
                what=what,
                data=body,
                headers={"Content-Type": "text/xml", "Connection": "close"},
                allow_redirects=False,
            )
        except ReplyLost:
            raise
        except VmsUnavailable as error:
            raise VmsUnavailable(str(error), remedy=f"{OPTIONS_MENU}: tick Enabled; check the port.") from error
        if response.status_code == requests.codes.forbidden:
            raise RightMissing(
                f"{what}: HTTP 403, this machine's address is not allowed",
                remedy=f"{OPTIONS_MENU}: allow this machine's address.",
            )
        return response

    def _require_known(self, response: requests.Response, what: str) -> None:
        """The event server answers 200 with a warning to an event of a name that it does not know.

        That it does so for an unknown camera too ("source"), and in which words, is unverified.
        """
        said = response.text[:_EXCERPT]
        if "not known" not in said.lower():
            return
        remedy = f"Management Client → Rules and Events → Analytics Events: add one named {self._settings.event_name!r}, and save."
        if "source" in said.lower():
            remedy = "Run 'vigie check': it compares the site file with what XProtect knows."
        raise NotFoundInVms(f"{what}: {redact(said).strip()} ({self._settings.event_name!r})", remedy=remedy)

    def _recorder_of(self, camera: CameraSettings) -> KnownCamera | None:
        """Asked once per camera, so that events wait for the event server only.

        The recorder's id is optional in the event: while the gateway does not answer, the event goes without.
        """
        known = self._inventory.remembered(camera.device)
        if known is not None:
            return known
        try:
            return self._inventory.camera(camera.device)
        except NotFoundInVms:
            raise
        except VmsError:
            return None


_SCHEMA_REMEDY = "Report this as a fault of Vigie, with the event server's answer."


def document(
    delivery: Delivery, alert: Alert, camera: CameraSettings, event_name: str, known: KnownCamera | None
) -> bytes:
    """The Analytics Event as UTF-8 XML."""
    root = etree.Element(_q("AnalyticsEvent"), nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # the stubs forget the default namespace
    _header(_add(root, "EventHeader"), delivery, alert, camera, event_name, known)
    _add(root, "Description", wording.summary(alert, camera))
    _add(root, "StartTime", _time(alert.started_at))
    _add(root, "EndTime", _time(alert.captured_at))
    _add(root, "Location", wording.camera_name(camera))
    _rule(_add(_add(root, "RuleList"), "Rule"), alert)
    if alert.objects:
        objects = _add(root, "ObjectList")
        for item in alert.objects:
            _object(_add(objects, "Object"), item)
    if alert.snapshot_jpeg:
        _snapshot(_add(_add(root, "SnapshotList"), "Snapshot"), alert.snapshot_jpeg)
    _vendor(_add(root, "Vendor"), delivery, alert)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _header(
    header: etree._Element,
    delivery: Delivery,
    alert: Alert,
    camera: CameraSettings,
    event_name: str,
    known: KnownCamera | None,
) -> None:
    _add(header, "ID", str(delivery.key))
    _add(header, "Timestamp", _time(alert.captured_at))
    _add(header, "Class", "Analytics")
    _add(header, "Type", alert.rule_type)
    _add(header, "Version", "1.0")
    _add(header, "Priority", _PRIORITIES[alert.priority])
    _add(header, "Name", wording.title(alert))
    _add(header, "Message", event_name)
    _add(header, "CustomTag", delivery.token)
    source = _add(header, "Source")
    _add(source, "Name", wording.camera_name(camera))
    fqid = _add(source, "FQID")
    if known is not None:
        server = _add(fqid, "ServerId")
        _add(server, "Type", "XPCORS")  # free text in the schema; this value for a recorder is unverified
        _add(server, "Id", known.recorder.recorder_id)
    _add(fqid, "ObjectId", canonical_id(camera.device))
    _add(fqid, "Kind", CAMERA_KIND)


def _rule(rule: etree._Element, alert: Alert) -> None:
    _add(rule, "Name", wording.title(alert))
    _add(rule, "Type", alert.rule_type)
    if alert.zone or alert.line:
        polygons = _add(rule, "PolygonList")
        for points, is_closed in ((alert.zone, True), (alert.line, False)):
            if points:
                _polygon(_add(polygons, "Polygon"), points, _RULE_COLOUR, is_closed=is_closed)


def _object(element: etree._Element, item: AlertObject) -> None:
    _add(element, "Name", item.label)
    _add(element, "Type", item.label)
    _add(element, "Confidence", _share(item.score))
    _add(element, "Value", f"track {item.track_id}")
    _add(element, "AlarmTrigger", "true")
    box = _add(element, "BoundingBox")
    for side in ("top", "left", "bottom", "right"):
        _add(box, side.capitalize(), _share(getattr(item.box, side)))
    _colour(_add(box, "Color"), _OBJECT_COLOUR)
    _polygon(_add(element, "Polygon"), _corners(item.box), _OBJECT_COLOUR, is_closed=True)


def _polygon(element: etree._Element, points: Polygon, colour: tuple[int, int, int, int], *, is_closed: bool) -> None:
    _add(element, "Closed", "true" if is_closed else "false")
    _colour(_add(element, "Color"), colour)
    listed = _add(element, "PointList")
    for x, y in points:
        point = _add(listed, "Point")
        _add(point, "X", _share(x))
        _add(point, "Y", _share(y))


def _colour(element: etree._Element, colour: tuple[int, int, int, int]) -> None:
    for channel, value in zip("ARGB", colour, strict=True):
        _add(element, channel, str(value))


def _corners(box: Box) -> tuple[Point, ...]:
    return (box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)


def _snapshot(element: etree._Element, jpeg: bytes) -> None:
    _add(element, "TimeOffset", "0")
    _add(element, "SizeInBytes", str(len(jpeg)))
    _add(element, "Image", b64encode(jpeg).decode())


def _vendor(element: etree._Element, delivery: Delivery, alert: Alert) -> None:
    _add(element, "Name", "Vigie")
    told = {
        "key": str(delivery.key),
        "alert": str(alert.alert_id),
        "rule": alert.rule_id,
        "tracks": [item.track_id for item in alert.objects],
        "details": dict(alert.details),
    }
    _add(element, "CustomData", json.dumps(told))


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, _q(name))
    if text is not None:
        element.text = wording.xml_text(text)
    return element


def _q(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _share(value: float) -> str:
    """A coordinate or score within 0..1, as the schema's comments want it."""
    return f"{min(1.0, max(0.0, value)):.4f}"


def _time(moment: UtcSeconds) -> str:
    return utc_datetime(moment).isoformat(timespec="milliseconds")
