"""Finds the handler of a path whose segments are matched in any case, as IIS and the API Gateway do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

Handler: TypeAlias = Callable[[web.BaseRequest, str], Awaitable[web.StreamResponse]]
"""Takes the request and the id in its path (empty where the path has none, ``parent/child`` where it has two)."""

_ID = "{id}"


class NoSuchPath(Exception):
    """No handler has this path."""


class NoSuchMethod(Exception):
    """The path exists, but not with this method."""


@dataclass(frozen=True, slots=True)
class _Route:
    segments: tuple[str, ...]
    handlers: dict[str, Handler]

    def matches(self, segments: tuple[str, ...]) -> bool:
        return len(segments) == len(self.segments) and all(
            own in {_ID, other} for own, other in zip(self.segments, segments, strict=True)
        )


class Routes:
    """A table of paths."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, ...], _Route] = {}
        self._with_ids: dict[int, list[_Route]] = {}

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Serves ``path``, in which segments may be ``{id}``; the latest of several handlers counts."""
        segments = _segments(path)
        if segments not in self._routes:
            self._routes[segments] = _Route(segments, {})
            if _ID in segments:
                self._with_ids.setdefault(len(segments), []).append(self._routes[segments])
        self._routes[segments].handlers[method] = handler

    def find(self, method: str, path: str) -> tuple[Handler, str]:
        """The handler, and the id in the path in lower case. Raises ``NoSuchPath`` or ``NoSuchMethod``."""
        segments = _segments(path)
        route = self._routes.get(segments) or self._matching(segments)
        if route is None:
            raise NoSuchPath(path)
        if method not in route.handlers:
            raise NoSuchMethod(f"{method} {path}")
        named = [other for own, other in zip(route.segments, segments, strict=True) if own == _ID]
        return route.handlers[method], "/".join(named)

    def _matching(self, segments: tuple[str, ...]) -> _Route | None:
        return next((route for route in self._with_ids.get(len(segments), ()) if route.matches(segments)), None)


def _segments(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.lower().split("/") if segment)
