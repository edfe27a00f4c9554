from __future__ import annotations

import pickle

import pytest

from core import errors
from core.errors import ReplyLost, SettingsError, UsageError, VigieError, VmsError, VmsRefused, VmsUnavailable

ALL = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, VigieError)]


def test_one_line_says_what_happened_and_what_to_do() -> None:
    assert VigieError("no answer", remedy="Start it.").line() == "no answer. Start it."
    assert VigieError("no answer").line() == "no answer"


@pytest.mark.parametrize("error", ALL)
def test_only_wrong_use_exits_with_2(error: type[VigieError]) -> None:
    assert error.exit_code == (2 if issubclass(error, SettingsError | UsageError) else 1)


@pytest.mark.parametrize(
    ("error", "recovers"),
    [
        (errors.VmsUnavailable, True),
        (errors.ReplyLost, True),
        (errors.NotYetTaken, True),
        (errors.ProtocolViolation, True),
        (errors.VmsRefused, False),
        (errors.AuthenticationRefused, False),
        (errors.NotFoundInVms, False),
        (errors.RequestInvalid, False),
        (errors.CertificateRejected, False),
    ],
)
def test_every_vms_error_says_whether_waiting_helps(error: type[VmsError], recovers: bool) -> None:
    assert error.recovers is recovers


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.VmsUnavailable, "unreachable"),
        (errors.TimedOut, "timed_out"),
        (errors.ReplyLost, "timed_out"),
        (errors.StreamStalled, "stalled"),
        (errors.MulticastLost, "multicast_lost"),
        (errors.StreamEnded, "ended"),
        (errors.ClockSetBack, "clock_jumped"),
        (errors.NotFoundInVms, "refused"),
        (errors.RightMissing, "refused"),
        (errors.AuthenticationRefused, "authentication"),
        (errors.CertificateRejected, "tls"),
        (errors.ProtocolViolation, "protocol"),
    ],
)
def test_every_vms_error_has_the_code_of_what_it_does_to_a_stream(error: type[VmsError], code: str) -> None:
    assert error.fault == code


def test_a_lost_reply_is_told_from_a_request_without_effect_and_neither_is_a_refusal() -> None:
    assert issubclass(ReplyLost, VmsUnavailable)
    assert not issubclass(VmsUnavailable, VmsRefused)


@pytest.mark.parametrize("error", ALL)
def test_an_error_survives_the_way_from_a_worker_process(error: type[VigieError]) -> None:
    copy = pickle.loads(pickle.dumps(error("no answer", remedy="Start it.")))
    assert type(copy) is error
    assert copy.line() == "no answer. Start it."


def test_the_tree_in_the_documentation_names_every_error() -> None:
    assert errors.__doc__ is not None
    assert [error.__name__ for error in ALL if error.__name__ not in errors.__doc__] == []
