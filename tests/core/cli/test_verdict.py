from __future__ import annotations

import getpass
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.cli.main import main
from core.engine.books import take_in
from core.store.feedback import Verdict
from core.store.slips import SlipBox
from core.types import Alert, Answer
from tests.core.cli.observed_site import ObservedSite, install_kinds
from tests.core.qualification.samples import observed
from tests.core.store.conftest import server, url

pytestmark = pytest.mark.slow

__all__ = ["server", "url"]

JPEG = cv2.imencode(".jpg", np.full((90, 160, 3), 128, np.uint8))[1].tobytes()
FIRST, SECOND = observed(0, snapshot_jpeg=JPEG), observed(100)

BUSY_OWNER = """
import sys
from core.clock import SystemClock
from core.store import Store
from tests.core.qualification.samples import observed
store = Store.open(sys.argv[1], clock=SystemClock())
print("owned", flush=True)
for number in range(400):
    store.add_alert(observed(1000.0 + number), [])
print("written", flush=True)
sys.stdin.read()
store.close()
"""


@pytest.fixture
def site(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> ObservedSite:
    install_kinds(monkeypatch)
    made = ObservedSite(tmp_path, url)
    with closing(made.open()) as store:
        for alert in (FIRST, SECOND):
            store.add_alert(alert, [])
    return made


def kept(site: ObservedSite, alert: Alert = FIRST) -> Verdict:
    with closing(site.open()) as store:
        verdict = store.feedback.verdict(alert.alert_id)
    assert verdict is not None
    return verdict


def test_a_verdict_says_who_when_and_why(site: ObservedSite, capsys: pytest.CaptureFixture[str]) -> None:
    words = (str(FIRST.alert_id), "false", "--comment", "un reflet", "--by", "Anne", "--json")
    code, document = site.run(capsys, "verdict", *words)
    assert (code, document["taken_in"]) == (0, True)
    assert [(item["alert"], item["answer"], item["by"]) for item in document["judged"]] == [
        (str(FIRST.alert_id), "false", "Anne")
    ]
    verdict = kept(site)
    assert (verdict.answer, verdict.said_by, verdict.comment) == (Answer.FALSE, "Anne", "un reflet")


def test_who_judges_is_this_account_and_the_later_word_stands(
    site: ObservedSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "marc")
    for answer in ("false", "true"):
        assert site.run(capsys, "verdict", FIRST.alert_id.hex[:8], answer)[0] == 0
    assert (kept(site).answer, kept(site).said_by) == (Answer.TRUE, "marc")


def test_a_nameless_account_must_say_who_judges(
    site: ObservedSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError("uid")

    monkeypatch.setattr(getpass, "getuser", nameless)
    code, error = site.run(capsys, "verdict", str(FIRST.alert_id), "true")
    assert code == 2
    assert "Say with --by who judges" in error


def test_while_a_service_runs_the_verdict_waits_for_it_and_counts_at_once(
    site: ObservedSite, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with closing(site.open()) as owner:
        _, document = site.run(capsys, "verdict", str(FIRST.alert_id), "true", "--by", "Anne", "--json")
        assert document["taken_in"] is False
        assert owner.feedback.verdicts() == []
        _, listed = site.run(capsys, "verdict", "--json")
        assert [item["alert"] for item in listed["unjudged"]] == [str(SECOND.alert_id)]
        _, qualified = site.run(capsys, "qualify", "--json")
        assert qualified["rules"][0]["verdicts"] == {"true": 1, "false": 0, "unknown": 0, "none": 1}
        assert len(take_in(owner, SlipBox(tmp_path / "var" / "verdicts"))) == 1
    assert kept(site).answer is Answer.TRUE


@pytest.mark.slow
def test_verdicts_on_a_database_that_another_process_is_writing_lose_nothing(
    site: ObservedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", BUSY_OWNER, site.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "owned\n"
        for alert, answer in ((FIRST, "true"), (SECOND, "false"), (FIRST, "false")):
            assert site.run(capsys, "verdict", str(alert.alert_id), answer, "--by", "Anne")[0] == 0
        assert owner.stdout.readline() == "written\n"
        owner.communicate(timeout=20)
    code, document = site.run(capsys, "verdict", str(FIRST.alert_id), "true", "--by", "Marc", "--json")
    assert (code, document["taken_in"]) == (0, True)
    assert (kept(site).said_by, kept(site, SECOND).answer) == ("Marc", Answer.FALSE)
    with closing(site.open()) as store:
        assert len(store.alerts(limit=None)) == 402


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0123456789", "true"], "there is no alert '0123456789'"),
        (["", "true"], "does not name one alert"),
        ([FIRST.alert_id.hex[:5], "true"], "does not name one alert"),
        ([str(FIRST.alert_id)], "an alert needs an answer. Write one of true, false, unknown behind its id."),
        ([str(FIRST.alert_id), "maybe"], "invalid choice"),
        ([str(FIRST.alert_id), "true", "--sorted", "x"], "either one alert is judged or what was sorted"),
        (["--sorted", "nowhere"], "none of the folders"),
    ],
)
def test_what_cannot_be_judged_is_wrong_use(
    site: ObservedSite, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, error = site.run(capsys, "verdict", *words)
    assert code == 2
    assert said in error


def test_alerts_that_nobody_judged_are_listed_with_their_pictures(
    site: ObservedSite, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, document = site.run(capsys, "verdict", "--stills", tmp_path / "stills", "--json")
    assert (code, document["total"]) == (0, 2)
    newest, oldest = document["unjudged"]
    assert (newest["alert"], newest["still"]) == (str(SECOND.alert_id), None)
    assert Path(oldest["still"]).read_bytes()[:2] == b"\xff\xd8"
    assert (oldest["camera"], oldest["rule"], oldest["state"], oldest["captured"]) == (
        "a",
        "zone",
        "observe",
        "2023-11-14T22:13:20.000Z",
    )
    assert oldest["objects"][0]["label"] == "person"


def test_the_list_is_cut_and_chosen_as_asked(site: ObservedSite, capsys: pytest.CaptureFixture[str]) -> None:
    _, latest = site.run(capsys, "verdict", "--limit", "1", "--json")
    assert ([item["alert"] for item in latest["unjudged"]], latest["total"]) == ([str(SECOND.alert_id)], 2)
    _, later = site.run(capsys, "verdict", "--since", "2023-11-14T22:14:00Z", "--rule", "zone", "--json")
    assert later["total"] == 1
    _, other = site.run(capsys, "verdict", "--camera", "b", "--json")
    assert other["unjudged"] == []


def test_alerts_closed_without_saying_are_listed_on_demand(
    site: ObservedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    site.run(capsys, "verdict", str(FIRST.alert_id), "unknown", "--by", "Anne")
    assert site.run(capsys, "verdict", "--json")[1]["total"] == 1
    assert site.run(capsys, "verdict", "--unknown", "--json")[1]["total"] == 2


def test_a_folder_that_was_sorted_is_judged_and_again_only_where_it_changed(
    site: ObservedSite, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stills = tmp_path / "stills"
    site.run(capsys, "verdict", "--stills", stills)
    (picture,) = stills.glob("*.jpg")
    gone = observed(999)
    (stills / "true").mkdir()
    (stills / "true" / f"a_zone_x_{gone.alert_id}.jpg").write_bytes(b"")
    (stills / "false").mkdir()
    picture.rename(stills / "false" / picture.name)
    _, first = site.run(capsys, "verdict", "--sorted", stills, "--by", "Anne", "--json")
    assert [(item["alert"], item["answer"]) for item in first["judged"]] == [(str(FIRST.alert_id), "false")]
    assert first["gone"] == [str(gone.alert_id)]
    _, again = site.run(capsys, "verdict", "--sorted", stills, "--by", "Marc", "--json")
    assert (again["judged"], again["unchanged"]) == ([], 1)
    assert kept(site).said_by == "Anne"


def test_text_says_who_judged_what_and_lists_the_rest(site: ObservedSite, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verdict", str(site.path), str(FIRST.alert_id), "true", "--by", "Anne"]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{FIRST.alert_id}\ta\tzone\t2023-11-14T22:13:20.000Z\ttrue\n"
    assert "1 judged by Anne, 0 as before" in captured.err
    assert main(["verdict", str(site.path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{SECOND.alert_id}\ta\tzone\t2023-11-14T22:15:00.000Z\tobserve\t\n"
    assert "1 of 1 alerts that nobody judged" in captured.err
