from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.milestone.simulator.web.rest import RestRefused, selected
from tests.connectors.milestone.simulator.running import Running

pytestmark = pytest.mark.slow

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6)


def _request(query: str) -> web.Request:
    return make_mocked_request("GET", f"/API/rest/v1/cameras?{query}")


@settings(deadline=None)
@given(names=st.lists(TEXTS, max_size=5), wanted=TEXTS)
def test_text_filters_mean_what_python_means(names: list[str], wanted: str) -> None:
    objects: list[dict[str, Any]] = [{"name": name} for name in names]
    meanings: dict[str, Callable[[str], bool]] = {
        "": lambda name: name == wanted,
        "notEquals:": lambda name: name != wanted,
        "startsWith:": lambda name: name.startswith(wanted),
        "contains:": lambda name: wanted in name,
    }
    for operator, matches in meanings.items():
        found = selected(_request(f"name={operator}{quote(chr(39) + wanted + chr(39))}"), objects)
        assert found == [item for item in objects if matches(item["name"])]


@settings(deadline=None)
@given(numbers=st.lists(st.integers(-100, 100), max_size=6), limit=st.integers(-100, 100))
def test_number_filters_cut_the_list_in_three(numbers: list[int], limit: int) -> None:
    objects: list[dict[str, Any]] = [{"number": number} for number in numbers]
    parts = [selected(_request(f"number={operator}'{limit}'"), objects) for operator in ("lt:", "", "gt:")]
    assert sorted(int(str(item["number"])) for part in parts for item in part) == sorted(numbers)
    assert all(item["number"] == limit for item in parts[1])


@settings(deadline=None)
@given(count=st.integers(0, 12), size=st.integers(1, 5))
def test_pages_put_together_are_the_list(count: int, size: int) -> None:
    objects: list[dict[str, Any]] = [{"number": number} for number in range(count)]
    pages = [selected(_request(f"page={page}&size={size}"), objects) for page in range(count // size + 2)]
    assert [item for page in pages for item in page] == objects
    assert pages[-1] == []


@pytest.mark.parametrize(("nested", "key"), [(True, "error"), (False, "httpCode")])
def test_a_refusal_is_answered_in_either_shape_with_what_is_beside(nested: bool, key: str) -> None:
    refusal = RestRefused(400, "Missing", property_name="name")
    refusal.beside = {"params": {"name": ""}}
    body = json.loads(refusal.response(nested=nested).text or "")
    assert body["params"] == {"name": ""}
    assert (body["error"] if nested else body)["details"][0]["property"] == "name"
    assert key in body


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[]", b"[" * 100_000], ids=["none", "cut", "bytes", "list", "deep"]
)
def test_a_body_that_is_no_json_object_is_refused(simulator: Running, body: bytes) -> None:
    answer = simulator.rest("POST", "/events", data=body)
    assert (answer.status_code, answer.json()["error"]["httpCode"]) == (400, 400)
