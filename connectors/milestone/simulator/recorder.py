"""The recording server's TCP port, 7563 on a real site: ImageServer and SOAP share it (notes §1.6, §11)."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus

from lxml import etree

from connectors.milestone.simulator.imageserver import ImageServerSession, RecorderSite
from connectors.milestone.simulator.imageserver_messages import END
from connectors.protocols.serving import listening_to_streams

RECORDER_COMMAND = "http://videoos.net/2/XProtectCSRecorderCommand"

_PATH = "/recordercommandservice/recordercommandservice.asmx"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_TOKEN_FAULT, _MISSING, _INVALID = 20001, 1, 2
_UNSUPPORTED_FAULT = 40000
_HTTP_TIMEOUT_S = 10.0
_MAX_REQUEST = 64 * 1024


class _BadRequest(Exception):
    """An HTTP request that cannot be read."""


@dataclass(frozen=True, slots=True)
class RecorderPort:
    """Tells the two protocols apart by the first byte."""

    recorder: RecorderSite

    def listening(self, host: str, port: int, tls: ssl.SSLContext | None) -> AbstractAsyncContextManager[int]:
        """Serves; yields the real port."""
        return listening_to_streams(self._serve, host, port, ssl_context=tls, limit=_MAX_REQUEST)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HTTP_TIMEOUT_S):
                first = await reader.readexactly(1)
            if first == b"<":
                await ImageServerSession(self.recorder, reader, writer).run(first)
            else:
                async with asyncio.timeout(_HTTP_TIMEOUT_S):
                    await self._serve_http(first, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # the peer went away, or sent what is neither protocol

    async def _serve_http(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            method, path, length = _read_head(first + await reader.readuntil(END))
        except _BadRequest:
            writer.write(_http(HTTPStatus.BAD_REQUEST, b"", "text/html"))
            return
        body = await reader.readexactly(length)
        if method != "POST" or path.lower() != _PATH:
            writer.write(_http(HTTPStatus.NOT_FOUND, b"", "text/html"))
            return
        writer.write(_http(HTTPStatus.INTERNAL_SERVER_ERROR, self._fault(body), "text/xml; charset=utf-8"))
        await writer.drain()

    def _fault(self, body: bytes) -> bytes:
        """No operation is simulated: the token is judged, then the method is not supported."""
        token = _token(body)
        if not token:
            return _soap_fault(_TOKEN_FAULT, _MISSING, "Security token is missing")
        if not self.recorder.tokens.is_soap(token):
            return _soap_fault(_TOKEN_FAULT, _INVALID, "Security token is invalid")
        return _soap_fault(_UNSUPPORTED_FAULT, 0, "The method is not supported")


def _read_head(head: bytes) -> tuple[str, str, int]:
    """Method, path and body length of an HTTP request."""
    request_line, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = fields.get("content-length", "0")
    words = request_line.split(" ")
    if len(words) != 3 or not (length.isascii() and length.isdigit()) or int(length) > _MAX_REQUEST:  # noqa: PLR2004 - method, path, version
        raise _BadRequest(request_line)
    return words[0], words[1].partition("?")[0], int(length)


def _token(body: bytes) -> str:
    """The ``token`` of the operation called, empty when there is none."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return ""
    return root.findtext(f"{{{_ENVELOPE}}}Body/*/{{{RECORDER_COMMAND}}}token") or ""


def _soap_fault(number: int, sub_number: int, message: str) -> bytes:
    """A fault of the ``.asmx`` services: the numbers are attributes of ``detail``."""
    root = etree.Element(f"{{{_ENVELOPE}}}Envelope", nsmap={"soap": _ENVELOPE})
    fault = etree.SubElement(etree.SubElement(root, f"{{{_ENVELOPE}}}Body"), f"{{{_ENVELOPE}}}Fault")
    etree.SubElement(fault, "faultcode").text = "soap:Server"
    etree.SubElement(fault, "faultstring").text = message
    etree.SubElement(
        fault,
        "detail",
        ErrorNumber=str(number),
        SubErrorNumber=str(sub_number),
        BaseExceptionName="VideoOS.Server.Common.VideoOSException",
        ExceptionMessage=message,
    )
    return b'<?xml version="1.0" encoding="utf-8"?>' + etree.tostring(root)


def _http(status: HTTPStatus, body: bytes, content_type: str) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
