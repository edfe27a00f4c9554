"""A bounded queue between two threads that either side can end at once."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One thread puts, another takes; ``close`` wakes both. What was put before a failure is still taken."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._failure: Exception | None = None
        self._closed = False
        self._changed = threading.Condition()

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    def put(self, item: T, timeout_s: float) -> bool:
        """Waits for room; False once closed (the item is dropped). ``TimeoutError`` when nobody makes room."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity, timeout_s):
                raise TimeoutError(f"nothing was taken within {timeout_s:g} s")
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()
            return not self._closed

    def fail(self, failure: Exception) -> None:
        """No more items come: ``take`` raises ``failure`` after the last one."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def take(self, timeout_s: float) -> T | None:
        """The next item; None once closed. Raises what ``fail`` gave, or ``TimeoutError`` when nothing comes."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._items or self._failure, timeout_s):
                raise TimeoutError(f"nothing arrived within {timeout_s:g} s")
            if self._closed:
                return None
            if not self._items:
                assert self._failure
                raise self._failure
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Drops what is left and wakes both sides."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
