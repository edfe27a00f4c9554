from __future__ import annotations

import pytest

from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.protocols.simulation import FaultBoard
from core.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(username="Vigie", password="secret", jwt_s=60.0, soap_s=120.0, clock=clock, faults=FaultBoard())


def test_a_bearer_token_ends_with_its_life(tokens: Tokens, clock: ManualClock) -> None:
    token = tokens.issue_bearer("https://vms/IDP", "GrantValidatorClient")
    clock.advance(59.9)
    assert tokens.is_bearer(token)
    clock.advance(0.2)
    assert not tokens.is_bearer(token)


def test_a_soap_token_ends_with_its_life_and_its_successor_lives_on(tokens: Tokens, clock: ManualClock) -> None:
    first = tokens.issue_soap("vms01")
    assert first.text.startswith("TOKEN#")
    assert first.text.endswith("#vms01//ServerConnector#")
    clock.advance(119.0)
    second = tokens.issue_soap("vms01")
    assert tokens.is_soap(first.text)
    clock.advance(2.0)
    assert (tokens.is_soap(first.text), tokens.is_soap(second.text)) == (False, True)


def test_one_kind_of_token_does_not_pass_for_the_other(tokens: Tokens) -> None:
    assert not tokens.is_bearer(tokens.issue_soap("vms01").text)
    assert not tokens.is_soap(tokens.issue_bearer("https://vms/IDP", "VmsClient"))


@pytest.mark.parametrize(
    ("username", "password", "expected"),
    [("Vigie", "secret", True), ("vigie", "secret", True), ("Vigie", "Secret", False), ("", "", False)],
)
def test_the_account_is_known_by_name_in_any_case_and_exact_password(
    tokens: Tokens, username: str, password: str, expected: bool
) -> None:
    assert tokens.is_account(username, password) is expected


def test_tokens_that_have_ended_are_forgotten(tokens: Tokens, clock: ManualClock) -> None:
    for _ in range(5):
        tokens.issue_bearer("https://vms/IDP", "VmsClient")
        tokens.issue_soap("vms01")
        clock.advance(200.0)
    assert (len(tokens._bearers), len(tokens._soap)) == (1, 1)
