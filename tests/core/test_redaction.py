from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.redaction import HIDDEN, redact, redact_value

pytestmark = pytest.mark.slow

APPLICATION_ID = "KxsD11z743Hf5Gq9mv3+5ekxzemlCiUXkTFY5ba1NOGcLCmGstt2n0zYE9NsNimv"

MARK = "Zq7"
"""In every made secret, twice, so that a part of it that survives is recognised."""

_INNER = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
secrets = st.builds(lambda a, b, c: f"{a}{MARK}{b}{MARK}{c}", *[st.text(_INNER, max_size=5)] * 3)
"""Passwords of any characters that a line can hold."""

tokens = st.builds(lambda a, b: f"{a}{MARK}{b}{MARK}", *[st.text("abcdefghijABCDEFGHIJ0123456789-_", max_size=8)] * 2)
"""Tokens as servers make them."""


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


QUOTES = "'\" \u00a0"
"""What a bare value does not begin with."""

FORMS = {
    "url": lambda secret: f"GET rtsp://vigie:{quote(secret, safe='')}@vms:554/live failed",
    "form": lambda secret: f"grant_type=password&username=vigie&password={quote_plus(secret)}&client_id=VmsClient",
    "query": lambda secret: f"http://vms/live?connectiontoken={quote_plus(secret)}&id=1",
    "json": lambda secret: json.dumps({"user": "vigie", "password": secret, "grant": 1}),
    "json-unicode": lambda secret: json.dumps({"client_secret": secret}, ensure_ascii=False),
    "json-compact": lambda secret: json.dumps({"a": 1, "access_token": secret, "b": [1]}, separators=(",", ":")),
    "json-cut": lambda secret: json.dumps({"access_token": secret})[:-2],
    "json-in-json": lambda secret: json.dumps({"body": json.dumps({"refresh_token": secret, "x": "y"})}),
    "repr": lambda secret: repr({"username": "vigie", "password": secret}),
    "repr-bytes": lambda secret: repr({"password": secret.encode()}),
    "keyword": lambda secret: f"connect(user='vigie', password={secret!r})",
    "xml-element": lambda secret: f"<s:Body><password>{escape(secret)}</password><id>1</id></s:Body>",
    "wsse": lambda secret: (
        f'<wsse:Password Type="http://docs.oasis-open.org/wss#PasswordText">{escape(secret)}</wsse:Password>'
    ),
    "xml-attribute": lambda secret: f"<Login user='vigie' password={quoteattr(secret)} mode='1'/>",
    "cdata": lambda secret: f"<Token><![CDATA[{secret.replace(']]>', '')}]]></Token>",
    "yaml": lambda secret: f"  xprotect_password: {secret.lstrip(QUOTES)}\n  user: vigie",
    "assignment": lambda secret: f"login failed: pwd={quote(secret, safe='')} user=vigie",
    "header": lambda secret: f"Authorization: {secret.lstrip(QUOTES)}\r\nAccept: text/json",
    "cookie": lambda secret: f"Set-Cookie: session={secret}; HttpOnly\r\nAccept: */*",
}
"""Places where any password may stand, with the encoding of the place."""

TOKEN_FORMS = {
    "basic": lambda secret: f"401 for Basic {basic('vigie', secret)}",
    "basic-header": lambda secret: f"Authorization: Basic {basic('vigie', secret)}",
    "basic-dict": lambda secret: repr({"Authorization": f"Basic {basic('vigie', secret)}", "Accept": "text/json"}),
    "genetec": lambda secret: f"Authorization: Basic {basic(f'vigie;{APPLICATION_ID}', secret)}",
    "genetec-plain": lambda secret: f"user vigie;{APPLICATION_ID}:{secret} refused",
    "bearer": lambda secret: f"sent Bearer {secret}, got 401",
    "bearer-header": lambda secret: json.dumps({"headers": {"authorization": f"Bearer {secret}"}}),
    "digest": lambda secret: f'Authorization: Digest username="vigie", realm="r", nonce="n", response="{secret}"',
    "digest-bare": lambda secret: f'Digest username="vigie", realm="r", nonce="n", response="{secret}"',
    "corporate-token": lambda secret: f"<a>TOKEN#{secret}#vms01//ServerConnector#</a>",
    "jwt": lambda secret: f"token eyJhbGciOiJSUzI1NiJ9.{secret}.{secret}",
    "url-cut": lambda secret: f"cannot open rtsp://vigie:{secret}",
}


@pytest.mark.parametrize("form", FORMS)
@given(secret=secrets)
def test_no_password_survives_in(form: str, secret: str) -> None:
    redacted = redact(FORMS[form](secret))
    assert MARK not in redacted
    assert HIDDEN in redacted


@pytest.mark.parametrize("form", TOKEN_FORMS)
@given(secret=tokens)
def test_no_token_survives_in(form: str, secret: str) -> None:
    redacted = redact(TOKEN_FORMS[form](secret))
    assert MARK not in redacted
    encoded = basic("vigie", secret)
    assert not any(encoded[start : start + 8] in redacted for start in range(len(encoded) - 8))
    assert HIDDEN in redacted


@pytest.mark.parametrize("form", [*FORMS.values(), *TOKEN_FORMS.values()], ids=[*FORMS, *TOKEN_FORMS])
def test_what_is_redacted_stays_as_it_is(form: object) -> None:
    assert callable(form)
    once = redact(form("aZq7bZq7"))
    assert redact(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"user":"vigie","password":"a\\"b","n":1}', '{"user":"vigie","password":"***","n":1}'),
        ("https://vigie:pw@vms:443/api?x=1", "https://***@vms:443/api?x=1"),
        ("password=a&user=b", "password=***&user=b"),
        ('<Login password="a" user="b"/>', '<Login password="***" user="b"/>'),
        ("<Token>abc</Token><id>1</id>", "<Token>***</Token><id>1</id>"),
        ("Authorization: Basic dXNlcjpwYXNz\r\nAccept: x", "Authorization: ***\r\nAccept: x"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz', 'Accept': 'x'}", "{'Authorization': '***', 'Accept': 'x'}"),
        ('"{\\"token\\": \\"x\\", \\"a\\": 1}"', '"{\\"token\\": \\"***\\", \\"a\\": 1}"'),
    ],
)
def test_what_stands_around_a_secret_stays_readable(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication refused",
        "Basic Authentication is off",
        "Digest authentication, Bearer authentication",
        "a bearer token is missing",
        'WWW-Authenticate: Basic realm="Security Center"',
        "the password of the account 'vigie' is wrong or has expired",
        "invalid_username_or_password",
        "grant_type=password",
        '"access_token":null,"token":false,"token_type":"Bearer","expires_in":3600',
        "cannot connect to https://vms.site.local:443/api/rest/v1/alarms?page=0&size=10",
        "http://[::1]:8080/",
        "rtsp://vms:554/live/6d2b1f5e-0000-4000-8000-000000000001",
        "mail vigie@site.local at 10:15:30",
        "2026-11-20T10:15:30.120Z camera quai-1: 3 frames skipped; 12:30",
        "<tt:ProfileToken>Profile_1</tt:ProfileToken>",
        "the secret 'xprotect-password' cannot be read: No such file or directory",
        "zone=[[0.1, 0.2], [0.3, 0.4]]",
        "C:\\Program Files\\Vigie;D:\\data",
        "",
    ],
)
def test_harmless_text_is_unchanged(text: str) -> None:
    assert redact(text) == text


ORDINARY = """alarm camera refused 200 OK rule=voie id=12 a;b 10:15 token password's [x] {y} the (z)
<event> 0.5 100% user@host, 'quai 1' "q" --- http://vms:443/a"""


@given(st.lists(st.sampled_from(ORDINARY.split())))
def test_ordinary_words_in_any_order_are_unchanged(words: list[str]) -> None:
    text = " ".join(words)
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "a." * 100_000,
        "x://" * 50_000,
        "password" * 25_000,
        "password=" * 25_000,
        "<password " * 20_000,
        'password:"' + "\\" * 100_000,
        'token:\\"a' * 2_000,
        "Digest a= " * 20_000,
        "://a:" * 40_000,
        "TOKEN#" * 30_000,
        "eyJ." * 50_000,
    ],
    ids=lambda text: str(text)[:12],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 1.0


def test_values_are_redacted_wherever_they_are_nested() -> None:
    value = {
        "url": "https://u:Zq7@vms/",
        "nested": {"list": ["password=Zq7", b"token=Zq7", ("pwd=Zq7", 1)], "Authorization": "Zq7"},
        "error": ValueError("secret: Zq7"),
        "xprotect_password": ["Zq7"],
        "api-key": 77,
        "tokens": "Zq7",
    }
    redacted = redact_value(value)
    assert MARK not in str(redacted)
    assert isinstance(redacted, dict)
    assert redacted["api-key"] == HIDDEN
    assert json.dumps(redacted)


def test_harmless_values_keep_their_type_and_an_absent_secret_stays_absent() -> None:
    value = {"n": 1, "f": 0.5, "b": True, "none": None, "list": [1, "a"], "password": None, "secret_name": "x"}
    assert redact_value(value) == value
