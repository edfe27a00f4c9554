"""The smallest connector of a new VMS, as its author would write it in a distribution of their own."""

SKELETON = """
import json
from pathlib import Path
from threading import Event
from config.model import VmsSettings
from connectors.protocols.clips import load_clip
from core.contracts import Capability, VideoSource, VmsConnector
from core.types import Packet, Receipt, VmsCamera

class Playback(VideoSource):
    def __init__(self, clip, clock):
        self.clip, self.clock, self.closed = load_clip(Path(clip)), clock, Event()
    def packets(self):
        start = self.clock.utc()
        for part in self.clip.packets:
            if self.closed.wait(max(0.0, start + part.offset_s - self.clock.utc())):
                return
            yield Packet(codec=self.clip.codec, data=part.data, captured_at=start + part.offset_s, is_key=part.is_key,
                         received_at=self.clock.monotonic())
    def close(self):
        self.closed.set()

class SkeletonConnector(VmsConnector):
    capabilities = frozenset({Capability.VIDEO, Capability.PUBLISH})
    def __init__(self, settings, services):
        self.folder, self.clock = Path(settings.url), services.clock
    def list_cameras(self):
        return [VmsCamera(device="clip.mp4", name="Clip")]
    def open_video(self, camera):
        return Playback(self.folder / camera.device, self.clock)
    def actions(self):
        return ("event",)
    def publish(self, delivery, alert, camera):
        with (self.folder / "received.jsonl").open("a") as file:
            file.write(json.dumps({"key": delivery.token, "rule": alert.rule_id}) + "\\n")
        return Receipt()
    def check(self, cameras):
        return []
    def close(self):
        pass
"""
