"""Tasks that run on for a while, and how far they are (notes §2.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.milestone.simulator.config.children import Wrapper
from connectors.milestone.simulator.config.objects import relations
from connectors.milestone.simulator.web.rest import JsonObject
from core.contracts import Clock

_FIRST_ID = 33
_STARTS_AFTER = 0.1
"""Share of a task's time for which it is still idle."""

STOPPED_CODE = 61001


class TaskFailed(Exception):
    """A task ends in the state ``Error``; the text is what people read, after ``VMO<code>:``."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(slots=True, kw_only=True)
class Task:
    """One task. ``path`` is what it made, as (collection, id)."""

    task_id: str
    task_type: str
    title: str
    begun_at: float
    lasts_s: float
    path: tuple[str, str] = ("", "")
    is_ended: bool = False
    error_code: int = 0
    error_text: str = ""

    def state(self, now: float) -> str:
        """Idle, InProgress, Success or Error."""
        if self.is_ended:
            return "Error" if self.error_code else "Success"
        return "Idle" if now - self.begun_at < self.lasts_s * _STARTS_AFTER else "InProgress"

    def progress(self, now: float) -> int:
        """Percent."""
        if self.is_ended:
            return 100
        return min(99, int(100 * (now - self.begun_at) / self.lasts_s)) if self.lasts_s else 99

    def fail(self, code: int, text: str) -> None:
        """Ends it in an error."""
        self.is_ended, self.error_code, self.error_text = True, code, f"VMO{code}: {text}"


@dataclass(slots=True, kw_only=True)
class TaskBook:
    """Every task that was not cleaned up. Used on one event loop only."""

    clock: Clock
    lasts_s: float
    tasks: dict[str, Task] = field(default_factory=dict)
    begun: int = 0

    def begin(self, task_type: str, title: str, work: Callable[[], tuple[str, str]]) -> Task:
        """Does ``work`` when the task's time is over, whether anybody asks or not; it may raise ``TaskFailed``."""
        task = Task(
            task_id=str(_FIRST_ID + self.begun),
            task_type=task_type,
            title=title,
            begun_at=self.clock.monotonic(),
            lasts_s=self.lasts_s,
        )
        self.begun += 1
        self.tasks[task.task_id] = task
        asyncio.get_running_loop().call_later(self.lasts_s, _end, task, work)
        return task

    def shown(self, task: Task, wrapper: Wrapper) -> JsonObject:
        """As Config REST shows it; the official description of 2022 R3 has ``result`` around it, and the path as text."""
        now = self.clock.monotonic()
        collection, object_id = task.path
        body: JsonObject = {
            "progress": task.progress(now),
            "errorCode": task.error_code,
            "errorText": task.error_text,
            "state": task.state(now),
        }
        if wrapper == "o22":
            return {"result": {**body, "path": f"{collection}/{object_id}" if object_id else ""}}
        return {
            "displayName": task.title,
            **body,
            "taskType": task.task_type,
            "path": {"type": collection, "id": object_id},
            "relations": relations("tasks", task.task_id),
        }


def _end(task: Task, work: Callable[[], tuple[str, str]]) -> None:
    if task.is_ended:
        return
    try:
        task.path = work()
    except TaskFailed as error:
        task.fail(error.code, str(error))
    task.is_ended = True
