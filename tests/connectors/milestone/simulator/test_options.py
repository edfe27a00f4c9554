from __future__ import annotations

import argparse

import pytest

from connectors.milestone.simulator.options import Options, add_arguments


def _options(*arguments: str) -> Options:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return Options.of(parser.parse_args(arguments))


def test_nobody_but_the_basic_user_may_log_in_and_nothing_is_recorded_unless_said() -> None:
    options = _options()
    assert (options.windows, options.clients, options.recorded_s) == (None, {}, 0.0)


def test_accounts_and_recording_are_read() -> None:
    options = _options(
        *("--windows-user", "CORP\\guard", "--windows-password", "x", "--client", "a=b=c"),
        *("--recorded-seconds", "60", "--recording-gap", "30-10.5"),
    )
    assert options.windows is not None
    assert (options.windows.full_name, options.windows.password) == ("CORP\\guard", "x")
    assert (options.clients, options.recorded_s, options.recording_gap) == ({"a": "b=c"}, 60.0, (30.0, 10.5))


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--client", "a", "two parts"),
        ("--client", "=b", "two parts"),
        ("--recording-gap", "10-30", "longer ago"),
        ("--recording-gap", "x-1", "not a number of seconds"),
        ("--port", "65536", "not a port"),
        ("--recorder-port", "https", "not a port"),
        ("--event-port", "9090.0", "not a port"),
        ("--alarm-port=-1", "", "not a port"),
        ("--bridge-port", "1e3", "not a port"),
        ("--jwt-seconds", "0", "more than 0"),
        ("--soap-seconds", "inf", "more than 0"),
        ("--slow-seconds", "nan", "0 or more"),
        ("--recycle-every", "0", "more than 0"),
        ("--ess-state-seconds", "soon", "not a number of seconds"),
        ("--drop-share", "1.5", "within 0 to 1"),
        ("--drop-share", "half", "within 0 to 1"),
        ("--allow-address", "vms.site.local", "not an IP address"),
        ("--event-retention-days=-1", "", "whole number"),
        ("--analytics-event", " ", "must not be empty"),
    ],
)
def test_what_makes_no_sense_is_refused(option: str, value: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _options(option, *filter(None, [value]))
    text = " ".join(capsys.readouterr().err.split())
    assert f"argument {option.partition('=')[0]}:" in text
    assert told in text
