"""What operators do and what befalls servers, on order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import av
import pytest
import requests

from tests.connectors.genetec.simulator.running import PASSWORD, USER, Client, simulated

pytestmark = pytest.mark.slow

WAIT_S = 10.0


@pytest.fixture
def client() -> Iterator[Client]:
    with simulated("--cameras", "2", "--control-event", "6001:Vigie off") as found:
        yield found


def eventually(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until
        pause.wait(0.05)


def rows(client: Client, query: str = "States@Acked") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.ask("GET", "/report/AlarmActivity", query)["Result"]
    return found


@pytest.mark.parametrize(
    ("act", "order", "reason"),
    [
        ("acknowledge-alarm", {}, "Ack"),
        ("acknowledge-alarm", {"type": "default"}, "Ack"),
        ("acknowledge-alarm", {"type": "alternate"}, "Nack"),
        ("acknowledge-alarm", {"type": "forced"}, "Forced"),
        ("close-alarm", {"state": "Closed", "reason": "False alarm"}, "Nack"),
        ("close-alarm", {"state": "Closed", "reason": "True alarm", "comment": "seen"}, "Ack"),
    ],
)
def test_an_operator_acknowledges_by_token(client: Client, act: str, order: dict[str, str], reason: str) -> None:
    client.raised("text token-1 text")
    client.raised("text token-2 text")
    assert client.act(act, token="token-2", by="Anne", **order).json() == {"alarms": [2]}
    [row] = rows(client)
    assert (row["InstanceId"], row["AckReason"]) == (2, reason)
    assert client.ask("GET", "/entity", f"entity={row['AckedBy']},Name")["Result"]["Name"] == "Anne"
    assert client.act(act, token="token-2", **order).status_code == 400


def test_an_operator_acknowledges_by_number(client: Client) -> None:
    client.raised("text")
    assert client.act("acknowledge-alarm", id=1).json() == {"alarms": [1]}
    assert rows(client, "States@Active") == []


def test_a_terse_site_says_of_an_acknowledgement_only_what_is_sure() -> None:
    with simulated("--terse") as client:
        client.raised("text")
        client.act("acknowledge-alarm", id=1)
        [row] = rows(client)
    assert "AckReason" not in row
    assert row["DynamicContext"] == ""
    assert row["AckedTime"]


def test_a_custom_event_is_raised_by_its_name(client: Client) -> None:
    camera = client.announced.cameras[1]
    assert client.act("trigger-event", name="Vigie off", camera=camera.name).json()["source"] == camera.device
    assert client.act("trigger-event", name="Vigie").json()["source"] == client.camera
    assert [event["custom_event"] for event in client.ledger("event")] == [6001, 5000]
    assert [alarm["custom_event"] for alarm in client.ledger("alarm")] == [5000]


def test_a_lost_camera_is_off_line_until_it_is_back(client: Client) -> None:
    query = f"entity={client.camera},IsOnline"
    client.act("lose-camera", camera=client.camera)
    assert client.ask("GET", "/entity", query)["Result"] == {"IsOnline": False}
    client.act("return-camera", camera=client.camera)
    assert client.ask("GET", "/entity", query)["Result"] == {"IsOnline": True}
    told = client.ask("GET", "/report/CameraEvent", f"Cameras@{client.camera}")["Result"]
    assert [row["EventType"] for row in told] == [1375, 1380]


@pytest.mark.parametrize(
    ("act", "order"),
    [
        ("acknowledge-alarm", {"id": 7}),
        ("acknowledge-alarm", {"token": "none"}),
        ("acknowledge-alarm", {"id": 1, "type": "loud"}),
        ("acknowledge-alarm", {"token": 5}),
        ("trigger-event", {"name": "Unknown"}),
        ("trigger-event", {"name": "Vigie", "camera": "Unknown"}),
        ("lose-camera", {"camera": "Unknown"}),
        ("lose-camera", {"camera": "Unknown", "more": 1}),
        ("role-restart", {"seconds": "long"}),
        ("media-restart", {"seconds": -1}),
        ("drop-streams", {"all": True}),
    ],
)
def test_an_act_that_makes_no_sense_is_refused(client: Client, act: str, order: dict[str, Any]) -> None:
    assert client.act(act, **order).status_code == 400


def answers(client: Client) -> bool:
    try:
        return client.send("GET", "/").status_code == 200
    except requests.ConnectionError:
        return False


def test_a_role_that_restarts_refuses_and_forgets(client: Client) -> None:
    client.ask("GET", "/events/subscribe", "event(Camera,CustomEvent)")
    client.act("role-restart", seconds=0.5)
    assert client.act("role-restart", seconds=0.5).status_code == 400
    eventually(lambda: not answers(client))
    with pytest.raises(requests.ConnectionError, match=r"refused|10061"):
        client.send("GET", "/")
    eventually(lambda: answers(client))
    assert client.ask("GET", "/events/subscribed")["Result"] == []


def test_a_role_restarts_again_and_again_when_told_so() -> None:
    with simulated("--role-restart-every", "0.3", "--role-restart-seconds", "0.2") as client:
        for _ in range(2):
            eventually(lambda: not answers(client))
            eventually(lambda: answers(client))


def plays(client: Client) -> bool:
    url = f"{client.extra('rtsp')}/{client.camera}/live".replace("://", f"://{USER}:{PASSWORD}@")
    try:
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=(2, 2)) as container:
            return next(container.decode(video=0)).width == 160
    except (av.error.FFmpegError, StopIteration):
        return False


@pytest.mark.slow
def test_a_media_gateway_that_restarts_comes_back(client: Client) -> None:
    assert plays(client)
    client.act("media-restart", seconds=0.5)
    eventually(lambda: not plays(client))
    eventually(lambda: plays(client))


def test_a_licence_that_lacks_the_part_refuses_everything_until_it_has_it(client: Client) -> None:
    client.order("licence", "missing", repeat=True)
    for path in ("/", "/events"):
        assert client.send("GET", path, allow_redirects=False).status_code == 403
    client.order("licence")
    assert answers(client)


@pytest.mark.parametrize("outcome", ["drop", "accept-then-drop"])
def test_any_request_can_be_cut_off(client: Client, outcome: str) -> None:
    client.order("web", outcome)
    with pytest.raises(requests.ConnectionError):
        client.send("GET", "/events/subscribe?q=event(Camera,CustomEvent)")
    assert bool(client.ask("GET", "/events/subscribed")["Result"]) == (outcome == "accept-then-drop")


def test_a_storm_of_503_turns_every_request_away(client: Client) -> None:
    client.order("web", "503", "503")
    assert [client.send("GET", "/").status_code for _ in range(3)] == [503, 503, 200]


def test_a_stream_lasts_no_longer_than_it_may() -> None:
    with simulated("--stream-seconds", "0.3") as client:
        location = client.send("GET", "/events", allow_redirects=False).headers["Location"]
        with (
            client.http.get(location, stream=True, timeout=5) as response,
            pytest.raises(requests.exceptions.ChunkedEncodingError),
        ):
            list(response.iter_lines())


def test_a_role_without_a_second_port_streams_on_its_first() -> None:
    with (
        simulated("--no-stream-redirect") as client,
        client.http.get(f"{client.announced.url}/events", stream=True, timeout=5) as response,
    ):
        assert next(response.iter_lines()).startswith(b"ConnectionId:")
