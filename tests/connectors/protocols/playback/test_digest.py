from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.digest import parameters
from connectors.protocols.playback.digest import Credentials
from connectors.protocols.rtsp.auth import Authenticator, Scheme

URL = "rtsp://mg01:654/cam/playback"
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize("scheme", [Scheme.DIGEST_MD5, Scheme.DIGEST_SHA256])
@given(user=st.text(min_size=1, max_size=10).filter(lambda text: "\n" not in text), password=st.text(max_size=10))
def test_the_server_knows_the_user(scheme: Scheme, user: str, password: str) -> None:
    server = Authenticator({user: password}, "Media Gateway", [scheme])
    credentials = Credentials(user, password, allow_basic=False)
    assert credentials.header("DESCRIBE", URL) == ""
    assert credentials.challenged(server.challenges(""))
    for method in ("DESCRIBE", "SETUP", "PLAY"):
        assert server.user_of(credentials.header(method, URL), method, URL) == user


def test_a_wrong_password_is_told_from_a_right_one() -> None:
    server = Authenticator({"vigie": "right"}, "r")
    credentials = Credentials("vigie", "wrong", allow_basic=False)
    assert credentials.challenged(server.challenges(""))
    assert server.user_of(credentials.header("PLAY", URL), "PLAY", URL) is None


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_is_answered_as_there(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, response: str
) -> None:
    own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("connectors.protocols.playback.digest.secrets.token_hex", lambda _: own)
    credentials = Credentials("Mufasa", "Circle of Life", allow_basic=False)
    assert credentials.challenged([RFC_7616.format(algorithm=algorithm)])
    given = parameters(credentials.header("GET", "/dir/index.html").removeprefix("Digest "))
    assert (given["response"], given["nc"], given["qop"]) == (response, "00000001", "auth")
    assert given["opaque"] == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
    again = parameters(credentials.header("GET", "/dir/index.html").removeprefix("Digest "))
    assert again["nc"] == "00000002"


def test_the_strongest_digest_is_answered_and_an_algorithm_that_was_not_named_is_not_named() -> None:
    credentials = Credentials("vigie", "p", allow_basic=True)
    offers = ['Digest realm="r", nonce="n"', 'Basic realm="r"', 'Digest realm="r", nonce="m", algorithm=SHA-256']
    assert credentials.challenged(offers)
    assert 'nonce="m"' in credentials.header("PLAY", URL)
    assert credentials.challenged(offers[:2])
    assert "algorithm" not in credentials.header("PLAY", URL)


@pytest.mark.parametrize(
    ("challenges", "allow_basic", "expected"),
    [
        pytest.param(['Basic realm="r"'], True, f"Basic {base64.b64encode(b'vigie:p').decode()}", id="basic over TLS"),
        pytest.param(['Basic realm="r"'], False, "", id="basic in clear"),
        pytest.param(['Digest realm="r", nonce="n", algorithm=MD5-sess'], True, "", id="unknown algorithm"),
        pytest.param(["Negotiate"], True, "", id="unknown scheme"),
        pytest.param([], True, "", id="no challenge"),
    ],
)
def test_basic_is_for_tls_alone_and_what_is_unknown_is_not_answered(
    challenges: list[str], allow_basic: bool, expected: str
) -> None:
    credentials = Credentials("vigie", "p", allow_basic=allow_basic)
    assert credentials.challenged(challenges) == bool(expected)
    assert credentials.header("PLAY", URL) == expected


def test_without_an_account_no_challenge_can_be_answered() -> None:
    assert not Credentials("", "", allow_basic=True).challenged(['Basic realm="r"'])
