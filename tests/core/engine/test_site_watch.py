from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.model import SiteSettings
from config.problems import Problem, SettingsProblems
from core.engine.reload import Change, change
from core.engine.site_watch import COMPONENT, SiteWatch
from core.errors import VigieError
from core.health import HealthBoard
from core.types import HealthLevel
from tests.core.engine.sites import camera, site


class Bench:
    """A site file whose text is the names of the cameras, or ``!`` and what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.running = site(camera("a"))
        self.applied: list[Change] = []
        self.health = HealthBoard()
        self.while_loading: Callable[[], None] = lambda: None
        self.write("a")
        self.watch = SiteWatch(path, load=self.load, apply=self.apply, health=self.health)

    def write(self, text: str) -> None:
        self.path.write_text(text, encoding="utf-8")

    def load(self) -> SiteSettings:
        self.while_loading()
        if not self.path.exists():
            raise VigieError(f"{self.path} cannot be read")
        text = self.path.read_text(encoding="utf-8")
        if text.startswith("!"):
            problems = [
                Problem(file=self.path, line=line, message=what) for line, what in enumerate(text[1:].split(), 1)
            ]
            raise SettingsProblems(problems)
        return site(*(camera(name) for name in text.split()), folder=Path("other" if "x" in text else "var"))

    def apply(self, wanted: SiteSettings) -> Change:
        done = change(self.running, wanted)
        self.running = done.site
        self.applied.append(done)
        return done

    def look(self, times: int = 2) -> list[tuple[str, ...]]:
        """What was added by these looks."""
        before = len(self.applied)
        for _ in range(times):
            self.watch.look()
        return [done.added for done in self.applied[before:]]

    def settings_health(self) -> tuple[HealthLevel, str] | None:
        return next(((one.level, one.cause) for one in self.health.all() if one.component == COMPONENT), None)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "site.yaml")


def test_a_file_that_nobody_touched_is_not_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda _path: pytest.fail("read"))
    assert bench.look(5) == []


def test_a_change_is_taken_up_once_when_two_looks_find_the_same(bench: Bench) -> None:
    bench.write("a b")
    assert bench.look(1) == []
    with capture_logs() as logs:
        assert bench.look(5) == [("b",)]
    assert [(line["event"], line["added"]) for line in logs] == [("settings changed", ("b",))]
    assert bench.settings_health() == (HealthLevel.GREEN, "")


def test_a_file_that_is_being_written_is_waited_for(bench: Bench) -> None:
    for text in ("a b", "a b c", "a b c d"):
        bench.write(text)
        assert bench.look(1) == []
    assert bench.look() == [("b", "c", "d")]


@pytest.mark.parametrize("text", ["a b c", "!wrong"])
def test_a_file_that_changes_while_it_is_read_is_read_again(bench: Bench, text: str) -> None:
    bench.write(text)
    bench.while_loading = lambda: bench.write("a z")
    assert bench.look() == []
    bench.while_loading = lambda: None
    assert bench.look(3) == [("z",)]
    assert bench.settings_health() == (HealthLevel.GREEN, "")


def test_a_file_touched_without_a_change_changes_nothing(bench: Bench) -> None:
    bench.write("a")
    assert bench.look(3) == []
    assert bench.settings_health() is None


def test_settings_that_are_wrong_are_refused_once_with_their_first_problem_and_mended_ones_taken(bench: Bench) -> None:
    bench.write("!first second")
    with capture_logs() as logs:
        assert bench.look(5) == []
    assert [line["log_level"] for line in logs if line["event"] == "the changed site file is refused"] == ["error"]
    cause = f"{bench.path}:1: first (and 1 more); the settings of before stay in force"
    assert bench.settings_health() == (HealthLevel.YELLOW, cause)
    bench.write("a")
    assert bench.look() == [()]
    assert bench.settings_health() == (HealthLevel.GREEN, "")


def test_a_file_that_is_gone_changes_nothing_and_is_said(bench: Bench) -> None:
    bench.path.unlink()
    assert bench.look(3) == []
    health = bench.settings_health()
    assert health is not None
    assert health[0] is HealthLevel.YELLOW
    assert "cannot be read" in health[1]


def test_what_needs_a_restart_is_said_until_it_is_taken_back(bench: Bench) -> None:
    bench.write("a x")
    assert bench.look() == [("x",)]
    cause = "not taken up while it runs: storage. Restart Vigie for this; everything else is in force."
    assert bench.settings_health() == (HealthLevel.YELLOW, cause)
    bench.write("a")
    bench.look()
    assert bench.settings_health() == (HealthLevel.GREEN, "")
