"""Tasks of Config REST: ``?task=`` on an object, and ``/tasks`` (notes §2.4)."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field

from aiohttp import web

from connectors.milestone.simulator.config.add_hardware import PARAMS as ADD_HARDWARE_PARAMS
from connectors.milestone.simulator.config.add_hardware import HardwareOrder
from connectors.milestone.simulator.config.rest import REST, ConfigRest
from connectors.milestone.simulator.config.shown import TASKS, definitions_of, tasks_of
from connectors.milestone.simulator.config.task_book import STOPPED_CODE, Task, TaskBook
from connectors.milestone.simulator.recorder.transcoding import last_picture
from connectors.milestone.simulator.site import rest_time
from connectors.milestone.simulator.web.rest import JsonObject, RestRefused, json_body, option, require_known
from connectors.milestone.simulator.web.routing import Handler, Routes
from core.types import Json

_PARAMS: dict[str, dict[str, Json]] = {
    "AddHardware": ADD_HARDWARE_PARAMS,
    "JpegGetLive": {"width": 0, "height": 0},
    "TaskStop": {},
    "TaskCleanup": {},
}
"""Task → what it takes, with defaults."""

_SESSION = "sessionDataId"
"""What Milestone's own sample sends to tasks that take nothing."""

_LARGEST_SIDE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigTasks:
    """Serves tasks."""

    config: ConfigRest
    book: TaskBook = field(init=False)

    def __post_init__(self) -> None:
        book = TaskBook(clock=self.config.clock, lasts_s=self.config.options.task_s)
        object.__setattr__(self, "book", book)

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        routes.add("POST", f"{REST}/recordingServers/{{id}}", self._on("recordingServers"))
        routes.add("POST", f"{REST}/cameras/{{id}}", self._on("cameras"))
        routes.add("GET", f"{REST}/tasks", self._list)
        routes.add("GET", f"{REST}/tasks/{{id}}", self._get)
        routes.add("POST", f"{REST}/tasks/{{id}}", self._post)
        routes.add("GET", f"{REST}/recordingServers/{{id}}/tasks", self._list_below)
        routes.add("GET", f"{REST}/recordingServers/{{id}}/tasks/{{id}}", self._get)
        routes.add("POST", f"{REST}/recordingServers/{{id}}/tasks/{{id}}", self._post)

    def _on(self, collection: str) -> Handler:
        async def handler(request: web.BaseRequest, object_id: str) -> web.Response:
            item = self.config.shown(collection, object_id)
            task, body = await self._asked(request, collection)
            if task == "AddHardware":
                return self._add_hardware(str(item["displayName"]), body)
            return await self._jpeg(object_id, body)

        return handler

    async def _asked(self, request: web.BaseRequest, collection: str) -> tuple[str, JsonObject]:
        """The task and its body; without a body the refusal says what it takes."""
        named = option(request, "task") or ""
        task = next((known for known in TASKS[collection] if known.lower() == named.lower()), None)
        if task is None:
            raise RestRefused(400, f"Unknown task '{named}'", property_name="task")
        if not (await request.read()).strip():
            refusal = RestRefused(400, "The parameters of the task are missing")
            refusal.beside = {"params": {**_PARAMS[task]}}
            if option(request, "definitions") is not None:
                refusal.beside = {**refusal.beside, "definitions": definitions_of("tasks", {**_PARAMS[task]})}
            raise refusal
        body = await json_body(request)
        require_known(body, frozenset({*_PARAMS[task], _SESSION}))
        return task, body

    def _add_hardware(self, title: str, body: JsonObject) -> web.Response:
        order = HardwareOrder.of(body)
        site, clock = self.config.site, self.config.clock
        task = self.book.begin("AddHardware", "Add hardware", lambda: order.carry_out(site, clock))
        echoed: JsonObject = {
            **ADD_HARDWARE_PARAMS,
            "hardwareAddress": body["hardwareAddress"],
            "hardwareDriverPath": {"type": "hardwareDrivers", "id": order.driver.driver_id},
            "userName": order.user,
        }
        if self.config.options.wrapper == "o22":
            echoed |= {"enabled": True, "displayName": title}
        path: JsonObject = {"type": "tasks", "id": task.task_id}
        state = task.state(self.config.clock.monotonic())
        return self.config.answer({"result": {**echoed, "state": state, "path": path}})

    async def _jpeg(self, camera_id: str, body: JsonObject) -> web.Response:
        camera = self.config.site.cameras_by_id[camera_id]
        size = _side(body, "width"), _side(body, "height")
        packets = camera.feed.gop() if camera.feed and self.config.site.delivers(camera) else ()
        if camera.feed is None or not packets:
            raise RestRefused(400, "The camera delivers no picture")
        codec, pictures = camera.feed.clip.codec, [packet.data for packet in packets]
        picture = await asyncio.to_thread(last_picture, codec, pictures, size=size)
        result: JsonObject = {
            "frameDateTime": rest_time(packets[-1].captured_at),
            "jpegDataAsBase64": base64.b64encode(picture).decode(),
            "state": "Success",
        }
        return self.config.answer({"result": result})

    async def _list(self, _request: web.BaseRequest, _id: str) -> web.Response:
        return self.config.answer({"array": [self._shown(task) for task in self.book.tasks.values()]})

    async def _list_below(self, request: web.BaseRequest, recorder_id: str) -> web.Response:
        self.config.shown("recordingServers", recorder_id)
        return await self._list(request, "")

    async def _get(self, request: web.BaseRequest, task_id: str) -> web.Response:
        body: JsonObject = {"data": self._shown(self._found(task_id))}
        if option(request, "tasks") is not None:
            body["tasks"] = tasks_of("tasks", self.config.options.wrapper)
        return self.config.answer(body)

    async def _post(self, request: web.BaseRequest, task_id: str) -> web.Response:
        task = self._found(task_id)
        name, _body = await self._asked(request, "tasks")
        if name == "TaskCleanup":
            del self.book.tasks[task.task_id]
        elif not task.is_ended:
            task.fail(STOPPED_CODE, "The task was stopped")
        return self.config.answer({"result": {"state": "Success"}})

    def _found(self, path: str) -> Task:
        """By its id, with the recorder's before it or not."""
        recorder_id, _, task_id = path.rpartition("/")
        if recorder_id:
            self.config.shown("recordingServers", recorder_id)
        if task_id not in self.book.tasks:
            raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id")
        return self.book.tasks[task_id]

    def _shown(self, task: Task) -> JsonObject:
        return self.book.shown(task, self.config.options.wrapper)


def _side(body: JsonObject, name: str) -> int:
    value = body.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_SIDE:
        raise RestRefused(400, f"'{name}' must be a number of pixels", property_name=name)
    return value
