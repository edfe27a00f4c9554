"""What is wrong with a settings file, one line for each problem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Location: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of the document down to a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend. ``line`` is 0 and ``path`` empty where the whole file is meant."""

    file: Path
    message: str
    line: int = 0
    path: str = ""
    remedy: str = ""

    def text(self) -> str:
        """The one line a person sees: ``site.yaml:23: cameras[0].id: is missing. Add it.``."""
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        parts = [place, self.path, self.message] if self.path else [place, self.message]
        line = ": ".join(parts)
        return f"{line}. {self.remedy}" if self.remedy else line


class SettingsProblems(Exception):
    """A settings file is wrong; ``problems`` tells all of it, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.path)))
        super().__init__("\n".join(problem.text() for problem in self.problems))


def path_text(location: Sequence[str | int]) -> str:
    """A location as people read it: ``cameras[0].rules[1].dwell_s``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")
