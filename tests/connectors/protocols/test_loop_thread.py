from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from connectors.protocols.loop_thread import LoopThread
from core.errors import UsageError, VmsUnavailable


async def serve(ready: Callable[[str], None], stop: asyncio.Event) -> None:
    ready(threading.current_thread().name)
    await stop.wait()


async def doubled(number: int) -> int:
    return 2 * number


def test_it_tells_what_the_server_told_once_it_listens_and_ends_it() -> None:
    server: LoopThread[str] = LoopThread("the-loop", "the server")
    assert server.start(serve) == "the-loop"
    thread = next(thread for thread in threading.enumerate() if thread.name == "the-loop")
    server.close()
    server.close()
    assert not thread.is_alive()


def test_work_is_done_on_the_loop() -> None:
    server: LoopThread[str] = LoopThread("the-loop", "the server")
    server.start(serve)
    try:
        assert server.run(doubled(21), 5.0) == 42
    finally:
        server.close()


def test_an_error_of_the_work_reaches_the_caller() -> None:
    async def fail() -> None:
        raise VmsUnavailable("nobody there")

    server: LoopThread[str] = LoopThread("the-loop", "the server")
    server.start(serve)
    try:
        with pytest.raises(VmsUnavailable, match="nobody there"):
            server.run(fail(), 5.0)
    finally:
        server.close()


def test_work_that_takes_too_long_is_given_up() -> None:
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    server: LoopThread[str] = LoopThread("the-loop", "the server")
    server.start(serve)
    try:
        with pytest.raises(VmsUnavailable, match=r"the server did not answer within 0\.05 s"):
            server.run(hang(), 0.05)
        assert cancelled.wait(5.0)
    finally:
        server.close()


def test_without_a_running_server_work_is_refused_not_kept() -> None:
    server: LoopThread[str] = LoopThread("the-loop", "the server")
    with pytest.raises(VmsUnavailable, match="the server does not run"):
        server.run(doubled(1), 1.0)


def test_a_port_that_is_taken_is_told_with_the_remedy() -> None:
    async def refuse(_ready: Callable[[str], None], _stop: asyncio.Event) -> None:
        raise UsageError("cannot listen on 0.0.0.0:1")

    server: LoopThread[str] = LoopThread("the-loop", "the server")
    with pytest.raises(VmsUnavailable, match="cannot listen") as raised:
        server.start(refuse)
    assert "another port" in raised.value.remedy


def test_a_defect_is_told_and_not_waited_for() -> None:
    async def break_down(_ready: Callable[[str], None], _stop: asyncio.Event) -> None:
        raise RuntimeError("index out of range")

    server: LoopThread[str] = LoopThread("the-loop", "the server")
    with pytest.raises(VmsUnavailable, match=r"defect: .*index out of range"):
        server.start(break_down)


def test_a_caller_who_waits_when_it_is_closed_is_told_so() -> None:
    begun = threading.Event()
    told: list[BaseException] = []

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    def wait() -> None:
        try:
            server.run(hang(), 20.0)
        except Exception as error:  # noqa: BLE001 - which class it is is what is tested
            told.append(error)

    server: LoopThread[str] = LoopThread("the-loop", "the server")
    server.start(serve)
    caller = threading.Thread(target=wait)
    caller.start()
    assert begun.wait(5.0)
    server.close()
    caller.join(5.0)
    assert [type(error) for error in told] == [VmsUnavailable]
    assert "the server was closed" in str(told[0])
