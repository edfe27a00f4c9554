"""Keeps one camera's video flowing into its analyser, through every loss of the stream."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from core.contracts import Analyser, Clock, VideoSource
from core.engine.held import Backoff, Held
from core.engine.messages import StreamChanged
from core.errors import AuthenticationRefused, RightMissing, StreamEnded, VigieError, VmsError, VmsUnavailable
from core.redaction import redact
from core.types import CameraFault, StreamState

FIRST_RETRY_S = 0.25
"""A short hiccup costs little; measured: a stream server is back within one or two tries."""

LONGEST_RETRY_S = 2.0
"""Bound of the back-off while the stream is merely lost: pictures are to be back within 3 s of their source."""

STEADY_S = 10.0
"""A stream that lasted so long was a good one: the back-off starts anew. One that ends at once is not hammered."""

REFUSED_RETRY_S = 60.0
"""A person must act: look again now and then, without hammering the VMS with wrong credentials, which locks accounts."""

_log = structlog.get_logger(component="feed")

Report = Callable[[StreamChanged], None]


class CameraFeed:
    """One thread: open the stream, push its packets, and on loss try again until stopped."""

    def __init__(
        self,
        camera_id: str,
        *,
        open_source: Callable[[], VideoSource],
        analyser: Analyser,
        report: Report,
        clock: Clock,
    ) -> None:
        self._camera_id = camera_id
        self._open_source = open_source
        self._analyser = analyser
        self._report = report
        self._clock = clock
        self._held: Held[VideoSource] = Held(f"camera/{camera_id}")
        self._backoff = Backoff(FIRST_RETRY_S, LONGEST_RETRY_S)
        self._thread = threading.Thread(target=self.run, name=f"feed-{camera_id}", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def end(self) -> None:
        """Ends the stream; the thread follows."""
        self._held.end()

    def stop(self, timeout_s: float) -> bool:
        """Ends the stream and the thread; False when the source did not let go in time."""
        self.end()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def run(self) -> None:
        """The thread's body."""
        self._tell(StreamState.CONNECTING)
        while not self._held.stopping.is_set():
            wait_s = self._stream_once()
            if self._held.stopping.wait(wait_s):
                break
            self._tell(StreamState.RETRYING)
        self._tell(StreamState.STOPPED)

    def _stream_once(self) -> float:
        """Streams until something ends it; returns how long to wait before the next try."""
        try:
            self._push_all(self._held.hold(self._open_source()))
        except VmsError as error:
            return self._after(error, error.fault, recovers=error.recovers)
        except VigieError as error:
            return self._after(error, None, recovers=False)
        except Exception as error:  # noqa: BLE001 - thread edge: a defect in one connector may not end its camera
            _log.exception("the video source failed unexpectedly", camera=self._camera_id)
            return self._after(VmsUnavailable(f"defect: {redact(str(error))}"), None, recovers=True)
        finally:
            self._held.close()
        return FIRST_RETRY_S

    def _push_all(self, source: VideoSource) -> None:
        since: float | None = None
        for packet in source.packets():
            if since is None:
                since = self._clock.monotonic()
                self._tell(StreamState.STREAMING)
            elif self._backoff.is_grown and self._clock.monotonic() - since >= STEADY_S:
                self._backoff.reset()
            self._analyser.push(packet)
        if not self._held.stopping.is_set():
            raise StreamEnded("the stream ended", remedy="The VMS closed it; it is opened again.")

    def _after(self, error: VigieError, fault: CameraFault | None, *, recovers: bool) -> float:
        self._analyser.interrupted()
        if self._held.stopping.is_set():
            return 0.0
        self._tell(StreamState.LOST if recovers else StreamState.REFUSED, error.line(), fault)
        return self._backoff.next() if recovers or _may_ask_soon(error) else REFUSED_RETRY_S

    def _tell(self, state: StreamState, cause: str = "", fault: CameraFault | None = None) -> None:
        self._report(StreamChanged(camera_id=self._camera_id, state=state, cause=cause, fault=fault))


def _may_ask_soon(error: VigieError) -> bool:
    """Whether a VMS may be asked again soon after a refusal: what it refuses is not the account."""
    is_of_the_account = isinstance(error, AuthenticationRefused) and not isinstance(error, RightMissing)
    return isinstance(error, VmsError) and not is_of_the_account
