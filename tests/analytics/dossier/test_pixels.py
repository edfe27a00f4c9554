from __future__ import annotations

from analytics.dossier.pixels import NotedPixels
from tests.analytics.frames import scene_frame


def test_only_looking_counts_as_use() -> None:
    frame = scene_frame(0.0, (0.5, 0.7))
    noted = NotedPixels(frame)
    assert (noted.width, noted.height, noted.is_used) == (320, 240, False)
    assert (noted.gray(160, 120) == frame.gray(160, 120)).all()
    assert noted.is_used
    other = NotedPixels(frame)
    assert (other.rgb() == frame.rgb()).all()
    assert other.is_used
