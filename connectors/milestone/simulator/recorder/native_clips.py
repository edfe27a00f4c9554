"""Clips in the codec of their file where ImageServer carries it: a Motion JPEG file stays Motion JPEG."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av

from connectors.protocols.clips import Clip, ClipCodec, ClipPacket
from connectors.protocols.simulation import Simulation

_CODEC: Final[ClipCodec] = "mjpeg"


def native_videos(simulation: Simulation) -> tuple[tuple[str, Clip], ...]:
    """Name and clip of each camera; what is no Motion JPEG is as loaded."""
    paths: list[Path] = list(simulation.arguments.video)
    if not paths:
        return simulation.videos
    clips = {path: _motion_jpeg(path) for path in paths}
    return tuple(
        (name, clips[paths[index % len(paths)]] or clip) for index, (name, clip) in enumerate(simulation.videos)
    )


def _motion_jpeg(path: Path) -> Clip | None:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.name != _CODEC:
            return None
        step = 1 / float(stream.average_rate or 25)
        pictures = [bytes(packet) for packet in container.demux(stream) if packet.size]
        return Clip(
            codec=_CODEC,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            fps=1 / step,
            duration_s=step * len(pictures),
            packets=tuple(
                ClipPacket(data=data, offset_s=index * step, is_key=True, duration_s=step)
                for index, data in enumerate(pictures)
            ),
        )
