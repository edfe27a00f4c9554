from __future__ import annotations

import pytest

from connectors.protocols.digest import Algorithm, equal, is_response, parameters

RFC_7616 = {
    "username": "Mufasa",
    "uri": "/dir/index.html",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "nc": "00000001",
    "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    "qop": "auth",
}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        (Algorithm.MD5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm.SHA256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_is_right_and_nothing_else_is(algorithm: Algorithm, response: str) -> None:
    given = {**RFC_7616, "response": response}
    password = "Circle of Life"
    assert is_response(algorithm, given, "GET", "http-auth@example.org", password)
    assert is_response(algorithm, {**given, "response": response.upper()}, "GET", "http-auth@example.org", password)
    for changed in ({"nc": "00000002"}, {"uri": "/"}, {"response": ""}, {"response": "é"}):
        assert not is_response(algorithm, {**given, **changed}, "GET", "http-auth@example.org", password)
    assert not is_response(algorithm, given, "POST", "http-auth@example.org", password)
    assert not is_response(algorithm, given, "GET", "http-auth@example.org", "circle of life")


def test_a_header_is_read_with_quotes_escapes_and_without() -> None:
    text = r'username="a \"b\", c", realm="r",nc=00000001 , qop=auth, Response = "f0", nc=00000002'
    assert parameters(text) == {
        "username": 'a "b", c',
        "realm": "r",
        "nc": "00000001",
        "qop": "auth",
        "response": "f0",
    }


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("", Algorithm.MD5),
        ("md5", Algorithm.MD5),
        ("sha-256", Algorithm.SHA256),
        ("SHA-512-256", None),
        ("MD5-sess", None),
    ],
)
def test_algorithms_are_known_by_name_in_any_case(name: str, algorithm: Algorithm | None) -> None:
    assert Algorithm.named(name) is algorithm


def test_bytes_of_a_header_that_are_no_utf_8_are_compared_not_raised() -> None:
    assert equal("\udcff", "\udcff")
    assert not is_response(Algorithm.MD5, {"username": "\udcff", "response": "\udcfe"}, "GET", "r", "p")
