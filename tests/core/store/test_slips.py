from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from core.errors import StoreError
from core.store import Store
from core.store.feedback import BY_HAND
from core.store.slips import Judgement, SlipBox
from core.types import Answer
from tests.core.store.alerts import NOW, alert
from tests.core.store.test_feedback import token_of, verdict

pytestmark = pytest.mark.slow

OBSERVED = alert()


def judgement(answer: Answer = Answer.FALSE, at: float = NOW + 60, alert_id: UUID = OBSERVED.alert_id) -> Judgement:
    return Judgement(alert_id=alert_id, answer=answer, at=at, by="Anne", comment="un reflet")


@pytest.fixture
def box(tmp_path: Path) -> SlipBox:
    return SlipBox(tmp_path / "verdicts")


def test_a_slip_waits_as_it_was_written(box: SlipBox) -> None:
    path = box.put(judgement())
    assert box.waiting() == {path: judgement()}


def test_a_folder_that_is_not_there_holds_no_slip(box: SlipBox) -> None:
    assert box.waiting() == {}


def test_a_slip_becomes_the_verdict_of_an_alert_that_no_vms_knows(store: Store, box: SlipBox) -> None:
    store.add_alert(OBSERVED, [])
    box.put(judgement())
    (kept,) = store.feedback.take_in(box)
    assert (kept.answer, kept.said_by, kept.said_at, kept.comment) == (Answer.FALSE, "Anne", NOW + 60, "un reflet")
    assert kept.vms_id == BY_HAND
    assert store.feedback.verdict(OBSERVED.alert_id) == kept
    assert box.waiting() == {}


def test_of_a_person_and_a_vms_the_later_word_stands(store: Store, box: SlipBox) -> None:
    token = token_of(store)
    store.feedback.judge("vms", verdict(token, Answer.TRUE, at=NOW + 90))
    box.put(judgement(Answer.FALSE, at=NOW + 60))
    assert store.feedback.take_in(box) == []
    box.put(judgement(Answer.FALSE, at=NOW + 120))
    assert len(store.feedback.take_in(box)) == 1


def test_a_slip_on_an_alert_that_was_erased_is_dropped(store: Store, box: SlipBox) -> None:
    box.put(judgement())
    assert store.feedback.take_in(box) == []
    assert box.waiting() == {}


def test_a_slip_that_the_database_refuses_waits_on(store: Store, box: SlipBox, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_given: Judgement) -> None:
        raise StoreError("the disk is full")

    box.put(judgement())
    monkeypatch.setattr(store.feedback, "judge_by_hand", refuse)
    with pytest.raises(StoreError):
        store.feedback.take_in(box)
    assert len(box.waiting()) == 1


@pytest.mark.parametrize("content", ["", "[]", "7", "{}", '{"alert": "x"}', "\udcff"])
def test_a_file_that_is_no_slip_is_left_alone_and_told_once(box: SlipBox, tmp_path: Path, content: str) -> None:
    box.put(judgement())
    stranger = tmp_path / "verdicts" / "stranger.json"
    stranger.write_bytes(content.encode(errors="surrogateescape"))
    with capture_logs() as logs:
        assert [len(box.waiting()) for _ in range(2)] == [1, 1]
    assert [line["path"] for line in logs] == [str(stranger)]
    assert stranger.exists()


def test_a_slip_that_is_being_written_is_no_slip_yet(box: SlipBox, tmp_path: Path) -> None:
    path = box.put(judgement())
    path.rename(path.with_suffix(".part"))
    assert box.waiting() == {}


def test_a_folder_that_takes_no_slip_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file") as refused:
        SlipBox(tmp_path / "file" / "verdicts").put(judgement())
    assert "account of the service" in refused.value.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_nobody_else_may_read_a_slip(box: SlipBox) -> None:
    path = box.put(judgement())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")
def test_what_root_leaves_belongs_to_the_account_of_the_service(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    path = SlipBox(tmp_path / "verdicts").put(judgement())
    assert (path.stat().st_uid, path.parent.stat().st_uid) == (12345, 12345)
