"""Opens decoders, in hardware where the settings want it and the machine can.

Names of devices are FFmpeg's. PyAV's wheel knows ``cuda``, ``qsv``, ``drm`` and ``amf`` on Linux, and not ``vaapi``. Decoded
pictures are copied to main memory. Every way back to software is tested; **no such hardware was at hand: decoding on
it is unverified**.
"""

from __future__ import annotations

from typing import Final

import av
import structlog
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.video.codeccontext import VideoCodecContext

from core.errors import CodecError

SOFTWARE: Final = "software"
AUTO: Final = "auto"
_PREFERRED: Final = ("cuda", "d3d11va", "qsv", "vaapi")
"""In the order in which ``auto`` tries them: what decodes fastest beside what is found everywhere."""
REMEDY: Final = "Check the driver of the hardware, or set analysis.decoder: software."

_log = structlog.get_logger(component="analysis")


class CodecOpener:
    """Opens the decoders of one camera; says once for each codec that software decodes what hardware should."""

    def __init__(self, camera_id: str, wanted: str = SOFTWARE) -> None:
        """``wanted``: as ``analysis.decoder`` says."""
        self._camera_id = camera_id
        self._wanted = wanted
        self._said: set[str] = set()

    def __call__(self, codec: str, extradata: bytes) -> VideoCodecContext:
        """A context that is ready for packets.

        Raises:
            CodecError: there is no decoder of that codec.
        """
        if self._wanted == SOFTWARE:
            return open_software(codec, extradata)
        context, cause = open_hardware(codec, extradata, self._wanted)
        if context is not None:
            return context
        if codec not in self._said:
            self._said.add(codec)
            _log.warning(
                "software decodes instead of the hardware wanted",
                camera=self._camera_id,
                wanted=self._wanted,
                codec=codec,
                cause=cause,
                remedy=REMEDY,
            )
        return open_software(codec, extradata)


def open_software(codec: str, extradata: bytes) -> VideoCodecContext:
    """A decoder on one thread of the processor: a machine's cores are shared out by cameras.

    Raises:
        CodecError: there is no decoder of that codec.
    """
    return _prepared(codec, extradata, None)


def open_hardware(codec: str, extradata: bytes, wanted: str) -> tuple[VideoCodecContext | None, str]:
    """A decoder on the device wanted (``auto``: the first that works), or None and why not.

    Raises:
        CodecError: there is no decoder of that codec at all.
    """
    causes = []
    for device in _devices(wanted):
        try:
            context = _prepared(codec, extradata, HWAccel(device, allow_software_fallback=True))
        except (av.error.FFmpegError, RuntimeError, NotImplementedError) as error:  # as PyAV says it by device
            causes.append(f"{device}: {error}")
            continue
        if context.is_hwaccel:
            return context, ""
        causes.append(f"{device}: this machine or its FFmpeg cannot decode {codec} so")
    return None, "; ".join(causes) or "FFmpeg knows no hardware on this machine"


def _devices(wanted: str) -> list[str]:
    return [name for name in _PREFERRED if name in hwdevices_available()] if wanted == AUTO else [wanted]


def _prepared(codec: str, extradata: bytes, hardware: HWAccel | None) -> VideoCodecContext:
    try:
        context = av.CodecContext.create(codec, "r", hwaccel=hardware)
    except ValueError as error:
        raise CodecError(
            f"there is no decoder for video of the codec {codec!r}", remedy="Set the camera to H.264, H.265 or MJPEG."
        ) from error
    if not isinstance(context, VideoCodecContext):
        raise CodecError(f"{codec!r} is not a video codec")
    context.thread_count = 1
    context.thread_type = "SLICE"
    if extradata:
        context.extradata = extradata
    return context
