from __future__ import annotations

import pytest

from connectors.protocols.rtsp.transport import parse_transport


@pytest.mark.parametrize(
    ("header", "is_interleaved", "pair"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1", True, (0, 1)),
        ("RTP/AVP/TCP;interleaved=6", True, (6, 7)),
        ("RTP/AVP/TCP;unicast", True, None),
        ("RTP/AVP;unicast;client_port=5000-5001", False, (5000, 5001)),
        ('rtp/avp/udp;unicast;client_port=5000;mode="PLAY"', False, (5000, 5001)),
        ("RTP/AVP;multicast,RTP/SAVP;unicast;client_port=1-2,RTP/AVP/TCP;unicast;interleaved=2-3", True, (2, 3)),
        ("RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1", False, (5000, 5001)),
    ],
)
def test_the_first_alternative_that_can_be_served_is_taken(
    header: str, is_interleaved: bool, pair: tuple[int, int] | None
) -> None:
    offer = parse_transport(header, allow_udp=True)
    assert offer is not None
    assert (offer.is_interleaved, offer.pair) == (is_interleaved, pair)


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
    assert parse_transport(header, allow_udp=True) is None


def test_over_tls_no_video_goes_by_udp_in_clear() -> None:
    both = "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1"
    offer = parse_transport(both, allow_udp=False)
    assert offer is not None
    assert offer.is_interleaved
