"""``RecorderCommandService``: the recorder's SOAP beside its video (notes §1.6).

The token is in the body; operations are told apart by the first element of the body, never by ``SOAPAction``.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from lxml import etree

from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.recorder.recordings import Recordings
from connectors.milestone.simulator.recorder.transcoding import last_picture
from connectors.milestone.simulator.site import Camera, Site, is_guid, milliseconds, rest_time
from connectors.milestone.simulator.soap.messages import (
    UNSUPPORTED,
    Dialect,
    Parameters,
    SoapFault,
    Value,
    answered,
    document,
    first_body_element,
)
from connectors.protocols.recordings import CameraRecording, RecordedGop
from core.types import UtcSeconds

RECORDER_COMMAND = "http://videoos.net/2/XProtectCSRecorderCommand"
SEQUENCE_TYPES = {
    "0601d294-b7e5-4d93-9614-9658561ad5e4": "RecordingWithTriggerSequence",
    "f9c62604-d0c5-4050-ae25-72de51639b14": "RecordingSequence",
    "53cb5e33-2183-44bd-9491-8364d2457480": "MotionSequence",
}
"""The simulated recorder records on motion: all three tell of the same times. Two of the names are *unverified*."""

_DIALECT = Dialect.asmx(RECORDER_COMMAND)
_TOKEN_FAULT, _MISSING, _INVALID = 20001, 1, 2
_UNKNOWN_DEVICE = 20003
"""*Unverified*."""
_NO_TIME = "0001-01-01T00:00:00.0000000Z"
_FOR_EVER: UtcSeconds = 253_402_300_799.0
_SPAN = (
    "token",
    "deviceId",
    "sequenceType",
    "centerTime",
    "maxTimeBefore",
    "maxCountBefore",
    "maxTimeAfter",
    "maxCountAfter",
)

_Call = Callable[[Parameters], Awaitable[Value]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderCommand:
    """Carries out the operations."""

    site: Site
    tokens: Tokens
    recordings: Recordings
    manual: set[str] = field(default_factory=set)
    """Ids of cameras that are recorded by hand."""

    async def answer(self, body: bytes) -> tuple[HTTPStatus, bytes]:
        """Status and document for the body of a request."""
        try:
            call = first_body_element(body, _DIALECT)
            name = etree.QName(call).localname
            self._require_token(call)
            order, operation = self._operation(name)
            result = await operation(Parameters(call, order, _DIALECT))
            return HTTPStatus.OK, document(answered(name, result, _DIALECT))
        except SoapFault as fault:
            return HTTPStatus.INTERNAL_SERVER_ERROR, fault.numbered()

    def _require_token(self, call: etree._Element) -> None:
        token = call.findtext(f"{{{RECORDER_COMMAND}}}token") or ""
        if not token:
            raise SoapFault("Security token is missing", number=_TOKEN_FAULT, sub_number=_MISSING)
        if not self.tokens.is_soap(token):
            raise SoapFault("Security token is invalid", number=_TOKEN_FAULT, sub_number=_INVALID)

    def _operation(self, name: str) -> tuple[Sequence[str], _Call]:
        """The order of its parameters, and what carries it out. Raises ``SoapFault``."""
        at, devices = ("token", "deviceId", "time"), ("token", "deviceIds")
        known: Mapping[str, tuple[Sequence[str], _Call]] = {
            "JPEGGetLive": (("token", "deviceId", "maxWidth", "maxHeight"), self._live_jpeg),
            "JPEGGetAt": (at, lambda parameters: self._jpeg(parameters, _nearest)),
            "JPEGGetAtOrBefore": (at, lambda parameters: self._jpeg(parameters, _at_or_before)),
            "JPEGGetAtOrAfter": (at, lambda parameters: self._jpeg(parameters, _at_or_after)),
            "SequencesGetTypes": (("token", "deviceId"), self._types),
            "SequencesGet": (
                ("token", "deviceId", "sequenceType", "minTime", "maxTime", "maxCount"),
                self._sequences,
            ),
            "SequencesGetAround": (
                ("token", "deviceId", "sequenceType", "centerTime", "maxCountBefore", "maxCountAfter"),
                self._sequences_around,
            ),
            "SequencesGetAroundWithSpan": (_SPAN, self._sequences_in_span),
            "IsManualRecording": (devices, self._is_manual),
            "StartManualRecording": (devices, lambda parameters: self._set_manual(parameters, self.manual.add)),
            "StopManualRecording": (devices, lambda parameters: self._set_manual(parameters, self.manual.discard)),
        }
        if name not in known:
            raise SoapFault("The method is not supported", number=UNSUPPORTED)
        return known[name]

    async def _live_jpeg(self, parameters: Parameters) -> Value:
        camera = self._camera(parameters)
        limit = parameters.integer("maxWidth"), parameters.integer("maxHeight")
        gop = camera.feed.gop() if camera.feed and self.site.delivers(camera) else ()
        if not camera.feed or not gop or min(limit) < 1:
            return {"Time": _NO_TIME, "Data": ""}
        pictures = [packet.data for packet in gop]
        image = await asyncio.to_thread(last_picture, camera.feed.clip.codec, pictures, limit=limit)
        return {"Time": _time(gop[-1].captured_at), "Data": b64encode(image).decode()}

    async def _jpeg(
        self, parameters: Parameters, choose: Callable[[Sequence[RecordedGop], int], tuple[RecordedGop, int] | None]
    ) -> Value:
        camera = self._camera(parameters)
        found = choose(self.recordings.of(camera).gops(), milliseconds(parameters.moment("time")))
        if found is None or camera.feed is None:
            return {"Time": _NO_TIME, "Data": ""}
        gop, picture = found
        image = await asyncio.to_thread(last_picture, camera.feed.clip.codec, gop.pictures[: picture + 1])
        return {"Time": _time(gop.begin + gop.offsets[picture]), "Data": b64encode(image).decode()}

    async def _types(self, parameters: Parameters) -> Value:
        self._camera(parameters)
        return [("SequenceType", {"Id": key, "Name": name}) for key, name in SEQUENCE_TYPES.items()]

    async def _sequences(self, parameters: Parameters) -> Value:
        begin, end = parameters.moment("minTime"), parameters.moment("maxTime")
        inside = [pair for pair in self._known(parameters) if pair[0].begin <= end and pair[1].end >= begin]
        return _entries(inside[: max(0, parameters.integer("maxCount"))])

    async def _sequences_around(self, parameters: Parameters) -> Value:
        return self._around(parameters, before_s=_FOR_EVER, after_s=_FOR_EVER)

    async def _sequences_in_span(self, parameters: Parameters) -> Value:
        before_s, after_s = (parameters.microseconds(name) / 1_000_000 for name in ("maxTimeBefore", "maxTimeAfter"))
        return self._around(parameters, before_s=before_s, after_s=after_s)

    def _around(self, parameters: Parameters, *, before_s: float, after_s: float) -> Value:
        """A sequence that the centre is in counts as before it (*unverified*)."""
        centre = parameters.moment("centerTime")
        known = self._known(parameters)
        before = [pair for pair in known if pair[0].begin <= centre and pair[1].end >= centre - before_s]
        after = [pair for pair in known if centre < pair[0].begin <= centre + after_s]
        first = max(0, len(before) - max(0, parameters.integer("maxCountBefore")))
        return _entries([*before[first:], *after[: max(0, parameters.integer("maxCountAfter"))]])

    def _known(self, parameters: Parameters) -> list[tuple[RecordedGop, RecordedGop]]:
        recording: CameraRecording = self.recordings.of(self._camera(parameters))
        return recording.sequences() if parameters.guid("sequenceType") in SEQUENCE_TYPES else []

    async def _is_manual(self, parameters: Parameters) -> Value:
        return [
            (
                "ManualRecordingInfo",
                {"DeviceId": device_id, "IsManualRecording": str(device_id in self.manual).lower()},
            )
            for device_id in _devices(parameters)
        ]

    async def _set_manual(self, parameters: Parameters, change: Callable[[str], None]) -> Value:
        """Only the code for success is known."""
        results: list[tuple[str, Value]] = []
        for device_id in _devices(parameters):
            is_known = self.site.camera(device_id) is not None
            if is_known:
                change(device_id)
            told = ("0", "Success") if is_known else ("1", "Unknown device")
            results.append(
                ("ManualRecordingResult", {"DeviceId": device_id, "ResultCode": told[0], "Message": told[1]})
            )
        return results

    def _camera(self, parameters: Parameters) -> Camera:
        camera = self.site.camera(parameters.guid("deviceId"))
        if camera is None:
            raise SoapFault("The device is unknown", number=_UNKNOWN_DEVICE)
        return camera


def _devices(parameters: Parameters) -> list[str]:
    """``deviceId`` items as a public client sends them to live systems, or ``guid`` as the service describes itself."""
    texts = [text for item in ("deviceId", "guid") for text in parameters.items("deviceIds", RECORDER_COMMAND, item)]
    return [text.strip().lower() for text in texts if is_guid(text.strip())]


def _entries(found: Sequence[tuple[RecordedGop, RecordedGop]]) -> Value:
    return [
        (
            "SequenceEntry",
            {"TimeBegin": _time(first.begin), "TimeTrigged": _time(first.begin), "TimeEnd": _time(last.end)},
        )
        for first, last in found
    ]


def _time(moment: UtcSeconds) -> str:
    """Recorders know milliseconds."""
    return rest_time(milliseconds(moment) / 1000)


def _pictures(gops: Sequence[RecordedGop]) -> list[tuple[int, RecordedGop, int]]:
    return [(milliseconds(gop.begin + offset), gop, index) for gop in gops for index, offset in enumerate(gop.offsets)]


def _at_or_before(gops: Sequence[RecordedGop], moment_ms: int) -> tuple[RecordedGop, int] | None:
    found = [picture for picture in _pictures(gops) if picture[0] <= moment_ms]
    return found[-1][1:] if found else None


def _at_or_after(gops: Sequence[RecordedGop], moment_ms: int) -> tuple[RecordedGop, int] | None:
    return next((picture[1:] for picture in _pictures(gops) if picture[0] >= moment_ms), None)


def _nearest(gops: Sequence[RecordedGop], moment_ms: int) -> tuple[RecordedGop, int] | None:
    """Either before or after, as ``JPEGGetAt`` is described by a public client."""
    pictures = _pictures(gops)
    return min(pictures, key=lambda picture: abs(picture[0] - moment_ms))[1:] if pictures else None
