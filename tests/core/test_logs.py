from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from core.logs import LEVELS, OnceGate, configure_logging, current_level, describe


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for room in ("__main__", "analytics", "config", "connectors", "console", "core"):
        logging.getLogger(room).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def our_log(**bound: Any) -> Any:
    """A logger as a module of ours has it."""
    return structlog.get_logger("core.example", **bound)


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_utc_time_level_component_and_fields() -> None:
    stream = io.StringIO()
    configure_logging("info", stream=stream)
    our_log(component="outbox").info("sent", count=2, name="Gare Saint-Étienne")
    (line,) = lines_of(stream)
    assert list(line) == ["time", "level", "component", "event", "count", "name"]
    assert line["time"].endswith("Z")
    assert line["time"][10] == "T"
    assert (line["level"], line["component"], line["event"], line["count"]) == ("info", "outbox", "sent", 2)
    assert "Saint-Étienne" in stream.getvalue()


def test_a_terminal_gets_lines_for_people() -> None:
    stream = Terminal()
    configure_logging("info", stream=stream)
    our_log(component="outbox").warning("refused")
    assert "refused" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize(("json_wanted", "stream"), [(True, Terminal()), (False, io.StringIO())])
def test_the_form_may_be_chosen(json_wanted: bool, stream: io.StringIO) -> None:
    configure_logging("info", json=json_wanted, stream=stream)
    our_log().info("hello")
    assert stream.getvalue().startswith("{") is json_wanted


def test_by_default_logs_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    our_log().info("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "hello"


def test_configuring_again_replaces_the_first_configuration() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging("error", stream=first)
    configure_logging("info", stream=second)
    our_log().info("hello")
    assert first.getvalue() == ""
    assert len(lines_of(second)) == 1


@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_reaches_a_log_line(as_json: bool) -> None:
    stream = io.StringIO()
    configure_logging("debug", json=as_json, stream=stream)
    log = our_log(component="session")
    log.info("login password=Zq7", url="https://u:Zq7@vms", headers={"Authorization": "Basic Zq7Zq7Zq7"})
    log.info("login", password="Zq7", items=[{"token": "Zq7"}], error=ValueError("pwd=Zq7"))
    log.info("login %s", "secret=Zq7")
    logging.getLogger("zeep.transports").debug("HTTP Post: %s", "<Token>TOKEN#Zq7</Token>")
    logging.getLogger("urllib3").warning("retry", exc_info=ValueError("https://u:Zq7@vms"))
    try:
        int("connectiontoken=Zq7")
    except ValueError:
        log.exception("failed")
    assert "Zq7" not in stream.getvalue()
    assert stream.getvalue().count("***") >= 9
    assert "Traceback (most recent call last)" in stream.getvalue()


def test_lines_of_libraries_have_the_same_form() -> None:
    stream = io.StringIO()
    configure_logging("info", stream=stream)
    logging.getLogger("urllib3.connectionpool").warning("retrying in %d s", 3)
    (line,) = lines_of(stream)
    assert (line["component"], line["level"], line["event"]) == ("urllib3.connectionpool", "warning", "retrying in 3 s")


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["ours debug", "ours info", "theirs info", "theirs warning"]),
        ("info", ["ours info", "theirs warning"]),
        ("warning", ["theirs warning"]),
        ("error", []),
    ],
)
def test_libraries_are_heard_from_warning_on_except_at_debug(level: str, expected: list[str]) -> None:
    stream = io.StringIO()
    configure_logging(level, stream=stream)
    our_log().debug("ours debug")
    our_log().info("ours info")
    logging.getLogger("apscheduler").info("theirs info")
    logging.getLogger("apscheduler").warning("theirs warning")
    assert [line["event"] for line in lines_of(stream)] == expected


def test_text_from_outside_cannot_forge_a_line() -> None:
    stream = io.StringIO()
    configure_logging("info", json=False, stream=stream)
    our_log().info("camera says \n2026-01-01 [info] all is well \x1b[2J", name="a\r\nb")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_bound_context_is_carried_into_lines() -> None:
    stream = io.StringIO()
    configure_logging("info", stream=stream)
    with structlog.contextvars.bound_contextvars(camera="quai-1"):
        our_log().info("hello")
    assert lines_of(stream)[0]["camera"] == "quai-1"


def test_a_loss_is_told_once_until_it_is_over() -> None:
    with capture_logs() as events:
        gate = OnceGate(structlog.get_logger())
        assert gate.lost("xprotect", "no answer", port=443)
        assert not gate.lost("xprotect", "no answer", port=443)
        assert gate.lost("genetec", "no answer")
        assert gate.recovered("xprotect", "answers again")
        assert not gate.recovered("xprotect", "answers again")
        assert gate.lost("xprotect", "no answer")
    assert events == [
        {"event": "no answer", "port": 443, "log_level": "warning"},
        {"event": "no answer", "log_level": "warning"},
        {"event": "answers again", "times": 2, "log_level": "info"},
        {"event": "no answer", "log_level": "warning"},
    ]


def test_what_was_never_lost_does_not_recover() -> None:
    with capture_logs() as events:
        assert not OnceGate(structlog.get_logger()).recovered("xprotect", "answers again")
    assert events == []


def test_many_threads_tell_a_loss_once() -> None:
    told: list[bool] = []
    barrier = threading.Barrier(8, timeout=10)
    with capture_logs() as events:
        gate = OnceGate(structlog.get_logger())

        def lose() -> None:
            barrier.wait()
            told.append(gate.lost("xprotect", "no answer"))

        threads = [threading.Thread(target=lose) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert sorted(told) == [False] * 7 + [True]
    assert len(events) == 1


def test_an_unexpected_error_is_described_in_one_redacted_line() -> None:
    assert describe(ValueError("a\n password=Zq7")) == "ValueError: a  password=***"
    assert describe(KeyError("x")) == "KeyError: 'x'"


@pytest.mark.parametrize("level", LEVELS)
def test_the_level_in_force_can_be_handed_on(level: str) -> None:
    configure_logging(level)
    assert current_level() == level
