from __future__ import annotations

from analytics.detect.blobs import Blob
from analytics.detect.movers import Mover, Movers


def blob(x: int, y: int = 50, width: int = 20, height: int = 40) -> Blob:
    return Blob(left=x, top=y, right=x + width, bottom=y + height, area=width * height, labels=(1,))


def followed(*places: Blob | None, patience: int = 100, memory: int = 2) -> Mover:
    """The last history of one region; None is a picture in which it is not seen."""
    movers = Movers(patience=patience, memory=memory)
    histories = [movers.follow([] if place is None else [place]) for place in places]
    return histories[-1][0]


def test_what_walks_has_travelled() -> None:
    assert not followed(blob(10), blob(14)).has_travelled
    assert followed(*(blob(10 + 4 * step) for step in range(6))).has_travelled


def test_what_sways_has_not() -> None:
    assert not followed(*(blob(30 + 8 * (step % 2)) for step in range(40))).has_travelled


def test_what_grows_at_once_has_not_travelled_by_that() -> None:
    assert not followed(blob(10), blob(10, width=120), blob(10), blob(10, width=120)).has_travelled


def test_who_came_and_stands_still_has_travelled_until_patience_ends() -> None:
    way = [blob(10 + 4 * step) for step in range(6)]
    standing = [way[-1]] * 8
    assert followed(*way, *standing, patience=10).has_travelled
    assert not followed(*way, *standing, patience=5).has_travelled


def test_a_history_survives_a_short_loss_and_no_long_one() -> None:
    way = [blob(10 + 4 * step) for step in range(6)]
    assert followed(*way, None, None, way[-1]).has_travelled
    assert followed(*way, None, None, way[-1]).age == 7
    assert followed(*way, None, None, None, way[-1]).age == 1


def test_each_region_goes_on_with_the_one_it_shares_most_with() -> None:
    movers = Movers(patience=100, memory=2)
    movers.follow([blob(10), blob(60)])
    movers.follow([blob(12), blob(62)])
    right, left = movers.follow([blob(64), blob(14)])
    assert (left.born_at, right.born_at) == ((20.0, 70.0), (70.0, 70.0))
    assert left.age == right.age == 3
