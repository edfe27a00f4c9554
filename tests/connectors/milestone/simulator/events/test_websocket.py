from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from connectors.milestone.simulator.events.camera_state import COMMUNICATION_STARTED, COMMUNICATION_STOPPED
from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running, run

pytestmark = pytest.mark.slow

ALL = [{"modifier": "include", "resourceTypes": ["*"], "sourceIds": ["*"], "eventTypes": ["*"]}]


class Client:
    """A hand-written client: sends commands, keeps pushes apart from answers.

    On asyncio, driven by hand: ``websockets.sync`` reads and writes one TLS connection in two threads at the same time,
    which OpenSSL does not allow.
    """

    def __init__(self, runner: asyncio.Runner, socket: ClientConnection) -> None:
        self.pushed: list[dict[str, Any]] = []
        self._runner = runner
        self._socket = socket
        self._count = 0

    def send(self, text: str) -> None:
        self._runner.run(self._socket.send(text))

    def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._runner.run(self._next()))
        return message

    async def _next(self) -> str | bytes:
        return await asyncio.wait_for(self._socket.recv(), TIMEOUT_S)

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        self._count += 1
        self.send(json.dumps({"command": command, "commandId": self._count, **fields}))
        while "commandId" not in (message := self.receive()):
            self.pushed += message["events"]
        assert message.pop("commandId") == self._count
        return message

    def begin(self, session: str = "", event: str = "") -> dict[str, Any]:
        return self.ask("startSession", sessionId=session, eventId=event)

    def next_event(self) -> dict[str, Any]:
        while not self.pushed:
            self.pushed += self.receive()["events"]
        return self.pushed.pop(0)

    def is_closed(self) -> bool:
        try:
            while True:
                self._runner.run(self._next())
        except ConnectionClosed:
            return True


@contextmanager
def dial(simulator: Running, path: str = "/api/ws/events/v1", authorization: str | None = None) -> Iterator[Client]:
    """A connection; with a fresh token unless ``authorization`` says otherwise (empty: without the header)."""
    authorization = f"Bearer {simulator.bearer()}" if authorization is None else authorization
    url = simulator.announced.url.replace("http", "ws", 1)

    async def opened() -> ClientConnection:
        return await connect(
            f"{url}{path}",
            ssl=ssl.create_default_context(cafile=simulator.ca),
            additional_headers={"Authorization": authorization} if authorization else {},
            max_size=None,
            open_timeout=TIMEOUT_S,
            proxy=None,
        )

    with asyncio.Runner() as runner:
        socket = runner.run(opened())
        try:
            yield Client(runner, socket)
        finally:
            runner.run(socket.close())


def _subscribed(client: Client, filters: list[dict[str, Any]] | None = None) -> str:
    session = str(client.begin()["sessionId"])
    assert client.ask("addSubscription", filters=ALL if filters is None else filters)["status"] == 200
    return session


@pytest.fixture
def site(video: Path) -> Iterator[Running]:
    with run(video, "--user-defined-event", "Arm", "--ess-resume-seconds", "30") as simulator:
        yield simulator


def test_a_session_subscribes_and_is_told_of_events(site: Running) -> None:
    with dial(site) as client:
        begun = client.begin()
        assert (begun["status"], begun["inactiveTimeoutSeconds"]) == (201, 30)
        added = client.ask("addSubscription", filters=ALL)
        assert added["status"] == 200
        site.act("trigger-event", name="Arm", camera="gate")
        event = client.next_event()
        assert (event["specversion"], event["source"]) == ("1.0", f"cameras/{site.camera}")
        site.act("trigger-event", name="Arm")
        event = client.next_event()
        assert event["source"] == f"userDefinedEvents/{event['type']}"
        assert client.ask("removeSubscription", subscriptionId=added["subscriptionId"]) == {"status": 200}
        site.act("trigger-event", name="Arm")
        assert client.ask("getState") == {"status": 200, "states": []}
        assert client.pushed == []


def test_a_camera_that_is_lost_changes_its_state(site: Running) -> None:
    with dial(site) as client:
        types = [COMMUNICATION_STARTED, COMMUNICATION_STOPPED]
        wanted = {"modifier": "include", "resourceTypes": ["cameras"], "sourceIds": ["*"], "eventTypes": types}
        _subscribed(client, [wanted])
        [before] = client.ask("getState")["states"]
        site.act("lose-camera", camera=site.camera)
        event = client.next_event()
        assert (before["type"], event["type"]) == (COMMUNICATION_STARTED, COMMUNICATION_STOPPED)
        assert (event["source"], event["stategroupid"]) == (f"cameras/{site.camera}", before["stategroupid"])
        assert client.ask("getState")["states"] == [event]
        site.act("return-camera", camera=site.camera)
        assert client.next_event()["type"] == COMMUNICATION_STARTED


@pytest.mark.parametrize(
    "filters",
    [
        [],
        [{**ALL[0], "resourceTypes": ["hardware"]}],
        [{**ALL[0], "sourceIds": ["no"]}],
        [{**ALL[0], "eventTypes": [COMMUNICATION_STARTED]}],
        [*ALL, {**ALL[0], "modifier": "exclude", "resourceTypes": ["Cameras"]}],
        [{**ALL[0], "modifier": "exclude"}],
    ],
    ids=["none", "resource type", "source", "event type", "excluded", "only excluded"],
)
def test_what_no_filter_includes_is_not_told(site: Running, filters: list[dict[str, Any]]) -> None:
    with dial(site) as client:
        _subscribed(client, filters)
        site.act("trigger-event", name="Arm", camera="gate")
        client.ask("getState")
        assert client.pushed == []


def test_a_subscription_without_filters_is_silent(site: Running) -> None:
    with dial(site) as client:
        client.begin()
        assert client.ask("addSubscription")["status"] == 200
        site.act("trigger-event", name="Arm")
        assert client.ask("getState")["states"] == []


def test_a_session_that_is_resumed_in_time_gets_what_it_missed(site: Running) -> None:
    with dial(site) as client:
        session = _subscribed(client)
        site.act("trigger-event", name="Arm")
        first = client.next_event()
        site.act("trigger-event", name="Arm")
        second = client.next_event()
    third = site.act("trigger-event", name="Arm")
    with dial(site) as client:
        assert client.begin(session, first["id"])["status"] == 200
        assert [client.next_event()["id"] for _ in range(2)] == [second["id"], third["id"]]
        fourth = site.act("trigger-event", name="Arm")
        assert client.next_event()["id"] == fourth["id"]


def test_a_session_that_is_resumed_too_late_starts_over(video: Path) -> None:
    with run(video, "--user-defined-event", "Arm", "--ess-resume-seconds", "0") as simulator:
        with dial(simulator) as client:
            session = _subscribed(client)
            simulator.act("trigger-event", name="Arm")
            event = client.next_event()
        with dial(simulator) as client:
            begun = client.begin(session, event["id"])
            assert begun["status"] == 201
            assert begun["sessionId"] != session
            assert client.ask("getState")["states"] == []


def test_a_second_socket_takes_the_session_over(site: Running) -> None:
    with dial(site) as old:
        session = _subscribed(old)
        with dial(site) as client:
            assert client.begin(session, "")["status"] == 200
            assert old.is_closed()
            site.act("trigger-event", name="Arm")
            assert client.next_event()["source"].startswith("userDefinedEvents/")


def test_events_come_while_a_command_is_being_answered(video: Path) -> None:
    with (
        run(video, "--user-defined-event", "Arm", "--ess-state-seconds", "0.3") as simulator,
        dial(simulator) as client,
    ):
        _subscribed(client)
        client.send(json.dumps({"command": "getState", "commandId": 99}))
        simulator.act("trigger-event", name="Arm")
        assert "events" in client.receive()
        assert client.receive()["commandId"] == 99


@pytest.mark.parametrize(
    ("command", "fields", "status"),
    [
        ("addSubscription", {"filters": ALL}, 400),
        ("getState", {}, 400),
        ("startSession", {}, 400),
        ("sing", {}, 400),
        ("removeSubscription", {"subscriptionId": "x"}, 400),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_an_error(
    site: Running, command: str, fields: dict[str, Any], status: int
) -> None:
    with dial(site) as client:
        answer = client.ask(command, **fields)
        assert (answer["status"], bool(answer["error"]["errorText"])) == (status, True)
        assert client.begin()["status"] == 201


@pytest.mark.parametrize(
    "spoilt",
    [
        "no list",
        [7],
        [{**ALL[0], "modifier": "perhaps"}],
        [{**ALL[0], "sourceIds": []}],
        [{**ALL[0], "sourceIds": "*"}],
        [{**ALL[0], "eventTypes": [7]}],
    ],
)
def test_filters_that_cannot_be_read_are_an_error(site: Running, spoilt: Any) -> None:
    with dial(site) as client:
        client.begin()
        assert client.ask("addSubscription", filters=spoilt)["status"] == 400
        assert client.ask("removeSubscription", subscriptionId="x")["status"] == 404
        assert client.begin()["status"] == 400


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"command":"getState"}', '{"commandId":1}', '{"command":"getState","commandId":"1"}']
)
def test_what_is_no_command_closes_the_socket(site: Running, text: str) -> None:
    with dial(site) as client:
        client.send(text)
        assert client.is_closed()


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic dmlnaWU6dmlnaWUtZGVtbw=="])
def test_a_wrong_token_is_refused_at_the_upgrade(site: Running, authorization: str) -> None:
    with pytest.raises(InvalidStatus) as caught, dial(site, authorization=authorization):
        pass
    assert caught.value.response.status_code == 401


def test_a_client_may_authenticate_by_command(site: Running) -> None:
    with dial(site, "/API/WS/events/v1/", authorization="") as client:
        assert client.begin()["status"] == 401
        assert client.ask("authenticate", token="nonsense")["status"] == 401
        assert client.ask("authenticate", token=f"Bearer {site.bearer()}") == {"status": 200}
        assert client.begin()["status"] == 201


def test_before_2024r1_there_is_neither_authenticate_nor_a_time_out(video: Path) -> None:
    with run(video, "--release", "2023R3") as simulator:
        with pytest.raises(InvalidStatus) as caught, dial(simulator, authorization=""):
            pass
        assert caught.value.response.status_code == 401
        with dial(simulator) as client:
            assert client.ask("authenticate", token=f"Bearer {simulator.bearer()}")["status"] == 400
            assert "inactiveTimeoutSeconds" not in client.begin()


def test_before_2023r3_there_is_nothing(video: Path) -> None:
    with run(video, "--release", "2023R2") as simulator, pytest.raises(InvalidStatus) as caught, dial(simulator):
        pass
    assert caught.value.response.status_code == 404


@pytest.mark.parametrize("status", [401, 503])
def test_connections_are_turned_away_on_order(site: Running, status: int) -> None:
    site.order("ess", str(status))
    with pytest.raises(InvalidStatus) as caught, dial(site):
        pass
    assert caught.value.response.status_code == status
    with dial(site) as client:
        assert client.begin()["status"] == 201


def test_a_socket_is_dropped_on_order_and_the_session_lives_on(site: Running) -> None:
    with dial(site) as client:
        session = _subscribed(client)
    site.order("ess", "recycle")
    with dial(site) as client:
        assert client.begin(session)["status"] == 200
        assert client.is_closed()
    with dial(site) as client:
        assert client.begin(session)["status"] == 200


def test_a_recycling_gateway_drops_live_sockets(video: Path) -> None:
    with run(video, "--recycle-seconds", "0") as simulator:
        with dial(simulator) as client:
            session = _subscribed(client)
            simulator.order("gateway-recycle", "now")
            assert client.is_closed()
        with dial(simulator) as client:
            assert client.begin(session)["status"] == 200


def test_the_state_of_a_large_site_is_megabytes(video: Path) -> None:
    with run(video, "--cameras", "2600") as simulator, dial(simulator) as client:
        _subscribed(client)
        states = client.ask("getState")["states"]
        cameras = {state["source"] for state in states if state["type"] == COMMUNICATION_STARTED}
        assert len(cameras) == 2600
        assert len(json.dumps(states)) > 2_500_000


def test_a_silent_server_accepts_everything_and_tells_nothing(site: Running) -> None:
    site.order("ess", "silent")
    with dial(site) as client:
        _subscribed(client)
        site.act("trigger-event", name="Arm")
        assert client.ask("getState")["states"] != []
        assert client.pushed == []


def test_half_a_message_comes_on_order(site: Running) -> None:
    site.order("ess", "malformed")
    with dial(site) as client:
        client.send(json.dumps({"command": "startSession", "commandId": 1, "sessionId": "", "eventId": ""}))
        client.receive()
        with pytest.raises(ValueError, match="Expecting value"):
            client.receive()


def test_a_request_that_is_no_websocket_is_refused(site: Running) -> None:
    assert site.send("GET", "/api/ws/events/v1").status_code == 400
