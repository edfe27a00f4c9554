"""The recording server and the one that stands in when it fails."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.recorder.acts import RecorderActs
from connectors.milestone.simulator.recorder.command_service import RecorderCommand
from connectors.milestone.simulator.recorder.imageserver import RecorderSite
from connectors.milestone.simulator.recorder.port import RecorderPort
from connectors.milestone.simulator.recorder.recordings import Recordings
from connectors.milestone.simulator.site import Site
from connectors.protocols.serving import background
from connectors.protocols.simulation import Simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorders:
    """Both ports, and the recording that both play."""

    site: Site
    recordings: Recordings
    first: RecorderPort
    second: RecorderPort

    @classmethod
    def build(
        cls, simulation: Simulation, site: Site, tokens: Tokens, recorded_s: float, gap_s: tuple[float, float]
    ) -> Recorders:
        """``recorded_s`` is how far back the recording reaches, ``gap_s`` what of it is missing, in s before now."""
        recordings = Recordings(site, simulation.clock, recorded_s, gap_s)
        shared = RecorderSite(
            site=site, tokens=tokens, faults=simulation.faults, clock=simulation.clock, recordings=recordings
        )
        command = RecorderCommand(site=site, tokens=tokens, recordings=recordings)
        return cls(
            site=site,
            recordings=recordings,
            first=RecorderPort(recorder=shared, command=command),
            second=RecorderPort(recorder=shared, command=command, is_open=False),
        )

    @asynccontextmanager
    async def listening(self, simulation: Simulation, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[None]:
        """Records and serves; the site then knows the address, and the admin port the acts."""
        scheme = "https" if tls else "http"
        async with AsyncExitStack() as stack:
            for feed, recording in self.recordings.work():
                await stack.enter_async_context(background(recording.follow(feed)))
            ports = [
                await stack.enter_async_context(recorder.listening(simulation.host, number, tls))
                for recorder, number in ((self.first, port), (self.second, 0))
            ]
            urls = [f"{scheme}://{simulation.address}:{number}/" for number in ports]
            self.site.recorder_url = urls[0]
            acts = RecorderActs(site=self.site, first=self.first, second=self.second, second_url=urls[1])
            simulation.acts.update(acts.acts())
            yield
