from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.cli.measuring import Say, add_measuring_options, measured
from core.logs import configure_logging


@dataclass(frozen=True)
class Found:
    is_good: bool

    def as_json(self) -> dict[str, Any]:
        return {"lost": 0, "good": self.is_good}


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    yield
    configure_logging("info")


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_measuring_options(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(("is_good", "code"), [(True, 0), (False, 1)])
def test_a_limit_that_was_not_kept_is_exit_code_1(is_good: bool, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def measure(_: argparse.Namespace, folder: Path, say: Say) -> Found:
        assert folder.is_dir()
        say("half way")
        return Found(is_good)

    assert measured(parsed("--json"), measure) == code
    told = capsys.readouterr()
    assert json.loads(told.out) == {"lost": 0, "good": is_good}
    assert "half way" in told.err


def test_people_read_a_line_a_figure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert (
        measured(parsed("--keep", str(tmp_path / "kept")), lambda _arguments, _folder, _say: Found(is_good=False)) == 1
    )
    assert capsys.readouterr().out.splitlines() == ["lost: 0", "good: False", "NOT good"]
    assert (tmp_path / "kept").is_dir()
