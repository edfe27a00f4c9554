from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from prometheus_client.registry import CollectorRegistry
from structlog.testing import capture_logs

from core.errors import SecretError
from core.metrics.catalogue import BUILD
from core.metrics.family import Family
from core.metrics.page import page
from core.metrics.prometheus import registry_of


def registry() -> CollectorRegistry:
    return registry_of(lambda: [Family(metric=BUILD, samples={("1.0",): 1.0})])


def asked(
    credentials: Callable[[], str | None], *, path: str = "/metrics", authorization: str = "", made_of: Any = None
) -> tuple[str, dict[str, str], str]:
    environ: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    if authorization:
        environ["HTTP_AUTHORIZATION"] = authorization
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        said.extend((status, dict(headers)))
        return said.append

    body = b"".join(page(made_of or registry(), credentials)(environ, start))
    return said[0], said[1], body.decode()


def basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


def nobody() -> None:
    return None


def test_without_an_account_everybody_may_read() -> None:
    status, headers, body = asked(nobody)
    assert (status, headers["Content-Type"]) == ("200 OK", "text/plain; version=0.0.4; charset=utf-8")
    assert 'vigie_build_info{version="1.0"} 1.0\n' in body


def test_other_paths_lead_to_the_right_one() -> None:
    status, _, body = asked(nobody, path="/")
    assert status == "404 Not Found"
    assert "/metrics" in body


def test_with_the_account_the_page_is_read() -> None:
    assert asked(lambda: "prom:mot de passé", authorization=basic("prom:mot de passé"))[0] == "200 OK"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        basic("prom:other"),
        basic("prom"),
        basic(""),
        basic("other:right"),
        "Bearer right",
        "Basic !!!",
        "Basic",
        "Basic é",
    ],
)
def test_without_it_nothing_is_told(authorization: str) -> None:
    status, headers, body = asked(lambda: "prom:right", authorization=authorization)
    assert status == "401 Unauthorized"
    assert headers["WWW-Authenticate"].startswith("Basic ")
    assert "vigie_build_info" not in body


def test_a_path_is_told_to_nobody_without_the_account() -> None:
    assert asked(lambda: "prom:right", path="/other")[0] == "401 Unauthorized"


def test_a_secret_that_cannot_be_read_lets_nobody_in() -> None:
    def fail() -> str:
        raise SecretError("the secret 'prom' is empty")

    with capture_logs() as logs:
        status, _, body = asked(fail, authorization=basic("prom:"))
    assert status == "500 Internal Server Error"
    assert "vigie_build_info" not in body
    assert logs[0]["cause"] == "the secret 'prom' is empty"


def test_a_defect_is_logged_and_told_without_its_words() -> None:
    def fail() -> list[Family]:
        raise ZeroDivisionError("inside")

    with capture_logs() as logs:
        status, _, body = asked(nobody, made_of=registry_of(fail))
    assert status == "500 Internal Server Error"
    assert "inside" not in body
    assert logs[0]["event"] == "defect in the metrics"
