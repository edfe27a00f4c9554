"""The event stream and the video."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
import pytest
import requests

from tests.connectors.genetec.simulator.running import PASSWORD, USER, Client

pytestmark = pytest.mark.slow


class Stream:
    def __init__(self, response: requests.Response) -> None:
        self._lines: Iterator[str] = (line.decode() for line in response.iter_lines(chunk_size=1))
        self.connection = next(self._lines).removeprefix("ConnectionId:")

    def line(self) -> str:
        return next(line for line in self._lines if line)

    def event(self) -> dict[str, Any]:
        """The next event, past keep-alives."""
        while True:
            line = self.line()
            if line.startswith("{"):
                result: dict[str, Any] = json.loads(line)["Rsp"]["Result"]
                return result
            assert line in {"--GENETECBOUNDARY", "Content-type: text/plain", "Content-type: text/json", "KeepAlive"}


@contextmanager
def _opened(client: Client) -> Iterator[Stream]:
    """Credentials are sent again after the redirect: requests drops them when the port changes."""
    redirect = client.send("GET", "/events", allow_redirects=False)
    assert redirect.status_code == 302
    with client.http.get(redirect.headers["Location"], stream=True, timeout=5) as response:
        yield Stream(response)


def test_events_are_on_a_second_port_with_their_own_logon(client: Client) -> None:
    location = client.send("GET", "/events", allow_redirects=False).headers["Location"]
    assert f":{client.extra('stream_port')}/WebSdk/events" in location
    assert requests.get(location, verify=client.announced.ca, timeout=5).status_code == 401
    assert client.http.get(location.removesuffix("/events"), timeout=5).status_code == 404


def test_a_stream_begins_with_its_name_and_keeps_alive(client: Client) -> None:
    with _opened(client) as stream:
        assert len(stream.connection) == 36
        for _ in range(2):
            assert [stream.line() for _ in range(3)] == ["--GENETECBOUNDARY", "Content-type: text/plain", "KeepAlive"]


@pytest.mark.parametrize("source", ["{camera}", "Camera", "LogicalId(Camera,1)"])
def test_subscribed_events_are_streamed_and_others_not(client: Client, source: str) -> None:
    source = source.replace("{camera}", client.camera)
    assert client.ask("GET", "/events/subscribe", f"event({source},CustomEvent)") == {"Status": "Ok"}
    with _opened(client) as stream:
        client.ask("POST", f"/events/RaiseEvent/VideoAnalyticsObjectFall/{client.camera}")
        client.raised("seen")
        event = stream.event()
        assert (event["EventType"], event["SourceGuid"], event["Message"]) == ("CustomEvent", client.camera, "seen")
        assert event["Timestamp"].endswith("Z")


def test_subscriptions_are_listed_and_taken_back(client: Client) -> None:
    query = f"event({client.camera},CameraMotionOn),event(Camera,CustomEvent)"
    client.ask("GET", "/events/subscribe", query)
    assert client.ask("GET", "/events/subscribed")["Result"] == [
        {"EventType": "CameraMotionOn", "Entities": [client.camera]},
        {"EventType": "CustomEvent", "Entities": ["camera"]},
    ]
    client.ask("GET", "/events/unsubscribe", query)
    assert client.ask("GET", "/events/subscribed")["Result"] == []


@pytest.mark.parametrize("query", ["event(Camera)", "event(Camera,Nonsense)", "Camera", "event(1-2,CustomEvent)"])
def test_a_wrong_subscription_fails(client: Client, query: str) -> None:
    assert client.ask("GET", "/events/subscribe", query)["Status"] == "Fail"


def test_alarms_are_monitored_while_it_is_on(client: Client) -> None:
    with _opened(client) as stream:
        client.raised("before")
        assert client.ask("POST", "/events/alarmMonitoring/on") == {"Status": "Ok"}
        client.raised("after")
        triggered = stream.event()["AlarmTriggered"]
        assert (triggered["InstanceId"], triggered["AlarmGuid"], triggered["Message"]) == (2, client.alarm, "after")
        client.ask("GET", "/alarm", f"AcknowledgeAlarm(2,{client.alarm},Ack)")
        assert stream.event()["AlarmAcknowledge"]["InstanceId"] == 2
    assert client.ask("POST", "/events/alarmMonitoring/loud")["Status"] == "Fail"


def test_a_stream_is_closed_politely(client: Client) -> None:
    with _opened(client) as stream:
        assert client.ask("POST", f"/events/closeconnection/{stream.connection}") == {"Status": "Ok"}
        with pytest.raises(StopIteration):
            stream.event()
    assert client.ask("POST", f"/events/closeconnection/{stream.connection}")["Status"] == "Fail"


def test_legacy_xml_is_streamed_without_envelope(client: Client) -> None:
    client.http.headers["Accept"] = "application/xml"
    client.send("GET", "/events/subscribe?q=event(Camera,CustomEvent)")
    with _opened(client) as stream:
        client.send("POST", f"/events/RaiseCustomEvent/5000/{client.camera}/hello")
        line = next(line for line in iter(stream.line, "") if line.startswith("<event>"))
        assert "<EventType>CustomEvent</EventType>" in line


def _opened_video(client: Client, path: str, password: str = PASSWORD) -> int:
    url = f"{client.extra('rtsp')}/{path}".replace("://", f"://{USER}:{password}@")
    options = {"rtsp_transport": "tcp", "analyzeduration": "0", "probesize": "32"}
    with av.open(url, options=options, timeout=(5, 5)) as container:
        for count, _ in enumerate(container.decode(video=0), start=1):
            if count == 5:
                return container.streams.video[0].width
    raise AssertionError("the video ended")


@pytest.mark.parametrize("name", ["live", "lowres"])
def test_the_media_gateway_plays_a_camera(client: Client, name: str) -> None:
    assert _opened_video(client, f"{client.camera}/{name}") == 160


def test_the_media_gateway_refuses_strangers_and_unknown_cameras(client: Client) -> None:
    with pytest.raises(av.error.HTTPUnauthorizedError):
        _opened_video(client, f"{client.camera}/live", "wrong")
    for path in ("00000001-0000-babe-0000-ffffffffffff/live", f"{client.camera}/playback", client.camera):
        with pytest.raises(av.error.HTTPNotFoundError):
            _opened_video(client, path)


def test_video_that_is_ordered_to_drop_ends(client: Client) -> None:
    client.order("video", "drop", repeat=True)
    with pytest.raises((AssertionError, av.error.FFmpegError)):
        _opened_video(client, f"{client.camera}/live")
    client.order("video", "ok")
    assert _opened_video(client, f"{client.camera}/live") == 160
