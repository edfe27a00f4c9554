from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from core.cli.main import main
from core.store.slips import Judgement
from core.store.watches import WatchedRule
from core.types import Answer, RuleState
from tests.core.cli.observed_site import ObservedSite, install_kinds
from tests.core.qualification.samples import FALSE, TRUE, observed
from tests.core.store.alerts import NOW
from tests.core.store.conftest import server, url

pytestmark = pytest.mark.slow

__all__ = ["server", "url"]


@pytest.fixture
def site(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> ObservedSite:
    install_kinds(monkeypatch)
    return ObservedSite(tmp_path, url)


def fill(site: ObservedSite, *answers: Answer | None) -> None:
    with closing(site.open()) as store:
        store.watches.extend([WatchedRule("a", "zone", RuleState.OBSERVE)], NOW - 60, NOW + 7140)
        for place, answer in enumerate(answers):
            alert = observed(100.0 * place)
            store.add_alert(alert, [])
            if answer is not None:
                said_at = NOW + 100.0 * place + 50
                store.feedback.judge_by_hand(Judgement(alert_id=alert.alert_id, answer=answer, at=said_at, by="Anne"))


def test_an_observed_rule_is_shown_with_its_figures(site: ObservedSite, capsys: pytest.CaptureFixture[str]) -> None:
    fill(site, *[TRUE] * 35, None)
    code, document = site.run(capsys, "qualify", "--json")
    (rule,) = document["rules"]
    assert (code, document["limit"], document["findings"]) == (0, 0.1, 0)
    assert (rule["camera"], rule["rule"], rule["state"]) == ("a", "zone", "observe")
    assert (rule["standing"], rule["advice"]) == ("qualified", "it may be armed")
    assert (rule["watched_h"], rule["alerts_per_hour"]) == ({"observe": 2.0, "armed": 0.0}, 18.0)


@pytest.mark.parametrize(("state", "code"), [("observe", 0), ("armed", 1)])
def test_too_many_false_alerts_are_a_finding_once_the_rule_is_armed(
    site: ObservedSite, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    fill(site, *[TRUE] * 8, *[FALSE] * 4)
    site.write(state)
    found, document = site.run(capsys, "qualify", "--json")
    assert (found, document["findings"]) == (code, code)


def test_the_service_may_run_meanwhile(site: ObservedSite, capsys: pytest.CaptureFixture[str]) -> None:
    fill(site, TRUE)
    with closing(site.open()) as owner:
        assert site.run(capsys, "qualify", "--json")[0] == 0
        assert owner.add_alert(observed(5000.0), [])


def test_text_has_a_line_for_the_rule_its_advice_and_each_threshold(
    site: ObservedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(site, TRUE, FALSE, None)
    assert main(["qualify", str(site.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a\tzone\tobserve\t3\t2.00\t1.50\t1\t1\t0\t1\t50% (9% to 91%)"
    assert lines[1].startswith("a/zone\tnot enough verdicts (1 wait for one): 51 more")
    assert lines[2] == "min_confidence\t0\tpresent\t3\t0\t0\t1\t1\t0\t50% (9% to 91%)"
    assert lines[-1] == "cooldown_s\t300\texact\t1\t2\t0\t1\t0\t0\t0% (0% to 79%)"


def test_hours_that_nobody_wrote_down_are_unknown(site: ObservedSite, capsys: pytest.CaptureFixture[str]) -> None:
    site.open().close()
    assert main(["qualify", str(site.path)]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line == "a\tzone\tobserve\t0\tunknown\tunknown\t0\t0\t0\t0\tunknown"


def test_since_is_read_on_the_sites_clock(site: ObservedSite, capsys: pytest.CaptureFixture[str]) -> None:
    fill(site, *[TRUE] * 4)  # from 23:13:20 in Paris, each 100 s
    _, document = site.run(capsys, "qualify", "--json", "--since", "2023-11-14T23:16:00")
    assert document["rules"][0]["alerts"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--camera", "c"], "has no camera 'c'. Its cameras: a, b."),
        (["--rule", "other"], "no rule 'other' that raises alerts. Rules: zone."),
        (["--camera", "b", "--rule", "zone"], "no rule 'zone' that raises alerts. Rules: none."),
        (["--since", "yesterday"], "'yesterday' is not a time"),
    ],
)
def test_what_the_site_does_not_have_is_wrong_use(
    site: ObservedSite, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    site.open().close()
    code, error = site.run(capsys, "qualify", *words)
    assert code == 2
    assert said in error


def test_before_the_first_start_there_is_nothing_to_qualify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_kinds(monkeypatch)
    site = ObservedSite(tmp_path, f"sqlite:///{(tmp_path / 'vigie.db').as_posix()}")
    code, error = site.run(capsys, "qualify")
    assert code == 1
    assert "there is no database" in error
