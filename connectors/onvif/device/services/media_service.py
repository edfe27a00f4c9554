"""What both media services do alike: their requests and answers differ by namespace and by what they can say of video."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree

from connectors.onvif.device.calls import Call, invalid_argument
from connectors.onvif.device.model import Channel, Device
from connectors.onvif.device.services import options, requested, tokens
from connectors.onvif.device.services.configurations import always
from connectors.onvif.device.services.video_formats import picture
from connectors.onvif.device.xml import element, qualified, text_of
from connectors.protocols.clips import ClipCodec

WriteConfiguration: TypeAlias = Callable[[etree._Element, str, Device, Channel], None]  # noqa: SLF001 - lxml's only name


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of configuration: how it is written, and which channels have one."""

    write: WriteConfiguration
    has: tokens.Has = always


class MediaService:
    """``prefix`` is the service's; ``encodings`` its words for codecs; ``has_video`` tells whose video it knows."""

    def __init__(
        self, device: Device, *, prefix: str, encodings: Mapping[ClipCodec, str], has_video: tokens.Has
    ) -> None:
        self.device = device
        self._prefix = prefix
        self._encodings = encodings
        self._has_video = has_video

    def get_video_source_options(self, call: Call) -> etree._Element:
        """The sources, whole."""
        answer = self.answer(call)
        options.video_source_options(answer, self.compatible(call, always), len(self.device.channels))
        return answer

    def get_metadata_options(self, call: Call) -> etree._Element:
        """The same for every channel; tokens are checked all the same."""
        self.compatible(call, always)
        answer = self.answer(call)
        options.metadata_options(answer)
        return answer

    def set_video_source(self, call: Call) -> etree._Element:
        """Only what it is already."""
        channel, wanted = self._wanted(call, always)
        requested.require_same_source(channel, wanted)
        return self.answer(call)

    def set_video_encoder(self, call: Call) -> etree._Element:
        """Only what it is already."""
        channel, wanted = self._wanted(call, self._has_video)
        requested.require_same_video(channel, wanted, self._encodings[picture(channel).codec])
        return self.answer(call)

    def set_metadata(self, call: Call) -> etree._Element:
        """Kept until the device restarts."""
        channel, wanted = self._wanted(call, always)
        requested.set_metadata(self.device, channel, wanted)
        return self.answer(call)

    def set_synchronization_point(self, call: Call) -> etree._Element:
        """The present objects are told at once. Key frames come as the VMS sends them: a viewer who joins starts at one."""
        self.profile(call).metadata.synchronise()
        return self.answer(call)

    def answer(self, call: Call) -> etree._Element:
        """The empty response to that request."""
        return element(f"{self._prefix}:{etree.QName(call.body).localname}Response")

    def text(self, call: Call, name: str) -> str:
        """An argument of the request; empty where it is not given."""
        return text_of(call.body, f"{self._prefix}:{name}")

    def profile(self, call: Call) -> Channel:
        """The channel that ``ProfileToken`` names."""
        return tokens.profile(self.device, self.text(call, "ProfileToken"))

    def holders(self, call: Call, has: tokens.Has) -> Sequence[Channel]:
        """The channels whose configurations are asked for."""
        asked = (self.text(call, "ConfigurationToken"), self.text(call, "ProfileToken"))
        return tokens.holders(self.device, has, *asked)

    def compatible(self, call: Call, has: tokens.Has) -> Sequence[Channel]:
        """As ``holders``, but at least one: options cannot be empty."""
        found = self.holders(call, has)
        if not found:
            raise invalid_argument("NoConfig", "there is no such configuration")
        return found

    def _wanted(self, call: Call, has: tokens.Has) -> tuple[Channel, etree._Element]:
        wanted = call.body.find(qualified(f"{self._prefix}:Configuration"))
        if wanted is None:
            raise invalid_argument("NoConfig", "no configuration is given")
        return tokens.configuration(self.device, wanted.get("token", ""), has), wanted
