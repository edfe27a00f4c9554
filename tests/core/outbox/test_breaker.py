from __future__ import annotations

from core.outbox.breaker import BreakerState, CircuitBreaker


def opened() -> CircuitBreaker:
    breaker = CircuitBreaker(failures_to_open=3, first_hold_s=5.0, longest_hold_s=30.0)
    for _ in range(3):
        breaker.failed(0.0)
    return breaker


def test_it_lets_everything_through_until_failures_follow_each_other() -> None:
    breaker = CircuitBreaker(failures_to_open=3)
    for _ in range(10):
        breaker.failed(0.0)
        breaker.failed(0.0)
        assert breaker.state(0.0) is BreakerState.CLOSED
        assert breaker.wait_s(0.0) == 0.0
        assert not breaker.succeeded()


def test_it_opens_after_enough_failures_then_lets_one_probe_through() -> None:
    breaker = opened()
    assert (breaker.state(4.0), breaker.wait_s(4.0)) == (BreakerState.OPEN, 1.0)
    assert (breaker.state(5.0), breaker.wait_s(5.0)) == (BreakerState.HALF_OPEN, 0.0)


def test_a_failed_probe_holds_twice_as_long_up_to_a_limit() -> None:
    breaker = opened()
    now, holds = 5.0, []
    for _ in range(5):
        breaker.failed(now)
        holds.append(breaker.wait_s(now))
        now += holds[-1]
    assert holds == [10.0, 20.0, 30.0, 30.0, 30.0]


def test_a_successful_probe_closes_it_and_forgets_the_past() -> None:
    breaker = opened()
    breaker.failed(5.0)
    assert breaker.succeeded()
    assert breaker.state(5.0) is BreakerState.CLOSED
    for _ in range(3):
        breaker.failed(6.0)
    assert breaker.wait_s(6.0) == 5.0


def test_it_can_be_tripped_at_once() -> None:
    breaker = CircuitBreaker()
    breaker.trip(10.0, 300.0)
    assert breaker.wait_s(11.0) == 299.0
    assert breaker.state(310.0) is BreakerState.HALF_OPEN
