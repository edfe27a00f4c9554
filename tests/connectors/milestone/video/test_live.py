from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from analytics.decode.decoder import Decoder
from connectors.milestone.access.tokens import Grant, Lease
from connectors.milestone.video.live import ImageServerSource
from connectors.milestone.video.recorder import RecorderConnection, dial, tls_context
from connectors.protocols.certificates import SiteAuthority
from core.clock import ManualClock
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Packet
from tests.connectors.milestone.support import (
    DEVICE,
    WAIT_S,
    Link,
    ScriptedServer,
    connected,
    image,
    refused,
    scripted_server,
    status,
    video_packet,
    xml_block,
)
from tests.connectors.milestone.video.recordings import CODES, record

pytestmark = pytest.mark.slow

AT_MS = 1_763_632_923_456
NAL = b"\x00\x00\x00\x01\x67"


def frame(number: int = 0, *, codec: int = 0x000A, is_key: bool = True) -> bytes:
    at_ms = AT_MS + 40 * number
    return image(video_packet(NAL, at_ms=at_ms, codec=codec, is_key=is_key), at_ms=at_ms)


class Tokens:
    """A login that counts, and whose tokens hold as long as asked."""

    def __init__(self, clock: ManualClock, life_s: float = 14_400.0) -> None:
        self.logins = 0
        self.fails_with: VmsError | None = None
        self._life_s = life_s
        self.lease = Lease(self._log_in, clock, share=0.5)

    def _log_in(self, _current: str) -> Grant:
        if self.fails_with is not None:
            raise self.fails_with
        self.logins += 1
        return Grant(f"TOKEN#{self.logins}#vms//ServerConnector#", self._life_s)


class Setup:
    """A source against a scripted recorder."""

    def __init__(
        self,
        server: ScriptedServer,
        *,
        tls: ssl.SSLContext | None = None,
        silence_s: float = WAIT_S,
        life_s: float = 14_400.0,
    ) -> None:
        self.clock = ManualClock()
        self.tokens = Tokens(self.clock, life_s)

        def connect() -> RecorderConnection:
            link = dial("127.0.0.1", server.port, tls, WAIT_S)
            return RecorderConnection(link, DEVICE, "Quai 1", silence_s=silence_s)

        self.source = ImageServerSource("Quai 1", connect, self.tokens.lease, self.clock)


def open_and_stream(*blocks: bytes, then: Callable[[Link], None] = Link.wait_for_end) -> Callable[[Link], None]:
    """Answers connect and live, sends the blocks, and goes on."""

    def script(link: Link) -> None:
        assert "<methodname>connect<" in link.request()
        link.send(connected())
        assert "<methodname>live<" in link.request()
        for block in blocks:
            link.send(block)
        then(link)

    return script


def take(source: ImageServerSource, count: int) -> list[Packet]:
    stream = source.packets()
    taken = [next(stream) for _ in range(count)]
    stream.close()  # type: ignore[attr-defined]
    return taken


def test_packets_carry_the_recorders_time_the_codec_and_the_key_flag() -> None:
    script = open_and_stream(frame(0), status(), frame(1, is_key=False), frame(2, codec=0x000E))
    with scripted_server(script) as server:
        packets = take(Setup(server).source, 3)
    assert [packet.captured_at for packet in packets] == [1_763_632_923.456, 1_763_632_923.496, 1_763_632_923.536]
    assert [packet.codec for packet in packets] == ["h264", "h264", "hevc"]
    assert [packet.is_key for packet in packets] == [True, False, True]
    assert packets[0].data == NAL


def test_pictures_of_a_changed_codec_follow_from_its_key_frame_on_and_can_be_decoded() -> None:
    old, new = record("h264", begin_ms=AT_MS)[0], record("hevc", begin_ms=AT_MS + 500, groups=2)
    pictures = [*old, *new[0][2:], *new[1]]
    blocks = [
        image(video_packet(picture.data, at_ms=picture.at_ms, codec=CODES[picture.codec], is_key=picture.is_key))
        for picture in pictures
    ]
    with scripted_server(open_and_stream(*blocks)) as server:
        packets = take(Setup(server).source, 10)
    decoder = Decoder()
    frames = [frame for packet in packets for frame in decoder.decode(packet)] + decoder.flush()
    assert [packet.codec for packet in packets] == ["h264"] * 5 + ["hevc"] * 5
    assert (len(frames), decoder.corrupt) == (10, 0)


def test_a_privacy_mask_that_raw_video_cannot_carry_is_said_once() -> None:
    masked = frame().replace(b"Content-length", b"PrivacyMask: grid;4;4;0110\r\nContent-length")
    plain = frame().replace(b"Content-length", b"PrivacyMask: none\r\nContent-length")
    with scripted_server(open_and_stream(plain, masked, masked)) as server, capture_logs() as logs:
        take(Setup(server).source, 3)
    assert [(entry["log_level"], entry["camera"]) for entry in logs] == [("warning", "Quai 1")]


def test_a_jpeg_picture_takes_its_time_from_the_header() -> None:
    with scripted_server(open_and_stream(image(b"\xff\xd8", content_type="image/jpeg", at_ms=AT_MS))) as server:
        (packet,) = take(Setup(server).source, 1)
    assert (packet.codec, packet.captured_at, packet.data) == ("mjpeg", 1_763_632_923.456, b"\xff\xd8")


def test_an_empty_image_is_passed_over() -> None:
    with scripted_server(open_and_stream(image(b""), frame())) as server:
        assert len(take(Setup(server).source, 1)) == 1


def test_the_connect_request_carries_the_camera_and_the_corporate_token() -> None:
    requests: list[str] = []

    def script(link: Link) -> None:
        requests.append(link.request())
        link.send(connected() + frame())
        link.wait_for_end()

    with scripted_server(script) as server:
        take(Setup(server).source, 1)
    assert f"id={DEVICE}&amp;connectiontoken=TOKEN#1#vms//ServerConnector#" in requests[0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused("Unknown camera"), NotFoundInVms),
        (refused("Too many connections"), VmsRefused),
        (status(), ProtocolViolation),
        (frame(), ProtocolViolation),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolViolation),
        (b"", VmsUnavailable),
    ],
    ids=["unknown", "refused", "status", "picture", "HTTP", "closed"],
)
def test_a_recorder_that_does_not_open_the_camera_ends_the_source_with_a_cause(
    answer: bytes, kind: type[VmsError]
) -> None:
    def script(link: Link) -> None:
        link.request()
        link.send(answer)

    with scripted_server(script) as server, pytest.raises(kind) as caught:
        list(Setup(server).source.packets())
    assert type(caught.value) is kind


def test_a_token_that_the_recorder_does_not_take_is_renewed_once() -> None:
    def refuse(link: Link) -> None:
        link.request()
        link.send(refused("Token invalid"))

    with scripted_server(refuse, open_and_stream(frame())) as server:
        setup = Setup(server)
        setup.tokens.lease.get()
        setup.clock.advance(301.0)
        assert len(take(setup.source, 1)) == 1
    assert setup.tokens.logins == 2


@pytest.mark.parametrize(("token_age_s", "logins"), [(0.0, 1), (301.0, 2)], ids=["fresh", "older"])
def test_a_recorder_that_does_not_take_a_fresh_token_is_an_authentication_error(
    token_age_s: float, logins: int
) -> None:
    def refuse(link: Link) -> None:
        link.request()
        link.send(refused("Token invalid"))

    with scripted_server(refuse) as server:
        setup = Setup(server)
        setup.tokens.lease.get()
        setup.clock.advance(token_age_s)
        with pytest.raises(AuthenticationRefused, match="Quai 1"):
            list(setup.source.packets())
        assert server.connections == setup.tokens.logins == logins


def test_a_camera_that_the_recorder_lost_is_named() -> None:
    with scripted_server(open_and_stream(frame(), status(camera_lost=1))) as server:
        stream = Setup(server).source.packets()
        next(stream)
        with pytest.raises(VmsUnavailable, match="Quai 1: the recording server has lost the camera"):
            next(stream)


def test_a_link_that_falls_silent_is_dead() -> None:
    with scripted_server(open_and_stream(frame())) as server:
        stream = Setup(server, silence_s=0.2).source.packets()
        next(stream)
        with pytest.raises(VmsUnavailable, match="nothing from the recorder"):
            next(stream)


def test_a_link_that_breaks_within_a_picture_is_unavailable() -> None:
    cut = open_and_stream(frame()[:-20], then=lambda _: None)
    with scripted_server(cut) as server, pytest.raises(VmsUnavailable, match="closed the link"):
        list(Setup(server).source.packets())


@pytest.mark.parametrize("nothing", [status(), image(b"")], ids=["status", "empty image"])
def test_signs_of_life_without_pictures_do_not_pass_for_video(nothing: bytes) -> None:
    with scripted_server(open_and_stream(frame(), nothing, status(), frame(1))) as server:
        setup = Setup(server)
        stream = setup.source.packets()
        next(stream)
        setup.clock.advance(31.0)
        with pytest.raises(VmsUnavailable, match="no picture for 30 s"):
            next(stream)


def test_pictures_that_cannot_be_understood_end_the_source_with_a_protocol_violation() -> None:
    block = image(b"\x00\x10\x00")
    with scripted_server(open_and_stream(block)) as server, pytest.raises(ProtocolViolation):
        list(Setup(server).source.packets())


def test_a_fresh_token_is_given_on_the_live_link_before_the_old_one_ends() -> None:
    updates: list[str] = []

    def go_on(link: Link) -> None:
        updates.append(link.request())
        link.send(
            xml_block(
                "<methodresponse><methodname>connectupdate</methodname><connected>yes</connected></methodresponse>"
            )
        )
        link.send(frame(2))
        link.wait_for_end()

    with scripted_server(open_and_stream(frame(0), frame(1), then=go_on)) as server:
        setup = Setup(server, life_s=100.0)
        stream = setup.source.packets()
        next(stream)
        setup.clock.advance(51.0)
        assert next(stream).captured_at == pytest.approx(AT_MS / 1000 + 0.04)
        assert next(stream).captured_at == pytest.approx(AT_MS / 1000 + 0.08)
        setup.source.close()
    assert "<methodname>connectupdate<" in updates[0]
    assert "TOKEN#2#" in updates[0]


def test_a_refused_token_update_ends_the_stream_so_that_it_is_opened_anew() -> None:
    no = xml_block("<methodresponse><connected>no</connected><errorreason>Token invalid</errorreason></methodresponse>")
    with scripted_server(open_and_stream(frame(), no)) as server:
        stream = Setup(server).source.packets()
        next(stream)
        with pytest.raises(VmsUnavailable, match="ends the stream"):
            next(stream)


def test_while_the_management_server_is_down_the_recorders_video_goes_on() -> None:
    with scripted_server(open_and_stream(*(frame(number) for number in range(4)))) as server:
        setup = Setup(server, life_s=100.0)
        stream = setup.source.packets()
        next(stream)
        setup.tokens.fails_with = VmsUnavailable("the management server is down")
        setup.clock.advance(51.0)
        next(stream)
        setup.clock.advance(51.0)
        next(stream)
        next(stream)
        setup.source.close()


@pytest.fixture
def authority(tmp_path: Path) -> SiteAuthority:
    return SiteAuthority.create(tmp_path / "ca")


@pytest.mark.parametrize("encrypted", [False, True])
def test_close_from_another_thread_ends_a_waiting_read_without_error(encrypted: bool, authority: SiteAuthority) -> None:
    server_tls = authority.server_context(["127.0.0.1"]) if encrypted else None
    client_tls = tls_context(authority.ca) if encrypted else None
    got_one = threading.Event()
    seen: list[Packet] = []
    with scripted_server(open_and_stream(frame()), tls=server_tls) as server:
        source = Setup(server, tls=client_tls).source

        def watch() -> None:
            for packet in source.packets():
                seen.append(packet)
                got_one.set()

        thread = threading.Thread(target=watch)
        thread.start()
        assert got_one.wait(WAIT_S)
        source.close()
        source.close()
        thread.join(2.0)
        assert not thread.is_alive()
    assert len(seen) == 1


def test_what_arrived_before_close_is_not_yielded_after_it() -> None:
    with scripted_server(open_and_stream(b"".join(frame(number) for number in range(20)))) as server:
        source = Setup(server).source
        stream = source.packets()
        next(stream)
        source.close()
        assert list(stream) == []


def test_a_source_closed_before_it_starts_yields_nothing() -> None:
    with scripted_server(open_and_stream(frame())) as server:
        setup = Setup(server)
        setup.source.close()
        assert list(setup.source.packets()) == []
        assert server.connections == setup.tokens.logins == 0


def test_a_certificate_of_another_ca_is_rejected(authority: SiteAuthority, tmp_path: Path) -> None:
    tls = SiteAuthority.create(tmp_path / "other").server_context(["127.0.0.1"])
    with (
        scripted_server(open_and_stream(frame()), tls=tls) as server,
        pytest.raises(CertificateRejected, match="does not verify"),
    ):
        list(Setup(server, tls=tls_context(authority.ca)).source.packets())


def test_a_certificate_of_another_name_is_rejected(authority: SiteAuthority) -> None:
    tls = authority.server_context(["rec.site.test"])
    with scripted_server(open_and_stream(frame()), tls=tls) as server, pytest.raises(CertificateRejected):
        list(Setup(server, tls=tls_context(authority.ca)).source.packets())


def test_a_recorder_without_tls_where_tls_is_announced_is_unavailable(authority: SiteAuthority) -> None:
    def plain(link: Link) -> None:
        link.send(b"<methodresponse/>\r\n\r\n")

    with scripted_server(plain) as server, pytest.raises(VmsUnavailable, match="no TLS"):
        list(Setup(server, tls=tls_context(authority.ca)).source.packets())


def test_a_recorder_that_is_not_there_is_unavailable() -> None:
    with scripted_server(open_and_stream()) as server:
        setup = Setup(server)
    with pytest.raises(VmsUnavailable, match="cannot connect"):
        list(setup.source.packets())


@pytest.fixture
def empty_ca(tmp_path: Path) -> Path:
    path = tmp_path / "empty.pem"
    path.write_text("no certificate")
    return path


def test_a_ca_file_without_certificate_is_rejected_by_name(empty_ca: Path) -> None:
    with pytest.raises(CertificateRejected, match=r"empty\.pem"):
        tls_context(empty_ca)
