from __future__ import annotations

import pytest
import requests
from lxml import etree

from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running

NS = "http://videoos.net/2/XProtectCSRecorderCommand"
PATH = "/RecorderCommandService/RecorderCommandService.asmx"


def _post(simulator: Running, token: str, path: str = PATH) -> requests.Response:
    host, port = simulator.recorder
    document = (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<StartRecording xmlns="{NS}">{token}<deviceId>{simulator.camera}</deviceId></StartRecording>'
        "</soap:Body></soap:Envelope>"
    )
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    address = f"https://{host}:{port}{path}"
    return requests.post(address, data=document, headers=headers, verify=simulator.ca, timeout=TIMEOUT_S)


def _detail(answer: requests.Response) -> tuple[str | None, str | None]:
    assert answer.status_code == 500
    detail = etree.fromstring(answer.content).find(".//detail")
    assert detail is not None
    return detail.get("ErrorNumber"), detail.get("SubErrorNumber")


def test_the_port_of_the_video_answers_http_too_and_knows_no_start_recording(simulator: Running) -> None:
    assert _detail(_post(simulator, f"<token>{simulator.soap_token()}</token>"))[0] == "40000"
    assert _detail(_post(simulator, f"<token>{simulator.soap_token()}</token>", PATH.lower()))[0] == "40000"


@pytest.mark.parametrize(
    ("token", "sub_number"), [("", "1"), ("<token></token>", "1"), ("<token>TOKEN#x#y//ServerConnector#</token>", "2")]
)
def test_a_missing_and_an_invalid_token_are_told_apart(simulator: Running, token: str, sub_number: str) -> None:
    assert _detail(_post(simulator, token)) == ("20001", sub_number)


def test_a_jwt_is_no_token_for_the_recorder(simulator: Running) -> None:
    assert _detail(_post(simulator, f"<token>{simulator.bearer()}</token>")) == ("20001", "2")


def test_other_paths_and_methods_are_not_found(simulator: Running) -> None:
    host, port = simulator.recorder
    assert _post(simulator, "", "/elsewhere").status_code == 404
    answer = requests.get(f"https://{host}:{port}{PATH}", verify=simulator.ca, timeout=TIMEOUT_S)
    assert answer.status_code == 404


@pytest.mark.parametrize("garbage", [b"HELO\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"])
def test_what_is_neither_protocol_is_a_bad_request(simulator: Running, garbage: bytes) -> None:
    with simulator.connect() as connection:
        connection.sendall(garbage)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
