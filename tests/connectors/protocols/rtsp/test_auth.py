from __future__ import annotations

import base64
import hashlib

import pytest

from connectors.protocols.rtsp.auth import DIGESTS, Authenticator, Scheme
from tests.connectors.protocols.rtsp.harness import USERS, digest

pytestmark = pytest.mark.slow

URL = "rtsp://host:654/camera/live"


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(USERS, "site", (*DIGESTS, Scheme.BASIC))


def test_sha256_is_offered_before_md5_before_basic(authenticator: Authenticator) -> None:
    challenges = authenticator.challenges("")
    assert ["SHA-256" in challenges[0], "MD5" in challenges[1], challenges[2]] == [True, True, 'Basic realm="site"']
    assert not any("stale" in challenge for challenge in challenges)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("signed", [URL, "/camera/live", "rtsp://host:654/camera/", URL + "/"])
def test_a_digest_proves_the_user(authenticator: Authenticator, index: int, signed: str) -> None:
    header = digest(authenticator.challenges("")[index], "DESCRIBE", signed)
    assert authenticator.user_of(header, "DESCRIBE", URL) == "vigie"


def test_a_digest_with_qop_proves_the_user_once(authenticator: Authenticator) -> None:
    nonce = authenticator.challenges("")[1].partition('nonce="')[2].partition('"')[0]

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    first, second = md5(f"vigie:site:{USERS['vigie']}"), md5(f"PLAY:{URL}")
    response = md5(f"{first}:{nonce}:00000001:abcd:auth:{second}")
    header = (
        f'Digest username="vigie",realm="site",nonce="{nonce}",uri="{URL}",qop=auth,nc=00000001,cnonce="abcd",'
        f'response="{response}"'
    )
    assert authenticator.user_of(header, "PLAY", URL) == "vigie"
    assert authenticator.user_of(header, "PLAY", URL) is None


@pytest.mark.parametrize(
    ("user", "password", "method", "signed"),
    [
        ("vigie", "wrong", "DESCRIBE", URL),
        ("nobody", USERS["vigie"], "DESCRIBE", URL),
        ("vigie", USERS["vigie"], "SETUP", URL),
        ("vigie", USERS["vigie"], "DESCRIBE", "rtsp://host:654/other"),
        ("vigie", USERS["vigie"], "DESCRIBE", "rtsp://host:654/camera/liv"),
    ],
)
def test_a_digest_of_something_else_proves_nothing(
    authenticator: Authenticator, user: str, password: str, method: str, signed: str
) -> None:
    header = digest(authenticator.challenges("")[1], method, signed, user, password)
    assert authenticator.user_of(header, "DESCRIBE", URL) is None


def test_a_nonce_of_another_connection_is_called_stale(authenticator: Authenticator) -> None:
    header = digest(Authenticator(USERS, "site").challenges("")[1], "DESCRIBE", URL)
    assert authenticator.user_of(header, "DESCRIBE", URL) is None
    assert "stale=true" in authenticator.challenges(header)[1]


@pytest.mark.parametrize(
    ("header", "user"),
    [
        (_basic("vigie", USERS["vigie"]), "vigie"),
        (_basic("vigie", "wrong"), None),
        (_basic("nobody", ""), None),
        ("Basic ???", None),
        ("Basic /////w==", None),
        ("Basic", None),
        ("", None),
        ("Bearer token", None),
        ("Digest", None),
        ('Digest username="vigie", response="é"', None),
    ],
)
def test_basic_and_broken_credentials(authenticator: Authenticator, header: str, user: str | None) -> None:
    assert authenticator.user_of(header, "DESCRIBE", URL) == user


def test_basic_is_refused_where_it_is_not_offered() -> None:
    assert Authenticator(USERS, "site").user_of(_basic("vigie", USERS["vigie"]), "DESCRIBE", URL) is None


def test_without_users_everyone_may_enter() -> None:
    assert Authenticator({}, "site").user_of("", "DESCRIBE", URL) == ""
