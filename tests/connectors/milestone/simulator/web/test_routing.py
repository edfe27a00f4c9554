from __future__ import annotations

import pytest
from aiohttp import web

from connectors.milestone.simulator.web.routing import NoSuchMethod, NoSuchPath, Routes


async def _list(_request: web.BaseRequest, _id: str) -> web.Response:
    return web.Response(text="list")


async def _single(_request: web.BaseRequest, _id: str) -> web.Response:
    return web.Response(text="single")


@pytest.fixture
def routes() -> Routes:
    routes = Routes()
    routes.add("GET", "/API/rest/v1/cameras", _list)
    routes.add("GET", "/API/rest/v1/cameras/{id}", _single)
    return routes


def test_paths_are_found_in_any_case_and_give_the_id_in_lower_case(routes: Routes) -> None:
    assert routes.find("GET", "/api/REST/v1/Cameras/") == (_list, "")
    assert routes.find("GET", "/API/rest/v1/cameras/AbC") == (_single, "abc")


@pytest.mark.parametrize("path", ["/", "/api/rest/v1", "/api/rest/v1/cameras/a/b"])
def test_other_paths_are_not_found(routes: Routes, path: str) -> None:
    with pytest.raises(NoSuchPath):
        routes.find("GET", path)


def test_a_known_path_with_another_method_is_told_apart(routes: Routes) -> None:
    with pytest.raises(NoSuchMethod):
        routes.find("POST", "/api/rest/v1/cameras")
