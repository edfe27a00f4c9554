"""Which encoded pictures no other picture needs: they can be left out without decoding them.

H.264: slices with ``nal_ref_idc`` 0 (ITU-T H.264, 7.4.1). H.265: sub-layer non-reference pictures, the even NAL unit
types up to 14 (ITU-T H.265, table 7-1); pictures of a higher temporal sub-layer may still need them, so only those
of the highest sub-layer seen are disposable.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.types import Packet

_START_CODE = b"\x00\x00\x01"
_LENGTH_PREFIXED = 1
"""First byte of ``extradata`` (configurationVersion of avcC and hvcC) when NAL units carry lengths, not start codes."""

_H264_SLICES = range(1, 6)
_H265_SLICES = range(32)
_H265_NON_REFERENCE = range(0, 15, 2)


class DisposableTest:
    """Tells disposable packets of one stream; remembers the temporal sub-layers met."""

    def __init__(self) -> None:
        self._highest_layer = 0

    def __call__(self, packet: Packet) -> bool:
        """Whether nothing needs this packet's picture. When in doubt, False."""
        if packet.is_key or packet.extradata[:1] == bytes([_LENGTH_PREFIXED]):
            return False
        if packet.codec == "h264":
            return _h264_disposable(packet.data)
        return packet.codec == "hevc" and self._h265_disposable(packet.data)

    def _h265_disposable(self, data: bytes) -> bool:
        for start in _nal_units(data):
            kind = data[start] >> 1 & 0x3F
            if kind in _H265_SLICES and start + 1 < len(data):
                layer = (data[start + 1] & 0x07) - 1
                self._highest_layer = max(self._highest_layer, layer)
                return kind in _H265_NON_REFERENCE and layer >= self._highest_layer
        return False


def _h264_disposable(data: bytes) -> bool:
    for start in _nal_units(data):
        if data[start] & 0x1F in _H264_SLICES:
            return data[start] >> 5 & 0x03 == 0
    return False


def _nal_units(data: bytes) -> Iterator[int]:
    """Index of the first header byte of each NAL unit of an Annex B access unit."""
    at = data.find(_START_CODE)
    while 0 <= at < len(data) - len(_START_CODE):
        yield at + len(_START_CODE)
        at = data.find(_START_CODE, at + len(_START_CODE))
