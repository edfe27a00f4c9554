from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.milestone.control.verdict_words import Judge, token_in
from connectors.milestone.settings import VerdictSettings
from core.types import Answer

JUDGE = Judge(VerdictSettings())
TOKEN = "vigie:0123456789abcdef0123"


@pytest.mark.parametrize(
    ("state", "others", "answer"),
    [
        ("New", ["", ""], None),
        ("In progress", ["", "Intrusion"], None),
        ("Closed", ["", ""], Answer.UNKNOWN),
        ("FERMÉE", ["", ""], Answer.UNKNOWN),
        ("Fermee", ["", ""], None),
        ("Rejected", ["", ""], Answer.UNKNOWN),
        ("Closed", ["False alarm", ""], Answer.FALSE),
        ("Closed", ["true  ALARM", ""], Answer.TRUE),
        ("In progress", ["", "Fausse alarme"], Answer.FALSE),
        ("Confirmed", ["", ""], Answer.TRUE),
        ("Closed", ["True alarm", "False alarm"], Answer.TRUE),
        ("Closed", ["Not confirmed", ""], Answer.UNKNOWN),
        ("Closed", [unicodedata.normalize("NFD", "Alarme réelle"), ""], Answer.TRUE),
        ("Closed", ["Alarme reelle", ""], Answer.UNKNOWN),
    ],
)
def test_a_verdict_is_read_from_whole_phrases(state: str, others: list[str], answer: Answer | None) -> None:
    assert JUDGE.answer(state, others) == answer


def test_the_sites_own_words_are_understood() -> None:
    words = VerdictSettings.model_validate({"true": ["Intrusion avérée"], "false": ["Chat"], "closed": ["Terminé"]})
    judge = Judge(words)
    assert judge.answer("terminé", ["chat"]) is Answer.FALSE
    assert judge.answer("closed", ["false alarm"]) is None
    assert judge.is_closed("TERMINÉ")


@pytest.mark.parametrize(
    ("texts", "token"),
    [
        (("", f"Intrusion on Quai 1 {TOKEN}"), TOKEN),
        ((TOKEN, ""), TOKEN),
        (("vigie:xyz", "vigie:0123"), ""),
        ((f"{TOKEN}4", ""), ""),
        ((), ""),
    ],
)
def test_the_token_is_found_in_any_text(texts: tuple[str, ...], token: str) -> None:
    assert token_in(*texts) == token


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_is_judged_without_error(state: str, others: list[str]) -> None:
    assert JUDGE.answer(state, others) in {None, *Answer}


@given(st.text(), st.text(alphabet="\n vigie:0123456789ghi"))
def test_the_token_is_found_amid_any_text(before: str, after: str) -> None:
    assert token_in(f"{before}{TOKEN} {after}") == TOKEN
