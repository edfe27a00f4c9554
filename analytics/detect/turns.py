"""One at a time, first come first served."""

from __future__ import annotations

from collections import deque
from threading import Event, Lock
from types import TracebackType
from typing import Self


class Turns:
    """A lock that is given in the order in which it was asked for.

    ``threading.Lock`` gives it to whoever is quickest: under load often the thread that has just released it, while
    another camera's frames grow old.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._is_taken = False
        self._waiting: deque[Event] = deque()

    def __enter__(self) -> Self:
        """Waits for its turn: as long as those before it need, each one inference."""
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return self
            turn = Event()
            self._waiting.append(turn)
        turn.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()  # it stays taken: handed over
            else:
                self._is_taken = False

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)
