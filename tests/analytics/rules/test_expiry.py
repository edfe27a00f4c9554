from __future__ import annotations

from analytics.rules.expiry import Expiry


def test_what_was_not_seen_for_longer_is_dropped_and_nothing_else() -> None:
    known, expiry = {1: 0.0, 2: 3.0}, Expiry(2.0)
    expiry.drop(known, float, 2.0)
    assert known == {1: 0.0, 2: 3.0}
    expiry.drop(known, float, 2.1)
    assert known == {2: 3.0}
    known[2] = 6.0
    expiry.drop(known, float, 8.0)
    assert known == {2: 6.0}
    expiry.drop(known, float, 8.1)
    assert known == {}


def test_nobody_known_is_nothing_to_drop() -> None:
    known: dict[int, float] = {}
    expiry = Expiry(2.0)
    expiry.drop(known, float, 100.0)
    known[1] = 100.0
    expiry.drop(known, float, 102.1)
    assert known == {}
