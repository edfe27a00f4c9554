"""``vigie still SITE.yaml CAMERA OUT.jpg``: what a camera shows now, as the still of a preset."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from analytics.decode.decoder import Decoder
from analytics.decode.frame import DecodedFrame
from analytics.snapshot import snapshot
from config.load import load_site
from core import registry
from core.cli.output import remarks
from core.contracts import VideoSource
from core.errors import UsageError, VmsError
from core.services import services_for

_MOST_PACKETS = 500
"""Without a picture in so many the stream holds none that can be decoded."""


class StillCommand:
    """Takes one picture from the VMS; changes nothing there."""

    name = "still"
    help = "take a still of what a camera shows, for its presets"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file")
        parser.add_argument("camera", metavar="CAMERA", help="the camera's id in the site file")
        parser.add_argument("out", type=Path, metavar="OUT.jpg", help="where to write it; an older one is replaced")

    def run(self, arguments: argparse.Namespace) -> int:
        site = load_site(arguments.site, registry.kinds())
        camera = site.camera(arguments.camera)
        if camera is None:
            known = ", ".join(camera.id for camera in site.cameras) or "none"
            raise UsageError(f"the site file has no camera {arguments.camera!r}", remedy=f"Its cameras: {known}.")
        vms = site.vms_of(camera)
        with (
            closing(registry.connector(vms.type)(vms, services_for(arguments.site))) as connector,
            closing(connector.open_video(camera)) as source,
        ):
            still = snapshot(first_picture(source))
        _write(arguments.out, still)
        remarks().print(f"written: {arguments.out}", soft_wrap=True, markup=False)
        return 0


COMMAND = StillCommand()


def first_picture(source: VideoSource) -> DecodedFrame:
    """The first picture of a stream that can be decoded.

    Raises:
        VmsError: the stream fails, or holds no picture.
        CodecError: there is no decoder of its codec.
    """
    with closing(_pictures(source)) as pictures:
        for picture in pictures:
            return picture
    raise VmsError("no picture of the stream can be decoded", remedy="See whether the VMS's own viewer shows it.")


def _pictures(source: VideoSource) -> Generator[DecodedFrame]:
    decoder = Decoder()
    for _, packet in zip(range(_MOST_PACKETS), source.packets(), strict=False):
        yield from decoder.decode(packet, is_wanted=True)
    yield from decoder.flush()


def _write(path: Path, still: bytes) -> None:
    try:
        path.write_bytes(still)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", remedy="Name a file in a folder that exists."
        ) from error
