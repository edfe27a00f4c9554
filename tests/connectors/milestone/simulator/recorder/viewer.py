"""A viewer of live video that speaks ImageServer in the plainest way, composed by hand from the notes."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from xml.sax.saxutils import escape

from lxml import etree

from tests.connectors.milestone.simulator.running import Running

END = b"\r\n\r\n"
HEADER = struct.Struct(">HIHHHQQI")


@dataclass(frozen=True)
class Image:
    """One answer with a picture: the text header, and the fields of the binary one."""

    fields: dict[str, str]
    data_type: int
    length: int
    codec: int
    sequence: int
    flags: int
    gop_ms: int
    picture_ms: int
    payload: bytes


class Viewer:
    """One connection to the recorder."""

    def __init__(self, simulator: Running) -> None:
        self.simulator = simulator
        self.connection: socket.socket = simulator.connect()
        self._reader = self.connection.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self.connection.close()

    def send(self, text: str | bytes) -> None:
        self.connection.sendall((text.encode() if isinstance(text, str) else text) + END)

    def call(self, name: str, inner: str = "", request_id: int | str = 1) -> None:
        self.send(
            f'<?xml version="1.0" encoding="UTF-8"?><methodcall><requestid>{request_id}</requestid>'
            f"<methodname>{name}</methodname>{inner}</methodcall>"
        )

    def connect(self, token: str, camera: str = "", **changes: str | None) -> etree._Element:
        """Sends ``connect`` and returns the answer; a change of None leaves the element out."""
        camera = camera or self.simulator.camera
        elements = {
            "username": "x",
            "password": "x",
            "cameraid": camera,
            "alwaysstdjpeg": "no",
            "connectparam": f"id={camera}&connectiontoken={token}",
            **changes,
        }
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items() if value is not None)
        self.call("connect", inner + "<clientcapabilities><multipartdata>yes</multipartdata></clientcapabilities>")
        return self.document()

    def start(self) -> Viewer:
        """Connects and asks for live video."""
        assert self.connect(self.simulator.soap_token()).findtext("connected") == "yes"
        self.call("live", "<compressionrate>90</compressionrate><sendinitialimage>no</sendinitialimage>", 2)
        return self

    def message(self) -> etree._Element | Image:
        """The next message, whichever kind it is. Raises ``EOFError`` when the recorder has hung up."""
        first = self._reader.read(1)
        if not first:
            raise EOFError
        if first == b"<":
            return etree.fromstring(self._until(first, END))
        return self._image(self._until(first, b"\r\n"))

    def document(self) -> etree._Element:
        """The next message, which must be XML."""
        found = self.message()
        assert not isinstance(found, Image)
        return found

    def messages(self) -> Iterator[etree._Element | Image]:
        """Every message until the recorder hangs up."""
        while True:
            try:
                yield self.message()
            except (EOFError, ConnectionError):
                return

    def images(self, count: int) -> list[Image]:
        """The next pictures; status packages between them are passed over."""
        found: list[Image] = []
        while len(found) < count:
            message = self.message()
            if isinstance(message, Image):
                found.append(message)
        return found

    def statuses(self) -> Iterator[dict[str, str]]:
        """Status items (id → value) of the status packages to come; pictures between them are passed over."""
        for message in self.messages():
            if not isinstance(message, Image):
                yield {str(item.get("id")): str(item.get("value")) for item in message.iter("statusitem")}

    def _image(self, first_line: bytes) -> Image:
        assert first_line == b"ImageResponse"
        fields = {}
        while line := self._until(b"", b"\r\n"):
            name, _, value = line.decode().partition(": ")
            fields[name] = value
        length = int(fields["Content-length"])
        body = self._reader.read(length)
        assert self._reader.read(len(END)) == END
        data_type, total, codec, sequence, flags, gop_ms, picture_ms, _ = HEADER.unpack_from(body or bytes(HEADER.size))
        return Image(
            fields=fields,
            data_type=data_type,
            length=total,
            codec=codec,
            sequence=sequence,
            flags=flags,
            gop_ms=gop_ms,
            picture_ms=picture_ms,
            payload=body[HEADER.size :],
        )

    def _until(self, start: bytes, end: bytes) -> bytes:
        read = start
        while not read.endswith(end):
            byte = self._reader.read(1)
            if not byte:
                raise EOFError
            read += byte
        return read.removesuffix(end)
