from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.genetec.access.query import call, encoded, escaped, one_line

TEXTS = st.text(st.characters(exclude_characters="#", exclude_categories=["Cs"]))


def arguments_of(query: str) -> tuple[str, list[str]]:
    """Reads ``Method(a,b)`` as the mini-language is described: a backslash takes the meaning from the next sign."""
    method, rest = query.split("(", 1)
    values, current, position = [], "", 0
    while (char := rest[position]) != ")":
        if char == "\\":
            position += 1
            current += rest[position]
        elif char == ",":
            values.append(current)
            current = ""
        else:
            assert char not in "=@*{}(", f"a bare {char!r} would be read as structure"
            current += char
        position += 1
    assert position == len(rest) - 1
    return method, [*values, current]


@given(st.lists(TEXTS, min_size=1, max_size=4))
@example(["a,b", "\\", ")", "Hi\\, all", "é(€)"])
def test_a_reader_of_the_language_gets_every_text_back(texts: list[str]) -> None:
    query = call("AddCameraBookmark", *map(escaped, texts))
    assert arguments_of(unquote(encoded(query))) == ("AddCameraBookmark", texts)


@given(TEXTS)
def test_an_encoded_query_is_plain_ascii_that_cannot_leave_its_parameter(text: str) -> None:
    query = encoded(escaped(text))
    assert query.isascii()
    assert not set(query) & set(' #&?/+"<>\r\n')


@given(st.text(), st.integers(1, 50))
def test_one_line_is_printable_bounded_and_free_of_number_signs(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert line.isprintable()
    assert "#" not in line
    assert len(line) <= limit


@pytest.mark.parametrize(
    ("text", "line"),
    [("Porte #3", "Porte No 3"), ("a\r\nb\tc", "a b c"), ("  quai  ", "quai"), ("x" * 99, "x" * 50)],
)
def test_one_line_keeps_what_people_read(text: str, line: str) -> None:
    assert one_line(text, 50) == line


def test_structure_stays_readable_as_in_the_samples() -> None:
    query = call("TimeRange.SetTimeRange", "2026-11-20T10:15:30.120Z", "2026-11-20T10:16:30.120Z")
    assert encoded(f"EntityTypes@Camera,{query}") == f"EntityTypes@Camera,{query}"
