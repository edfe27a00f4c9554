"""What clients see of the bridge's streams, by every transport, and when something goes wrong."""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest
from av.container import InputContainer

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.rtsp_source import RtspSource, RtspTarget
from core.clock import SystemClock
from tests.connectors.onvif.simulator.camera.running import NS, PASSWORD, USERNAME, Bridge, body_of, run

pytestmark = pytest.mark.slow

SCRIPT = """
import argparse
from connectors.onvif.simulator.camera.command import COMMAND

parser = argparse.ArgumentParser()
COMMAND.configure(parser)
raise SystemExit(COMMAND.run(parser.parse_args()))
"""
NAMESPACE = "ip link set lo up multicast on && ip route add 239.0.0.0/8 dev lo && exec "
FAST = {"analyzeduration": "0", "probesize": "32"}


def _open(uri: str, transport: str = "tcp", read_s: float = 5.0, ca: str = "") -> InputContainer:
    address = uri.replace("://", "://vigie:vigie-demo@")
    secure = {"tls_verify": "1", "ca_file": ca} if ca else {}
    options = {"rtsp_transport": transport, **FAST, **secure}
    return av.open(address, options=options, timeout=(2 * read_s, read_s))


def _count(container: InputContainer, enough: int = 15) -> int:
    """Packets until there are enough of them, or the stream ends or stands still."""
    seen = 0
    try:
        for packet in container.demux():
            seen += packet.size > 0
            if seen == enough:
                break
    except av.error.FFmpegError:
        pass
    return seen


@pytest.mark.parametrize(
    ("protocol", "transport"),
    [("RTSP", "tcp"), ("RtspUnicast", "udp"), ("RtspOverHttp", "https"), ("RtspsUnicast", "tcp")],
)
def test_video_plays_by_every_transport(bridge: Bridge, protocol: str, transport: str) -> None:
    ca = bridge.announced.ca if protocol == "RtspsUnicast" else ""
    with _open(bridge.stream_uri(protocol), transport, ca=ca) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        assert next(container.decode(video=0)).width == 160


def test_rtsps_shows_a_certificate_that_others_do_not_trust(bridge: Bridge, tmp_path: Path) -> None:
    other = SiteAuthority.create(tmp_path)
    with pytest.raises(av.error.OSError):
        _open(bridge.stream_uri("RtspsUnicast"), ca=str(other.ca))


def test_the_small_profile_is_smaller(bridge: Bridge) -> None:
    with _open(bridge.stream_uri(number=1)) as container:
        assert next(container.decode(video=0)).height == 64


def test_media_gives_the_same_addresses_as_media2(bridge: Bridge) -> None:
    setup = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
    content = f"<trt:StreamSetup>{setup}</trt:StreamSetup><trt:ProfileToken>profile-0-main</trt:ProfileToken>"
    answer = body_of(bridge.ask("trt:GetStreamUri", content))
    assert answer.findtext(".//tt:Uri", "", NS) == bridge.stream_uri()


def test_streams_want_credentials(bridge: Bridge) -> None:
    with pytest.raises(av.error.HTTPUnauthorizedError):
        av.open(bridge.stream_uri(), options={"rtsp_transport": "tcp"}, timeout=(5, 5))


def test_right_credentials_are_refused_by_the_stream_service_as_ordered(fresh: Bridge) -> None:
    fresh.order("video", "refuse")
    with pytest.raises(av.error.HTTPUnauthorizedError):
        _open(fresh.stream_uri())
    fresh.order("video")
    _open(fresh.stream_uri()).close()


def test_a_stream_that_is_not_there_is_not_found(fresh: Bridge) -> None:
    fresh.order("stream-uri", "unknown-path")
    with pytest.raises(av.error.HTTPNotFoundError):
        _open(fresh.stream_uri())


def test_groups_are_announced_and_described(video: Path) -> None:
    with run(video, "--http-only", "--cameras", "2", "--multicast", "239.1.2.3", "--multicast-port", "6004") as bridge:
        uri = bridge.stream_uri("RtspMulticast")
        assert uri == bridge.stream_uri()
        text = bridge.ask("tr2:GetVideoEncoderConfigurations").text
        assert text.count("<tt:IPv4Address>239.1.2.3</") == text.count("<tt:IPv4Address>239.1.2.4</") == 1
        parts = urlsplit(uri)
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as link:
            link.sendall(f"OPTIONS {uri} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            assert link.recv(1000).startswith(b"RTSP/1.0 200")


def _groups_play(video: str) -> None:
    """Runs in a network namespace of its own, whose only interface is the loop."""
    with run(Path(video), "--http-only", "--cameras", "2", "--multicast", "239.1.2.3") as bridge:
        for number in range(2):
            with _open(bridge.stream_uri("RtspMulticast", number), "udp_multicast") as container:
                assert next(container.decode(video=0)).width == 160


@pytest.mark.skipif(
    shutil.which("unshare") is None or shutil.which("ip") is None, reason="needs unshare and ip of util-linux"
)
def test_each_camera_plays_to_a_group_of_its_own(video: Path) -> None:
    tried = subprocess.run(["unshare", "-rn", "sh", "-c", f"{NAMESPACE} true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("needs the right to make a network namespace")
    call = f"from {__name__} import _groups_play as play; play({str(video)!r})"
    python = f"{shlex.quote(sys.executable)} -c {shlex.quote(call)}"
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", NAMESPACE + python],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        cwd=Path(__file__).parents[5],
    )
    assert done.returncode == 0, done.stderr


def test_a_frozen_stream_stands_still_and_goes_on(fresh: Bridge) -> None:
    fresh.order("video", "freeze")
    with _open(fresh.stream_uri(), read_s=0.4) as container:
        assert _count(container) == 0
    fresh.order("video")
    with _open(fresh.stream_uri()) as container:
        assert _count(container) == 15


def test_a_stalled_service_takes_connections_and_says_nothing(fresh: Bridge) -> None:
    uri = fresh.stream_uri()
    fresh.order("video", "stall")
    parts = urlsplit(uri)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as link:
        link.sendall(f"OPTIONS {uri} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        link.settimeout(0.3)
        with pytest.raises(TimeoutError):
            link.recv(1000)
        link.settimeout(5)
        fresh.order("video")
        assert link.recv(1000).startswith(b"RTSP/1.0 200")


def test_viewers_are_dropped_once_for_each_order(fresh: Bridge) -> None:
    with _open(fresh.stream_uri()) as container:
        assert _count(container, 3) == 3
        fresh.order("video", "drop", repeat=False)
        assert _count(container, 1000) < 1000
    with _open(fresh.stream_uri()) as container:
        assert _count(container) == 15


def test_a_lost_camera_sends_nothing_and_another_one_goes_on(video: Path) -> None:
    with run(video, "--http-only", "--cameras", "2") as bridge:
        bridge.act("lose-camera", camera=bridge.camera)
        with _open(bridge.stream_uri(), read_s=0.4) as container:
            assert _count(container) == 0
        with _open(bridge.stream_uri(number=1)) as container:
            assert _count(container) == 15


def test_one_camera_can_be_disturbed_alone(video: Path) -> None:
    with run(video, "--http-only", "--cameras", "2") as bridge:
        bridge.act("disturb", camera=bridge.camera, outcome="codec-change")
        codecs: list[str] = []
        until = time.monotonic() + 10
        while codecs != ["hevc", "h264"] and time.monotonic() < until:
            told = body_of(bridge.ask("tr2:GetProfiles", "<tr2:Type>VideoEncoder</tr2:Type>"))
            codecs = ["hevc" if item.text == "H265" else "h264" for item in told.iter("{*}Encoding")]
        for number, codec in enumerate(("hevc", "h264")):
            with _open(bridge.stream_uri(number=number)) as container:
                assert container.streams.video[0].codec_context.name == codec
                assert next(container.decode(video=0)).width == 160
        assert [item.get("token") for item in bridge.told("trt:GetProfiles")] == ["profile-1-main"]


@pytest.mark.parametrize("skew_s", [0.0, -120.0])
def test_capture_times_are_the_bridges_own(video: Path, skew_s: float) -> None:
    """As the product reads them: from the sender reports."""
    with run(video, "--http-only", f"--clock-skew={skew_s}") as bridge:
        target = RtspTarget(url=bridge.stream_uri(), username=USERNAME, password=PASSWORD)
        source = RtspSource(target, SystemClock())
        try:
            packet = next(source.packets())
        finally:
            source.close()
        assert packet.captured_at - time.time() == pytest.approx(skew_s, abs=3.0)


def test_the_command_announces_itself_and_ends(video: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, "--json", "--until-stdin-closes", "--http-only", "--video", str(video)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        told: dict[str, Any] = json.loads(running.stdout.readline())
        running.stdin.close()
        assert running.wait(15) == 0
    assert told["simulator"] == "onvif-camera"
    assert [camera["name"] for camera in told["cameras"]] == ["gate"]
    assert told["rtsps"] is None


def test_a_camera_that_drops_its_viewers_leaves_the_others_alone(video: Path) -> None:
    with run(video, "--http-only", "--cameras", "2") as bridge:
        bridge.act("disturb", camera=bridge.camera, outcome="drop")
        with _open(bridge.stream_uri(number=1)) as other:
            try:
                with _open(bridge.stream_uri()) as container:
                    assert _count(container) < 15
            except av.error.FFmpegError:
                pass
            assert _count(other) == 15
        bridge.act("disturb", camera=bridge.camera)
        with _open(bridge.stream_uri()) as container:
            assert _count(container) == 15
