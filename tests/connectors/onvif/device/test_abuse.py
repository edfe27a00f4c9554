"""The whole device in a process of its own, and strangers; the large run is ``python -m …abuse`` with figures of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.connectors.onvif.device.abuse import (
    Target,
    ask_and_leave,
    bystander,
    connected,
    fuzz_heads,
    fuzz_requests,
    open_and_leave,
    outcome,
    pipeline,
    running_device,
    session,
)
from tests.connectors.onvif.device.damage import valid_requests

pytestmark = pytest.mark.slow

MAX_GROWTH_MB = 100
"""128 newcomers may hold 256 KiB of TLS buffers each, and the allocator keeps as much again."""


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tls"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running_device(tmp_path_factory.mktemp("device"), tls=request.param) as running:
        yield running


def test_damaged_requests_get_faults_and_meet_no_defect(target: Target) -> None:
    fuzz_requests(target, 50, seed=0)
    before = target.rss_mb
    outcomes = fuzz_requests(target, 400)
    assert not [outcome for outcome in outcomes if outcome.startswith("no answer") or outcome.endswith("ter:Action")]
    assert {"400 ter:WellFormed", "401 ter:NotAuthorized", "200"} <= set(outcomes)
    assert target.rss_mb - before < MAX_GROWTH_MB


def test_damaged_http_is_refused_or_waited_for_and_others_are_served(target: Target) -> None:
    with bystander(target) as seen:
        outcomes = fuzz_heads(target, 60)
    assert sum(outcomes.values()) > 50
    assert not [outcome for outcome in outcomes if " 500" in outcome]
    assert not seen.failures


def test_connections_that_were_opened_and_left_shut_nobody_out(target: Target) -> None:
    before = target.rss_mb
    with ExitStack() as held, bystander(target, every_s=0.01) as seen:
        for client in open_and_leave(target, 800):
            held.callback(client.close)
        with connected(target) as late:
            assert late.fileno() >= 0
    assert seen.waits_s
    assert not seen.failures
    assert target.rss_mb - before < MAX_GROWTH_MB


def test_connections_that_asked_once_without_a_password_shut_nobody_out(target: Target) -> None:
    before = target.rss_mb
    with ExitStack() as held, bystander(target, every_s=0.01) as seen:
        for client in ask_and_leave(target, 600):
            held.callback(client.close)
        with session(target, source="127.0.0.3") as late:  # the VMS, which comes back just now
            assert outcome(late, target, next(iter(valid_requests())).encode()) == "200"
    assert seen.waits_s
    assert not seen.failures
    assert target.rss_mb - before < MAX_GROWTH_MB


def test_who_reads_no_answer_costs_little_and_others_are_served(target: Target) -> None:
    before = target.rss_mb
    with ExitStack() as held, bystander(target, every_s=0.01) as seen:
        for client in pipeline(target, 4):
            held.callback(client.close)
    assert seen.waits_s
    assert not seen.failures
    assert target.rss_mb - before < MAX_GROWTH_MB


def test_arguments_that_belong_elsewhere_are_no_defect_of_any_operation(target: Target) -> None:
    with session(target) as client:
        outcomes = [outcome(client, target, text.encode()) for text in valid_requests()]
    assert len(outcomes) > 40
    assert not [text for text in outcomes if text.startswith(("401", "no answer")) or text.endswith("ter:Action")]
