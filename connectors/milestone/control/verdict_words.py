"""What an operator's words on an alarm say of the alert behind it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from connectors.milestone.settings import VerdictSettings
from core.types import Answer

TOKEN_MARK = "vigie:"  # noqa: S105 - begins the token of a delivery, which is no secret
_TOKEN = re.compile(r"vigie:[0-9a-f]{20}(?![0-9a-f])")


def token_in(*texts: str) -> str:
    """The delivery's token in one of these texts, the first that has one; empty where none has."""
    found = (_TOKEN.search(text) for text in texts)
    return next((match.group() for match in found if match is not None), "")


class Judge:
    """Compares whole phrases in any case; accents count, however they are composed."""

    def __init__(self, words: VerdictSettings) -> None:
        self._answers = {
            **{_folded(phrase): Answer.TRUE for phrase in words.is_true},
            **{_folded(phrase): Answer.FALSE for phrase in words.is_false},
        }
        self._closed = frozenset(map(_folded, words.closed))

    def answer(self, state: str, others: Iterable[str]) -> Answer | None:
        """The verdict, or None while there is none.

        ``others`` (reason for closing, category …) are weighed in their order, the name of the state last. An alarm that
        ended without a word of the settings is an unknown verdict.
        """
        for text in (*others, state):
            answer = self._answers.get(_folded(text))
            if answer is not None:
                return answer
        return Answer.UNKNOWN if self.is_closed(state) else None

    def is_closed(self, state: str) -> bool:
        """Whether a state of that name ends an alarm: by itself, or by giving a verdict."""
        return _folded(state) in self._closed or _folded(state) in self._answers


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
