from __future__ import annotations

from typing import Any

import av
import pytest
from structlog.testing import capture_logs

from analytics.decode import hardware
from analytics.decode.decoder import Decoder
from analytics.decode.hardware import CodecOpener, open_hardware
from core.errors import CodecError
from tests.analytics.coded import coded, h264, numbers_of

DEVICES = ("auto", "cuda", "qsv", "vaapi", "d3d11va")


class InHardware:
    """A context as PyAV would give it where the hardware decodes."""

    is_hwaccel = True


@pytest.fixture
def without_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices that cannot be opened, whatever this machine has."""

    def refuse(_device: str, **_options: Any) -> Any:
        raise av.error.PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(hardware, "HWAccel", refuse)


@pytest.mark.parametrize("wanted", DEVICES)
def test_without_the_hardware_every_picture_is_decoded_in_software_and_that_is_said_once(
    without_hardware: None, wanted: str
) -> None:
    with capture_logs() as logs:
        decoder = Decoder(CodecOpener("cam", wanted))
        frames = [frame for packet in [*h264(), *h264()] for frame in decoder.decode(packet)]
        decoder.decode(coded("libx264", 1)[0])
    assert len(frames) == 100
    ((entry),) = logs
    assert (entry["log_level"], entry["camera"], entry["wanted"]) == ("warning", "cam", wanted)
    assert entry["cause"]
    assert entry["remedy"]


def test_each_codec_of_a_stream_that_changes_is_said(without_hardware: None) -> None:
    decoder = Decoder(CodecOpener("cam", "cuda"))
    with capture_logs() as logs:
        for packet in [*h264()[:10], *coded("mjpeg", 3), *h264()[:10]]:
            decoder.decode(packet)
    assert [entry["codec"] for entry in logs] == ["h264", "mjpeg"]


@pytest.mark.parametrize("wanted", DEVICES)
def test_on_this_machine_too_pictures_come_whatever_hardware_it_has(wanted: str) -> None:
    decoder = Decoder(CodecOpener("cam", wanted))
    with capture_logs():
        frames = [frame for packet in h264() for frame in decoder.decode(packet)] + decoder.flush()
    assert numbers_of(frames) == list(range(50))


def test_a_context_that_is_not_accelerated_after_all_does_not_count_as_hardware(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hardware, "HWAccel", lambda _device, **_options: None)
    context, cause = open_hardware("h264", b"", "qsv")
    assert context is None
    assert "qsv" in cause


def test_auto_takes_the_first_device_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def prepared(_codec: str, _extradata: bytes, device: str) -> Any:
        tried.append(device)
        if device == "cuda":
            raise av.error.PermissionError(1, "Operation not permitted")
        return InHardware()

    monkeypatch.setattr(hardware, "hwdevices_available", lambda: ["vaapi", "qsv", "cuda", "drm"])
    monkeypatch.setattr(hardware, "HWAccel", lambda device, **_options: device)
    monkeypatch.setattr(hardware, "_prepared", prepared)
    context, cause = open_hardware("h264", b"", "auto")
    assert context is not None
    assert (tried, cause, context.is_hwaccel) == (["cuda", "qsv"], "", True)


def test_auto_where_ffmpeg_knows_no_hardware_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "hwdevices_available", list)
    assert open_hardware("h264", b"", "auto") == (None, "FFmpeg knows no hardware on this machine")


@pytest.mark.parametrize("wanted", ["software", "cuda"])
def test_a_codec_that_nobody_knows_is_a_codec_error_in_hardware_too(without_hardware: None, wanted: str) -> None:
    with capture_logs(), pytest.raises(CodecError, match="h267"):
        CodecOpener("cam", wanted)("h267", b"")
