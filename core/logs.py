"""Logs of the whole process, ours and the libraries', in one form on standard error.

JSON lines where a machine reads, a coloured line where a person does. Every value passes ``core.redaction``.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Hashable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from core.redaction import redact, redact_value

LEVELS = ("debug", "info", "warning", "error")

_ROOMS = ("__main__", "analytics", "config", "connectors", "console", "core")
"""Loggers of ours, by the module that asks for one."""

_HANDLER_NAME = "vigie"
_FIRST_KEYS = ("time", "level", "component", "event")
_MULTI_LINE = frozenset({"exception", "stack"})
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


def configure_logging(level: str = "info", json: bool | None = None, stream: TextIO | None = None) -> None:
    """Sets logging up, or anew. Libraries are heard from ``warning`` on, or at ``debug`` with everything else.

    Args:
        level: One of ``LEVELS``.
        json: JSON lines or lines for people; by default JSON unless the stream is a terminal.
        stream: Where to; by default whatever is standard error at each line.
    """
    as_json = not (stream or sys.stderr).isatty() if json is None else json
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _install(_handler(stream, shared, as_json=as_json), logging.getLevelNamesMapping()[level.upper()])


def current_level() -> str:
    """The level in force, one of ``LEVELS``, to hand on to a child process."""
    return logging.getLevelName(logging.getLogger("core").level).lower()


class _StandardError(logging.StreamHandler[TextIO]):
    """Looks standard error up at each line, because it may be replaced (tests, service managers)."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        """Set by the base class; without effect."""


def _handler(stream: TextIO | None, shared: list[Processor], *, as_json: bool) -> logging.Handler:
    handler = logging.StreamHandler(stream) if stream else _StandardError()
    handler.set_name(_HANDLER_NAME)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _name_as_component],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redact,
                *(_for_machines() if as_json else _for_people(colours=handler.stream.isatty())),
            ],
        )
    )
    return handler


def _for_machines() -> list[Processor]:
    return [_in_reading_order, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _for_people(*, colours: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colours, timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
    )
    return [_on_one_line, renderer]


def _install(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == _HANDLER_NAME]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
    for room in _ROOMS:
        logging.getLogger(room).setLevel(level)
    logging.captureWarnings(capture=True)


def _name_as_component(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    return {"component": record.name, **event}


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    redacted = redact_value(event)
    assert isinstance(redacted, dict)
    return redacted


def _in_reading_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: event[key] for key in (*_FIRST_KEYS, *event) if key in event}


def _on_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Text from outside may hold line ends or terminal sequences: they would forge lines."""
    return {
        key: value.translate(_CONTROL) if isinstance(value, str) and key not in _MULTI_LINE else value
        for key, value in event.items()
    }


class OnceGate:
    """Logs the loss of something once, and its return once, however often either is reported. Safe in threads."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._lost: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    def lost(self, key: Hashable, event: str, **fields: Any) -> bool:
        """Warns unless ``key`` is lost already. True when it was not."""
        with self._lock:
            times = self._lost.get(key, 0) + 1
            self._lost[key] = times
        if times == 1:
            self._log.warning(event, **fields)
        return times == 1

    def recovered(self, key: Hashable, event: str, **fields: Any) -> bool:
        """Says so when ``key`` was lost, with how often that was reported (``times``). True when it was."""
        with self._lock:
            times = self._lost.pop(key, 0)
        if times:
            self._log.info(event, times=times, **fields)
        return times > 0


def describe(error: BaseException) -> str:
    """An unexpected exception in one redacted line."""
    return redact(f"{type(error).__name__}: {error}".replace("\n", " ").strip())
