"""What the guarantee rests on: an alert is taken only by an answer that went out whole on a real connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import pytest
from lxml import etree

from config.model import RuleSettings
from connectors.onvif.device.calls import Access, Operation
from connectors.onvif.device.hub import EventHub
from connectors.onvif.device.soap import SoapApplication
from connectors.onvif.device.xml import ENV, child, element
from connectors.protocols.serving import listening
from core.clock import ManualClock
from core.types import Alert
from tests.connectors.onvif.device.event_support import (
    EVENTS,
    Pulled,
    a_device,
    an_alert,
    key_of,
    pull_messages,
    read,
    text_at,
    token_of,
    until,
)
from tests.connectors.onvif.schemas import validate_body

LONG = RuleSettings(id="gate", type="stopped_vehicle", name="n" * 8_000)
"""One message per alert, of some 9 kB."""

RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: closing throws away what was not read, and resets."""


@dataclass
class Vms:
    """Asks over real connections, one request each."""

    port: int
    path: str = EVENTS

    async def connect(self, *, receives: int | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made = socket.socket()
        if receives:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=made, limit=1024 if receives else 2**22)

    async def ask(self, body: etree._Element) -> etree._Element:
        reader, writer = await self.connect()
        writer.write(request(self.port, self.path, body))
        answer = await reader.read()
        writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), answer[:400]
        return validate_body(content)

    async def subscribe(self) -> None:
        body = element("tev:CreatePullPointSubscription")
        child(child(body, "tev:SubscriptionPolicy"), "tev:ChangedOnly")
        created = await self.ask(body)
        self.path = text_at(created, "tev:SubscriptionReference/wsa:Address").removeprefix(
            f"http://127.0.0.1:{self.port}"
        )

    async def pull(self, wait: str = "PT5S") -> list[Pulled]:
        return list(read(await self.ask(pull_messages(wait, 100))))


def request(port: int, path: str, body: etree._Element) -> bytes:
    envelope = etree.Element(f"{{{ENV}}}Envelope")
    etree.SubElement(envelope, f"{{{ENV}}}Body").append(body)
    content = etree.tostring(envelope)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/soap+xml\r\n"
    return f"{head}Connection: close\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def served(story: Callable[[EventHub, Vms], Awaitable[None]]) -> None:
    """Without authentication, which other tests are about."""

    async def told() -> None:
        hub = EventHub(a_device(LONG), pulse_s=3_600.0)
        operations = [_open(operation) for operation in hub.operations()]
        application = SoapApplication(operations, {}, ManualClock(), username_token=False, realm="vigie")
        async with asyncio.timeout(20), listening(application.app(), "127.0.0.1", 0) as port:
            await story(hub, Vms(port))
            hub.close()

    asyncio.run(told())


def _open(operation: Operation) -> Operation:
    return Operation(
        namespace=operation.namespace, name=operation.name, handle=operation.handle, access=Access.PRE_AUTH
    )


def publish(hub: EventHub, alert: Alert) -> None:
    hub.publish(alert, key_of(alert))


@pytest.mark.shared_data
def test_an_alert_reaches_a_waiting_client_in_less_than_a_fifth_of_a_second() -> None:
    async def story(hub: EventHub, vms: Vms) -> None:
        await vms.subscribe()
        pulling = asyncio.create_task(vms.pull())
        await until(lambda: hub.statistics()["pulls_waiting"])
        alert = an_alert(LONG)
        publish(hub, alert)
        began = asyncio.get_running_loop().time()
        assert await hub.wait_taken(key_of(alert), 5)
        assert [message.token for message in await pulling] == [token_of(alert)]
        assert asyncio.get_running_loop().time() - began < 0.2

    served(story)


@pytest.mark.shared_data
def test_what_a_client_was_sent_but_never_read_is_sent_again_and_not_taken() -> None:
    async def story(hub: EventHub, vms: Vms) -> None:
        await vms.subscribe()
        alerts = [an_alert(LONG, at=float(number)) for number in range(200)]
        for alert in alerts:
            publish(hub, alert)
        reader, writer = await vms.connect(receives=2_048)
        writer.write(request(vms.port, vms.path, pull_messages("PT5S", 1_000)))
        assert await reader.readexactly(12) == b"HTTP/1.1 200"
        assert hub.state_of(key_of(alerts[0])) == "waiting"
        _reset(writer)
        await until(lambda: hub.statistics()["answers_broken"])
        seen: list[str] = []
        while len(seen) < len(alerts):
            seen += [message.token for message in await vms.pull() if message.token]
        assert seen == [token_of(alert) for alert in alerts]
        assert {hub.state_of(key_of(alert)) for alert in alerts} == {"taken"}

    served(story)


@pytest.mark.shared_data
def test_an_alert_that_comes_after_its_client_hung_up_waits_for_the_next_pull() -> None:
    async def story(hub: EventHub, vms: Vms) -> None:
        await vms.subscribe()
        _, writer = await vms.connect()
        writer.write(request(vms.port, vms.path, pull_messages("PT5S", 10)))
        await until(lambda: hub.statistics()["pulls_waiting"])
        _reset(writer)
        await writer.wait_closed()
        for _ in range(50):  # the reset travels
            await asyncio.sleep(0.001)
        alert = an_alert(LONG)
        publish(hub, alert)
        assert not await hub.wait_taken(key_of(alert), 0.05)
        assert [message.token for message in await vms.pull()] == [token_of(alert)]
        assert await hub.wait_taken(key_of(alert), 5)

    served(story)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
