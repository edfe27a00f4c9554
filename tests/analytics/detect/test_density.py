from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analytics.detect.density import DensityModel
from core.errors import ModelError
from core.types import Picture
from tests.analytics.detect.onnx_file import constant_model, density_model, verified_density
from tests.analytics.frames import frame_of


def opened(people: float = 1.0) -> DensityModel:
    return DensityModel(verified_density(density_model(people)))


def picture(width: int = 64, height: int = 48) -> Picture:
    return np.zeros((height, width, 3), np.uint8)


def test_a_map_tells_for_each_cell_of_the_picture_how_many_people_it_holds() -> None:
    seen = picture()
    seen[8:12, 20:28] = 255
    people = opened(3.0).map_of(frame_of(seen))
    assert people.shape == (12, 16)
    assert people[2, 5:7].tolist() == pytest.approx([3.0, 3.0])
    assert people.sum() == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("size", "scaled"),
    [
        ((1920, 1080), (640, 360)),
        ((1080, 1920), (360, 640)),
        ((640, 480), (640, 480)),
        ((321, 238), (320, 240)),
        ((3, 2), (4, 4)),
    ],
)
def test_a_picture_is_scaled_down_to_what_is_affordable_and_to_whole_multiples(
    size: tuple[int, int], scaled: tuple[int, int]
) -> None:
    assert opened().picture_size(*size) == scaled


def test_all_greys_from_black_to_white_are_told_whatever_the_pictures_colours() -> None:
    grey = opened(255.0).map_of(frame_of(np.full((16, 16, 3), 128, np.uint8)))
    assert grey.ravel().tolist() == pytest.approx([128.0] * 16, abs=1.0)


@pytest.mark.parametrize(
    ("data", "stride", "said"),
    [
        (density_model(shape=(1, 1, 360, 640)), 4, "its input is"),
        (density_model(shape=(1, 3, "h", "w")), 4, "its input is"),
        (density_model(stride=2), 4, "its output is"),
        (density_model(), 2, "its output is"),
        (constant_model([np.zeros((1, 2), np.float32)] * 2, shape=(1, 1, "h", "w")), 4, "its output is"),
        (constant_model([np.full((1, 1, 6, 10), np.nan, np.float32)], shape=(1, 1, "h", "w")), 4, "no numbers"),
        (b"weights", 4, "not an ONNX model that can be run"),
    ],
)
def test_a_model_that_is_not_what_its_manifest_says_is_refused_when_it_is_opened(
    data: bytes, stride: int, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        DensityModel(verified_density(data, stride=stride))


def test_a_model_of_one_size_only_must_be_exported_again() -> None:
    with pytest.raises(ModelError) as caught:
        DensityModel(verified_density(density_model(shape=(1, 1, 360, 640)), stride=4))
    assert "Export it again" in caught.value.remedy


def test_fewer_people_than_none_are_none() -> None:
    model = DensityModel(verified_density(constant_model([np.full((1, 1, 6, 10), -1, np.float32)], shape=ANY)))
    assert model.map_of(frame_of(picture(40, 24))).sum() == 0.0


ANY: Sequence[int | str] = (1, 1, "h", "w")
