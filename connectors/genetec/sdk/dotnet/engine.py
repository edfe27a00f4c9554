"""The engine: log-on, events, publishing, reports."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from connectors.genetec.sdk.dotnet.net import Net, attach
from connectors.genetec.sdk.dotnet.overlays import Overlays
from connectors.genetec.sdk.dotnet.runtime import Resolver, load_runtime
from connectors.genetec.sdk.host import Events
from connectors.genetec.sdk.launch import MEDIA_ASSEMBLY, PLATFORM_ASSEMBLY
from connectors.genetec.sdk.meaning import logon_error, sdk_error
from core.errors import ProtocolViolation, RequestInvalid, VmsError, VmsUnavailable
from core.redaction import redact

SYSTEM_CONFIGURATION = "00000000-0000-0000-0000-000000000007"
_PAGE = 1000
_MOST_PAGES = 100
_MOST_ROWS = 10_000
_FOREVER = -1
"""``LoginManager.ConnectionRetry``: the engine itself reconnects."""

_ACCOUNT = ("server", "username", "password")
_ALARM_COLUMNS = {
    "instance": "InstanceId",
    "text": "DynamicContext",
    "acknowledged_at": "AckedTime",
    "acknowledged_by": "AckedBy",
    "reason": "AckReason",
}


class DotNetSdk:
    """The engine of one log-on. Every method belongs to the host's main thread; handlers come on any."""

    def __init__(self, start: Mapping[str, Any], events: Events) -> None:
        load_runtime(start)
        folder = Path(start["folder"])
        self._start = start
        self._events = events
        self._resolver = Resolver(folder)
        self._resolver.load(PLATFORM_ASSEMBLY)
        self._net = Net()
        self._detach: list[Callable[[], object]] = []
        self._logged_on = threading.Event()
        self._failure: VmsError | None = None
        self._overlays: Overlays | None = None
        self._engine = self._net.make("Engine")
        self._calls: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
            "list cameras": lambda _given: self._entities("Camera"),
            "look up an entity": self._entity,
            "list custom events": lambda _given: self._custom_events(),
            "raise an event": self._raise_event,
            "raise an analytics event": self._raise_analytics,
            "trigger an alarm": self._trigger_alarm,
            "add a bookmark": self._add_bookmark,
            "read a report": self._video_report,
            "read alarms": self._alarm_report,
            "open an overlay": lambda given: self._overlay().open(given),
            "draw": lambda given: self._overlay().draw(given),
        }

    def log_on(self) -> None:
        """By events: a task's result cannot be awaited from Python without freezing (see above)."""
        engine, login = self._engine, self._engine.LoginManager
        engine.ClientCertificate = self._start["certificate"]
        login.ConnectionRetry = _FOREVER
        self._listen(login, "LoggedOn", lambda _args: self._on_logged_on())
        self._listen(login, "LogonFailed", self._on_logon_failed)
        self._listen(login, "LoggedOff", self._on_logged_off)
        self._listen(engine, "EventReceived", self._on_event)
        self._listen(engine, "AlarmAcknowledged", self._on_acknowledged)
        self._translated("log on", lambda: login.BeginLogOn(*(self._start[key] for key in _ACCOUNT)))
        if not self._logged_on.wait(self._start["logon_s"]):
            raise VmsUnavailable(
                f"Directory {self._start['server']}: no answer to the log-on within {self._start['logon_s']:g} s",
                remedy="Check the address, and that TCP port 5500 of the Directory is open.",
            )
        if self._failure is not None:
            raise self._failure
        self._translated("prepare", self._prepare)

    def call(self, what: str, given: Mapping[str, Any]) -> Any:
        """One of ``_calls``."""
        return self._translated(what, lambda: self._calls[what](given))

    def close(self) -> None:
        """Handlers first: none may run while the engine goes."""
        for step in (*self._detach, self._engine.LoginManager.LogOff, self._engine.Dispose):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - of the SDK, at the process's end: the rest must go on
                self._events.handler_failed("close", error)

    def _translated(self, what: str, action: Callable[[], Any]) -> Any:
        """.NET exceptions as ours; they are Python exceptions too, with classes known only at run time."""
        try:
            return action()
        except VmsError:
            raise
        except Exception as error:
            told = self._net.translate(error)
            if told is None:
                raise
            code, text = told
            raise sdk_error(code, f"{what}: {redact(text)}") from error

    # Events: handlers convert and enqueue, nothing else

    def _listen(self, target: Any, name: str, convert: Callable[[Any], object]) -> None:
        def handle(_sender: Any, args: Any) -> None:
            try:
                convert(args)
            except BaseException as error:  # noqa: BLE001 - on the SDK's thread: what leaves here ends the process
                self._events.handler_failed(name, error)

        self._detach.append(attach(target, name, handle))

    def _on_logged_on(self) -> None:
        if self._logged_on.is_set():
            self._events.connection("connected")
        self._logged_on.set()

    def _on_logon_failed(self, args: Any) -> None:
        if not self._logged_on.is_set():
            text = f"Directory {self._start['server']}: {redact(str(args.FormattedErrorMessage))}"
            self._failure = logon_error(str(args.FailureCode), text)
            self._logged_on.set()

    def _on_logged_off(self, args: Any) -> None:
        """Where the engine does not reconnect by itself, a new process does."""
        self._events.connection("lost", cause="the Directory is lost", ends=not args.AutoReconnect)

    def _on_event(self, args: Any) -> None:
        happened = args.Event
        if happened is None or str(args.EventType) != "CustomEvent":
            return
        number, source, at = happened.Id, str(args.SourceGuid), self._net.seconds(args.Timestamp)
        self._events.put_unread("custom_event", lambda: {"name": self._name_of(number), "source": source, "at": at})

    def _name_of(self, number: Any) -> str:
        known = self._configuration().CustomEventService.GetCustomEvent(number)
        return "" if known is None else str(known.Name)

    def _on_acknowledged(self, args: Any) -> None:
        self._events.put("acknowledged", alarm=str(args.AlarmGuid), instance=int(args.InstanceId))

    # Entities

    def _prepare(self) -> None:
        """Events come only for entities in the engine's cache, and of the types asked for."""
        event_type = self._net.system.Array[import_module("Genetec.Sdk").EventType]
        self._engine.SetEventFilter(event_type([self._net.member("EventType", "CustomEvent")]))
        self._entities("Camera")
        self._entities("Alarm")

    def _configuration(self) -> Any:
        return self._engine.GetEntity(self._net.guid(SYSTEM_CONFIGURATION))

    def _entities(self, kind: str) -> list[dict[str, str]]:
        return [
            {"guid": guid, "name": str(entity.Name)}
            for guid in self._guids(kind)
            if (entity := self._engine.GetEntity(self._net.guid(guid))) is not None
        ]

    def _guids(self, kind: str) -> Iterator[str]:
        query = self._engine.ReportManager.CreateReportQuery(self._net.member("ReportType", "EntityConfiguration"))
        query.EntityTypeFilter.Add(self._net.member("EntityType", kind))
        query.DownloadAllRelatedData = True
        query.PageSize = _PAGE
        for page in range(1, _MOST_PAGES + 1):
            query.Page = page
            rows = list(query.Query().Data.Rows)
            yield from (str(row["Guid"]) for row in rows)
            if len(rows) < _PAGE:
                return

    def _entity(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        entity = self._engine.GetEntity(self._net.guid(given["guid"]))
        if entity is None:
            return None
        told: dict[str, Any] = {"name": str(entity.Name), "type": str(entity.EntityType)}
        if told["type"] == "Camera":
            told |= {"overlays": bool(entity.IsOverlaySupported), "runs": str(entity.RunningState) == "Running"}
        return told

    def _custom_events(self) -> dict[str, str]:
        """Name of each custom event by its number."""
        return {str(event.Id): str(event.Name) for event in self._configuration().CustomEventService.CustomEvents}

    # Publishing

    def _built(self, kind: str, given: Mapping[str, Any]) -> Any:
        """``BuildEvent`` returns the class of the kind of event. That its time may be set is told by the wiki [U]."""
        event = self._engine.ActionManager.BuildEvent(
            self._net.member("EventType", kind), self._net.guid(given["camera"])
        )
        event.Timestamp = self._net.moment(given["at"])
        return event

    def _raise_event(self, given: Mapping[str, Any]) -> None:
        event = self._built("CustomEvent", given)
        event.Id = self._net.make("CustomEventId", self._net.system.Int32(given["number"]))
        event.Message = given["message"]
        event.ExtraHiddenPayload = given["payload"]
        self._engine.ActionManager.RaiseEvent(event)

    def _raise_analytics(self, given: Mapping[str, Any]) -> None:
        """Text and picture go along where the class of this event takes them; public samples show it for two classes."""
        event = self._built(given["type"], given)
        if hasattr(event, "Metadata"):
            event.Metadata = given["metadata"]
        picture = event.GetType().GetProperty("Image")
        if picture is not None and given["image"]:
            data = self._net.system.Array[self._net.system.Byte](base64.b64decode(given["image"]))
            event.Image = self._net.make_of(picture.PropertyType, import_module("System.IO").MemoryStream(data))
        self._engine.ActionManager.RaiseEvent(event)

    def _trigger_alarm(self, given: Mapping[str, Any]) -> int:
        content = self._net.make("DynamicAlarmContent", given["context"])
        content.Priority = self._net.system.Byte(given["priority"])
        for guid in given["attached"]:
            content.AttachedEntities.Add(self._net.guid(guid))
        camera = self._net.guid(given["camera"])
        instance = self._engine.AlarmManager.TriggerAlarm(self._net.guid(given["alarm"]), camera, content, None)
        return int(instance)

    def _add_bookmark(self, given: Mapping[str, Any]) -> None:
        camera, at = self._net.guid(given["camera"]), self._net.moment(given["at"])
        self._engine.ActionManager.AddCameraBookmark(camera, at, given["message"])

    # Reports

    def _query(self, kind: str) -> Any:
        query = self._engine.ReportManager.CreateReportQuery(self._net.member("ReportType", kind))
        query.MaximumResultCount = _MOST_ROWS
        return query

    def _answer(self, query: Any, columns: Mapping[str, str]) -> dict[str, Any]:
        """Rows by our own names of the columns, and whether they are all that there are."""
        answer = query.Query()
        if not answer.Success and str(answer.Error) != "TooManyResults":
            raise ProtocolViolation(f"the report failed: {answer.Error}")
        rows = [{name: self._net.plain(row[column]) for name, column in columns.items()} for row in answer.Data.Rows]
        return {"rows": rows, "is_complete": bool(answer.Success) and len(rows) < _MOST_ROWS}

    def _video_report(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a camera's report of events or bookmarks shows; that texts stand in ``Notes`` is a guess [U]."""
        query = self._query(given["report"])
        query.Cameras.Add(self._net.guid(given["camera"]))
        query.TimeRange.SetTimeRange(self._net.moment(given["begin"]), self._net.moment(given["end"]))
        return self._answer(query, {"text": self._net.constant("VideoEventQuery", "NotesColumnName")})

    def _alarm_report(self, given: Mapping[str, Any]) -> dict[str, Any]:
        query = self._query("AlarmActivity")
        query.Alarms.Add(self._net.guid(given["alarm"]))
        if given["instance"] > 0:
            query.InstanceId = given["instance"]
        if given["acknowledged"]:
            query.States.Add(self._net.member("AlarmState", "Acked"))
        query.TriggeredTimeRange.SetTimeRange(self._net.moment(given["begin"]), self._net.moment(given["end"]))
        columns = {
            name: self._net.constant("AlarmActivityQuery", f"{field}ColumnName")
            for name, field in _ALARM_COLUMNS.items()
        }
        answer = self._answer(query, columns)
        for row in answer["rows"]:
            row["acknowledgement"] = self._acknowledgement(row.pop("reason"))
        return answer

    def _acknowledgement(self, reason: Any) -> str:
        """That the report's reason is a number of ``AcknowledgementType`` is a guess [U]; others have no name."""
        kind = self._net.type_of("AcknowledgementType")
        number = self._net.system.Int32(int(reason or 0))
        return str(self._net.system.Enum.GetName(kind, self._net.system.Enum.ToObject(kind, number)) or "")

    # Overlays

    def _overlay(self) -> Overlays:
        if self._overlays is None:
            if not (Path(self._start["folder"]) / MEDIA_ASSEMBLY).is_file():
                raise RequestInvalid(
                    f"there is no {MEDIA_ASSEMBLY}: this SDK draws no overlays",
                    remedy="Set 'runtime: netfx' and install the Media SDK, or remove 'metadata' from 'publish'.",
                )
            self._overlays = Overlays(self._net, self._engine, self._resolver.load(MEDIA_ASSEMBLY))
        return self._overlays
