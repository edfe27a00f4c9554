"""The page that Prometheus reads, as a WSGI application."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from prometheus_client import make_wsgi_app
from prometheus_client.registry import CollectorRegistry

from core.errors import VigieError

PATH = "/metrics"
_PLAIN = ("Content-Type", "text/plain; charset=utf-8")

_log = structlog.get_logger(component="metrics")


def page(registry: CollectorRegistry, credentials: Callable[[], str | None]) -> WSGIApplication:
    """Answers at ``/metrics``, in the format that the client asks for.

    ``credentials`` gives ``user:password``, or None where everybody may read; it is asked each time, so that a changed
    password counts at once.
    """
    exposition: WSGIApplication = make_wsgi_app(registry)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            if not _may_read(environ, credentials()):
                return _refuse(start, "401 Unauthorized", "user or password missing or wrong", _CHALLENGE)
            if environ["PATH_INFO"] != PATH:
                return _refuse(start, "404 Not Found", f"the metrics are at {PATH}")
            return exposition(environ, start)
        except VigieError as error:
            _log.warning("the metrics cannot be read", cause=error.line())
        except Exception:  # noqa: BLE001 - edge of the thread: a defect of ours is logged, and the client is told
            _log.exception("defect in the metrics")
        return _refuse(start, "500 Internal Server Error", "the log of Vigie says why")

    return answer


_CHALLENGE = ("WWW-Authenticate", 'Basic realm="vigie", charset="UTF-8"')


def _refuse(start: StartResponse, status: str, why: str, *headers: tuple[str, str]) -> list[bytes]:
    start(status, [_PLAIN, *headers])
    return [f"{why}\n".encode()]


def _may_read(environ: WSGIEnvironment, expected: str | None) -> bool:
    if expected is None:
        return True
    scheme, _, given = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    try:
        told = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(told, expected.encode())
