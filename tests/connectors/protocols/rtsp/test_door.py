from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from connectors.protocols.rtsp.door import DoorLimits, Guest, open_door
from core.errors import UsageError
from tests.connectors.protocols.rtsp.harness import run, serving, until


async def _said(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await reader.read()
    return b""


def test_the_oldest_of_the_busiest_host_is_pushed_out_first() -> None:
    async def body() -> None:
        guests: list[Guest] = []

        def receive(guest: Guest) -> asyncio.Protocol:
            guests.append(guest)
            return asyncio.Protocol()

        async with open_door(receive, "0.0.0.0", 0, limits=DoorLimits(newcomers=3)) as port:
            hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.2"]
            peers = [await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0)) for host in hosts]
            assert await peers[1][0].read() == b""
            await until(lambda: len(guests) == 4)
            assert not peers[0][0].at_eof()
            for _, writer in peers:
                writer.close()

    run(body)


def test_beyond_the_limit_those_who_settled_stay_and_newcomers_are_refused() -> None:
    async def body() -> None:
        refused: list[int] = []

        def receive(guest: Guest) -> asyncio.Protocol:
            guest.settle()
            return asyncio.Protocol()

        limits = DoorLimits(connections=2)
        async with open_door(receive, "127.0.0.1", 0, limits=limits, refused=lambda: refused.append(1)) as port:
            peers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            await until(lambda: refused == [1])
            assert await _said(peers[2][0]) == b""
            peers[0][1].close()
            await peers[0][1].wait_closed()
            await asyncio.sleep(0.02)
            again = await asyncio.open_connection("127.0.0.1", port)
            assert not again[0].at_eof()
            assert refused == [1]
            for _, writer in (*peers, again):
                writer.close()

    run(body)


def test_a_port_that_is_taken_is_told() -> None:
    async def body() -> None:
        async with serving() as running:
            with pytest.raises(UsageError, match="cannot listen"):
                async with open_door(lambda _: asyncio.Protocol(), "127.0.0.1", running.server.port):
                    pass

    run(body)


def test_rtsp_clients_without_a_session_do_not_keep_others_out() -> None:
    async def body() -> None:
        async with serving({}, limits=DoorLimits(newcomers=4, connections=8)) as running:
            silent = [await asyncio.open_connection("127.0.0.1", running.server.port) for _ in range(50)]
            reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
            writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            assert (await reader.readline()).startswith(b"RTSP/1.0 200")
            assert running.server.statistics()["connections_refused"] >= 46
            for _, other in (*silent, (reader, writer)):
                other.close()

    run(body)
