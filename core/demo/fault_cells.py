"""What can befall a stream, by transport, and the orders by which a simulator does so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.demo.simulators import SimulatorProcess
from core.types import CameraFault

Order = Callable[[SimulatorProcess], None]

DETECTION_LIMIT_S = 5.0
RECOVERY_LIMIT_S = 3.0
"""After the source is back."""

ACCOUNT_RETRY_S = 60.0
"""A refused account is tried again so seldom: VMS lock accounts that are refused too often."""

MOMENTS = frozenset({CameraFault.CODEC_CHANGED, CameraFault.RESOLUTION_CHANGED, CameraFault.CLOCK_JUMPED})
"""They are shown for a while; recovery is that pictures are analysed again."""

JUMP_S = 30
"""How far the fault of the clock sets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """A way of the video, the simulator that sends it and its part of the site file's VMS."""

    simulator: str
    arguments: Sequence[str]
    settings: Mapping[str, object]
    has_tls: bool
    is_multicast: bool = False


_JUMP = ("--jump-seconds", str(JUMP_S))
_ONVIF = {"type": "onvif", "publish": []}

TRANSPORTS: Mapping[str, Transport] = {
    "rtsp-tcp": Transport(
        simulator="onvif-camera",
        arguments=("--http-only", *_JUMP),
        settings={**_ONVIF, "transport": "tcp", "allow_http": True},
        has_tls=False,
    ),
    "rtsp-udp": Transport(
        simulator="onvif-camera",
        arguments=("--http-only", *_JUMP),
        settings={**_ONVIF, "transport": "udp", "allow_http": True},
        has_tls=False,
    ),
    "rtsp-multicast": Transport(
        simulator="onvif-camera",
        arguments=("--http-only", "--multicast", "239.255.12.1", "--multicast-port", "15004", *_JUMP),
        settings={**_ONVIF, "transport": "udp_multicast", "allow_http": True},
        has_tls=False,
        is_multicast=True,
    ),
    "rtsps": Transport(
        simulator="onvif-camera",
        arguments=("--rtsps-only", *_JUMP),
        settings={**_ONVIF, "transport": "tcp"},
        has_tls=True,
    ),
    "imageserver": Transport(
        simulator="xprotect", arguments=_JUMP, settings={"type": "milestone", "publish": []}, has_tls=True
    ),
}
"""By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One fault on one transport: how it comes, and how it goes."""

    transport: str
    fault: CameraFault
    begin: Order
    end: Order

    @property
    def recovery_limit_s(self) -> float:
        """How soon the stream is to be back after its source."""
        return RECOVERY_LIMIT_S + (ACCOUNT_RETRY_S if self.fault is CameraFault.AUTHENTICATION else 0.0)


def cells(transport: str) -> list[Cell]:
    """Every fault that there is on a transport."""
    way = TRANSPORTS[transport]
    orders = {**_PICTURES, **(_RECORDER if way.simulator == "xprotect" else _BRIDGE)}
    if way.has_tls:
        orders[CameraFault.TLS] = (_in_turn(_certificate(is_trusted=False), _drop), _certificate(is_trusted=True))
    if way.is_multicast:
        orders[CameraFault.MULTICAST_LOST] = orders.pop(CameraFault.STALLED)
    return [
        Cell(transport=transport, fault=fault, begin=orders[fault][0], end=orders[fault][1])
        for fault in CameraFault
        if fault in orders
    ]


def _lasts(outcome: str) -> Order:
    return lambda simulator: simulator.set_fault("video", [outcome])


def _drop_then(outcome: str) -> Order:
    """Whoever watches is cut off, and finds the outcome when it comes back."""
    return lambda simulator: simulator.set_fault("video", ["drop", outcome], repeat=False)


def _drop(simulator: SimulatorProcess) -> None:
    simulator.set_fault("video", ["drop"], repeat=False)


def _calm(simulator: SimulatorProcess) -> None:
    simulator.set_fault("video", [])


def _plan(name: str, *outcomes: str) -> Order:
    return lambda simulator: simulator.set_fault(name, outcomes)


def _certificate(*, is_trusted: bool) -> Order:
    return lambda simulator: _ignored(simulator.act("change-certificate", trusted=is_trusted))


def _recorder_away(seconds: float) -> Order:
    return lambda simulator: _ignored(simulator.act("recorder-restart", seconds=seconds))


def _in_turn(*orders: Order) -> Order:
    def carry_out(simulator: SimulatorProcess) -> None:
        for order in orders:
            order(simulator)

    return carry_out


def _ignored(_answer: object) -> None:
    """An act's answer says nothing here."""


_LONG_S = 3600.0

_PICTURES: Mapping[CameraFault, tuple[Order, Order]] = {
    CameraFault.ENDED: (_drop, _calm),
    CameraFault.TIMED_OUT: (_drop_then("stall"), _calm),
    CameraFault.STALLED: (_lasts("freeze"), _calm),
    CameraFault.AUTHENTICATION: (_drop_then("refuse"), _calm),
    CameraFault.CORRUPT: (_lasts("corrupt"), _calm),
    CameraFault.CODEC_CHANGED: (_lasts("codec-change"), _calm),
    CameraFault.RESOLUTION_CHANGED: (_lasts("resolution-change"), _calm),
    CameraFault.CLOCK_JUMPED: (_plan("clock", "jump"), _plan("clock")),
    CameraFault.FROZEN: (_lasts("still"), _calm),
    CameraFault.BLACK: (_lasts("black"), _calm),
}
_BRIDGE: Mapping[CameraFault, tuple[Order, Order]] = {
    CameraFault.UNREACHABLE: (_lasts("away"), _calm),
    CameraFault.REFUSED: (_in_turn(_plan("stream-uri", "unknown-path"), _drop), _plan("stream-uri")),
}
_RECORDER: Mapping[CameraFault, tuple[Order, Order]] = {
    CameraFault.UNREACHABLE: (_recorder_away(_LONG_S), _recorder_away(0.0)),
    CameraFault.REFUSED: (_drop_then("unknown-camera"), _calm),
}
