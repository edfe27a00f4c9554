from __future__ import annotations

import os
import signal
import threading

import psutil
import pytest

from connectors.genetec.sdk import connector as connector_module
from connectors.genetec.sdk.connector import GenetecSdkConnector
from core.clock import SystemClock
from core.errors import ReplyLost, VmsError, VmsUnavailable
from tests.connectors.genetec import samples
from tests.connectors.genetec.sdk.center import CAMERA, Center, until
from tests.connectors.genetec.sdk.runtimes import DOWNLOAD_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DOWNLOAD_S + 60)]

KILL = signal.SIGTERM if os.name == "nt" else signal.SIGKILL


def child_of(connector: GenetecSdkConnector) -> psutil.Process:
    life = connector.bridge.life
    assert life is not None
    return psutil.Process(life.pid)


def answers(connector: GenetecSdkConnector) -> bool:
    try:
        return bool(connector.list_cameras())
    except VmsUnavailable:
        return False


def test_closing_logs_off_detaches_every_handler_and_ends_the_process_with_its_threads(center: Center) -> None:
    connector = center.connector()
    before = threading.active_count()
    connector.list_cameras()
    child = child_of(connector)
    connector.close()
    assert not child.is_running()
    assert center.rows("logoff") == [[]]
    assert center.rows("disposed") == [["True", "True"]]
    assert threading.active_count() == before
    with pytest.raises(VmsUnavailable):
        connector.list_cameras()


def test_a_killed_process_costs_the_question_under_way_and_a_new_one_is_started(center: Center) -> None:
    connector = center.connector()
    connector.list_cameras()
    center.fault("RaiseEvent", "hang-after")
    failures: list[VmsError] = []

    def publish() -> None:
        try:
            connector.publish(samples.delivery("event"), samples.alert(), CAMERA)
        except VmsError as error:
            failures.append(error)

    thread = threading.Thread(target=publish)
    thread.start()
    until(lambda: center.rows("event"), "the event is raised")
    os.kill(child_of(connector).pid, KILL)
    thread.join(20)
    assert isinstance(failures[0], ReplyLost)
    until(lambda: answers(connector), "a new process answers")
    assert connector.bridge.lives == 2
    assert connector.find(samples.delivery("event"), samples.alert(), CAMERA) is not None


def test_a_call_that_does_not_come_back_ends_the_process_and_cannot_take_effect_later(center: Center) -> None:
    connector = center.connector(timeout_s=1.0)
    connector.list_cameras()
    child = child_of(connector)
    center.fault("RaiseEvent", "hang")
    begun = SystemClock().monotonic()
    with pytest.raises(ReplyLost, match="raise an event"):
        connector.publish(samples.delivery("event"), samples.alert(), CAMERA)
    assert SystemClock().monotonic() - begun < 5
    assert not child.is_running()
    assert center.rows("event") == []


def test_a_slow_call_is_waited_for(center: Center) -> None:
    connector = center.connector()
    connector.list_cameras()
    center.fault("RaiseEvent", "slow", "500")
    connector.publish(samples.delivery("event"), samples.alert(), CAMERA)
    assert len(center.rows("event")) == 1


def test_a_directory_that_never_answers_the_log_on_is_given_up(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector_module, "LOGON_S", 1.0)
    with pytest.raises(VmsUnavailable, match="within 1 s"):
        center.connector(username="mute").list_cameras()


def test_while_the_directory_is_away_nothing_is_sent_and_the_same_process_goes_on_after(center: Center) -> None:
    connector = center.connector()
    connector.list_cameras()
    center.order("disconnect", 1000)
    until(lambda: not answers(connector), "the Directory is lost")
    with pytest.raises(VmsUnavailable, match="Directory") as raised:
        connector.publish(samples.delivery("event"), samples.alert(), CAMERA)
    assert not isinstance(raised.value, ReplyLost)
    until(lambda: answers(connector), "it is back")
    assert connector.bridge.lives == 1


def test_a_session_that_the_engine_will_not_take_up_again_is_followed_by_a_new_process(center: Center) -> None:
    connector = center.connector()
    connector.list_cameras()
    center.order("drop")  # the process may end before the stub says that it did it
    until(lambda: answers(connector) and connector.bridge.lives == 2, "a new process answers")


def test_a_child_whose_parent_is_gone_ends(center: Center) -> None:
    connector = center.connector()
    connector.list_cameras()
    child, life = child_of(connector), connector.bridge.life
    assert life is not None
    life._writer._stream.close()  # what the operating system does when a process is killed
    until(lambda: not child.is_running(), "the child ends")


def test_events_that_cannot_be_read_cost_nothing_but_themselves(each_center: Center) -> None:
    center = each_center
    connector = center.connector()
    connector.list_cameras()
    center.do("flood", 2000, 8, "Other")
    connector.publish(samples.delivery("event"), samples.alert(), CAMERA)
    life = connector.bridge.life
    assert life is not None
    until(lambda: life.handler_failures == 2000, "every failure is counted")
    assert connector.bridge.lives == 1
