from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outbox.retry import RetryPolicy


@pytest.mark.parametrize(
    ("attempt", "expected"), [(1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0), (10, 300.0), (4000, 300.0)]
)
def test_the_delay_doubles_up_to_its_cap(attempt: int, expected: float) -> None:
    assert RetryPolicy(jitter=0.0).delay(attempt, random.Random(1)) == expected


@given(st.integers(1, 10_000), st.integers())
def test_the_delay_is_spread_within_its_jitter_and_never_beyond_the_longest(attempt: int, seed: int) -> None:
    policy = RetryPolicy()
    exact = RetryPolicy(jitter=0.0).delay(attempt, random.Random(seed))
    delay = policy.delay(attempt, random.Random(seed))
    assert 0.8 * exact <= delay <= 1.2 * exact
    assert delay <= policy.longest_s
