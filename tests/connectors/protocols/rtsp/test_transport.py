from __future__ import annotations

import pytest

from connectors.protocols.rtsp.transport import Way, parse_transport

UNICAST = frozenset({Way.INTERLEAVED, Way.UNICAST})


@pytest.mark.parametrize(
    ("header", "way", "pair"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1", Way.INTERLEAVED, (0, 1)),
        ("RTP/AVP/TCP;interleaved=6", Way.INTERLEAVED, (6, 7)),
        ("RTP/AVP/TCP;unicast", Way.INTERLEAVED, None),
        ("RTP/AVP;unicast;client_port=5000-5001", Way.UNICAST, (5000, 5001)),
        ('rtp/avp/udp;unicast;client_port=5000;mode="PLAY"', Way.UNICAST, (5000, 5001)),
        (
            "RTP/AVP;multicast,RTP/SAVP;unicast;client_port=1-2,RTP/AVP/TCP;unicast;interleaved=2-3",
            Way.INTERLEAVED,
            (2, 3),
        ),
        ("RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1", Way.UNICAST, (5000, 5001)),
    ],
)
def test_the_first_alternative_that_can_be_served_is_taken(header: str, way: Way, pair: tuple[int, int] | None) -> None:
    offer = parse_transport(header, allowed=UNICAST)
    assert offer is not None
    assert (offer.way, offer.pair) == (way, pair)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "RTP/AVP",
        "RTP/AVP;unicast;client_port=0-1",
        "RTP/AVP;unicast;client_port=9-8",
        "RTP/AVP/TCP;interleaved=255",
    ],
)
def test_what_cannot_be_served_is_refused(header: str) -> None:
    assert parse_transport(header, allowed=UNICAST) is None


def test_over_tls_no_video_goes_by_udp_in_clear() -> None:
    both = "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1"
    offer = parse_transport(both, allowed=frozenset({Way.INTERLEAVED}))
    assert offer is not None
    assert offer.way is Way.INTERLEAVED
