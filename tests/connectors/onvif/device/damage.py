"""Requests of every operation of the device, and what makes them no requests any more."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from lxml import etree

from connectors.onvif.device.calls import Operation
from connectors.onvif.device.hub import EventHub
from connectors.onvif.device.services import analytics, events, media, media2
from connectors.onvif.device.services import device as device_service
from tests.connectors.onvif.device.soap_support import device

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
ARGUMENTS = (
    ("ProfileToken", "quai-1"),
    ("ConfigurationToken", "quai-1"),
    ("Type", "VideoEncoder"),
    ("Protocol", "RtspOverHttp"),
    ("Timeout", "PT0S"),
    ("MessageLimit", "3"),
    ("IncludeCapability", "true"),
    ("Category", "All"),
    ("InitialTerminationTime", "PT60S"),
    ("Name", "a name"),
)
SNIPPETS = (
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&b;",
    b"\x00",
    b"\xff\xfe",
    b"]]>",
    b"<![CDATA[",
    b"<a>" * 50,
    b"A" * 3_000,
    b"-1",
    b"PT99999999999999S",
    b"99999999999999999999",
    b"\xe2\x80\xae",
    b"xmlns:tt='urn:other'",
    b"../../etc/passwd",
    b"<?xml version='1.0' encoding='utf-16'?>",
)

VALUES = (
    "",
    " ",
    "-1",
    "0",
    "PT-1S",
    "PT99999999999999S",
    "99999999999999999999",
    "2026-13-45T99:99:99Z",
    "NaN",
    "\u202e",
    "\U0001f600",
    "../../etc/passwd",
    "a" * 3_000,
    "no-such-token",
    "quai-1",
    "true()",
    "//.[",
    "tns1:RuleEngine//.|",
)


def envelope(body: str) -> bytes:
    return f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Header/><e:Body>{body}</e:Body></e:Envelope>'.encode()


def valid_requests() -> Iterator[str]:
    """A request of every operation, with arguments that some of them take."""
    for operation in _operations():
        arguments = "".join(f"<o:{name}>{value}</o:{name}>" for name, value in ARGUMENTS)
        content = f'<o:{operation.name} xmlns:o="{operation.namespace}" token="quai-1">{arguments}</o:{operation.name}>'
        yield envelope(content).decode()


def damaged(data: bytes, chance: random.Random) -> bytes:
    """One to four changes: bytes changed, cut out, doubled, moved, or something nasty put in."""
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(data) + 1), chance.randrange(1, 40)
        piece = data[at : at + length]
        before, after = data[:at], data[at + length :]
        data = chance.choice(
            (
                lambda: before + bytes(chance.randrange(256) for _ in piece) + after,  # noqa: B023 - called at once
                lambda: before + after,  # noqa: B023 - called at once
                lambda: before + piece * 3 + after,  # noqa: B023 - called at once
                lambda: after + before,  # noqa: B023 - called at once
                lambda: before + chance.choice(SNIPPETS) + piece + after,  # noqa: B023 - called at once
            )
        )()
    return data


def twisted(data: bytes, chance: random.Random) -> bytes:
    """Well-formed, but not what the schema says: values, names, order and number of elements and attributes change."""
    root = etree.fromstring(data)
    for _ in range(chance.randint(1, 4)):
        nodes = list(root.iter())
        victims = nodes[chance.choice((0, 3, 3, 3)) :] or nodes
        victim, other = chance.choice(victims), chance.choice(victims)
        match chance.randrange(6):
            case 0:
                victim.text = chance.choice(VALUES)
            case 1:
                victim.set(chance.choice(("token", "Name", "Type", "mustUnderstand")), chance.choice(VALUES))
            case 2:
                victim.tag = chance.choice((other.tag, "{urn:other}x", "x", f"{{{ENVELOPE}}}Body"))
            case 3 if (parent := victim.getparent()) is not None:
                parent.remove(victim)
            case 4:
                other.append(etree.fromstring(etree.tostring(victim)))
            case _:
                victim.extend(etree.Element(f"{{{ENVELOPE}}}Fault") for _ in range(chance.randrange(40)))
    return etree.tostring(root)


def _operations() -> Sequence[Operation]:
    own = device()
    return [
        *device_service.operations(own, (media2, media, events, analytics)),
        *media2.operations(own),
        *media.operations(own),
        *analytics.operations(own),
        *EventHub(own).operations(),
    ]
