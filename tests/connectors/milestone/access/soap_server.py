"""A mocked ServerCommandService that answers by operation."""

from __future__ import annotations

import requests
import responses
from lxml import etree

from tests.connectors.milestone.gateway import OAUTH, login_answer


class SoapServer:
    """Answers each operation with its own body, a fault with status 500."""

    def __init__(self, mock: responses.RequestsMock, **answers: str) -> None:
        self.asked: list[str] = []
        self._answers = {"Login": login_answer(), **answers}
        mock.remove("POST", OAUTH)
        mock.add_callback("POST", OAUTH, callback=self, content_type="text/xml")

    def __call__(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        operation = etree.QName(etree.fromstring(bytes(request.body or b""))[0][0]).localname  # type: ignore[arg-type]
        self.asked.append(operation)
        body = self._answers[operation]
        return (500 if "<s:Fault>" in body else 200), {}, body
