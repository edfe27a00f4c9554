"""Setting up a simulated site, and what the check says of it afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import responses
import yaml

from connectors.genetec.commands import COMMAND
from connectors.genetec.setup import Item, Outcome, set_up
from connectors.genetec.simulator.site import SYSTEM_CONFIGURATION
from core import registry
from core.cli.parsing import run_command
from core.errors import UsageError
from core.registry import Group
from core.types import FindingLevel
from tests.connectors.genetec import samples
from tests.connectors.genetec.simulator.running import PASSWORD, USER
from tests.connectors.genetec.site import NOBODY, Site, running_site

pytestmark = pytest.mark.slow

CREATED, PLANNED, THERE, BY_HAND, FAILED = (
    Outcome.CREATED,
    Outcome.PLANNED,
    Outcome.THERE,
    Outcome.BY_HAND,
    Outcome.FAILED,
)
DEMO: dict[str, Any] = {
    "publish": ["event", "alarm", "bookmark"],
    "control": [{"event": "Night", "state": "armed"}, {"event": "Day", "state": "as_configured"}],
}
EVENT, NIGHT, DAY = "custom event 'Vigie' (5000)", "custom event 'Night'", "custom event 'Day'"
ALARM, USER_TOLD = "alarm 'Vigie'", "recipient 'vigie' of the alarm"
OPERATORS, LINK = "operators among the recipients of the alarm", "event-to-action 'Vigie' → alarm"
MADE = (EVENT, NIGHT, DAY, ALARM)


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site("--fresh", "--cameras", "2", "--extra-user", "operator=secret") as running:
        yield running


def outcomes(items: Sequence[Item]) -> dict[str, Outcome]:
    return {item.what: item.outcome for item in items}


def details(items: Sequence[Item]) -> dict[str, str]:
    return {item.what: item.details for item in items}


def events(site: Site) -> dict[int, str]:
    query = f"entity={SYSTEM_CONFIGURATION},CustomEvents"
    found = site.client.ask("GET", "/entity", query)["Result"]["CustomEvents"]
    return {event["Id"]: event["Name"] for event in found}


def guids(site: Site, entity_type: str) -> list[str]:
    rows = site.client.ask("GET", "/report/EntityConfiguration", f"EntityTypes@{entity_type}")["Result"]
    return [row["Guid"] for row in rows]


def described(site: Site, guid: str) -> dict[str, Any]:
    found: dict[str, Any] = site.client.ask("GET", f"/entity/{guid}")["Result"]
    return found


def configuration(site: Site) -> dict[str, Any]:
    """Everything that setting up may touch."""
    alarms = [described(site, guid) for guid in guids(site, "Alarm")]
    return {"events": events(site), "alarms": alarms, "users": guids(site, "User")}


def by_hand(site: Site, *cameras: str) -> None:
    """What the set-up leaves to an administrator."""
    (alarm,) = guids(site, "Alarm")
    operator = next(guid for guid in guids(site, "User") if described(site, guid)["Name"] == "operator")
    site.client.ask("POST", "/entity", f"entity={alarm},Recipients@({operator},00:00:01)")
    for camera in cameras or ("",):
        order = {"event": "Vigie", "alarm": "Vigie"} | ({"camera": camera} if camera else {})
        assert site.client.act("add-event-to-action", **order).status_code == 200


def wrong(site: Site, **changes: Any) -> list[str]:
    return [finding.code for finding in site.check(**changes) if finding.level is not FindingLevel.OK]


def test_a_fresh_site_gets_all_that_the_web_sdk_can_make_and_the_rest_is_told(site: Site) -> None:
    found = site.set_up(**DEMO)
    assert outcomes(found) == {**dict.fromkeys(MADE, CREATED), USER_TOLD: THERE, OPERATORS: BY_HAND, LINK: BY_HAND}
    assert events(site) == {5000: "Vigie", 5001: "Night", 5002: "Day"}
    (alarm,) = (described(site, guid) for guid in guids(site, "Alarm"))
    assert (alarm["Name"], alarm["Priority"], alarm["ReactivationThreshold"]) == ("Vigie", 1, "00:00:00")
    assert [described(site, guid)["Name"] for guid in alarm["Recipients"]] == [USER]


def test_what_is_left_by_hand_is_told_with_menus_and_values(site: Site) -> None:
    found = details(site.set_up(**DEMO))
    for text in (
        "Config Tool → Automation → Actions",
        "When: Vigie",
        "From: Any entity",
        "Trigger alarm",
        "Alarm: Vigie",
    ):
        assert text in found[LINK]
    assert "Config Tool → Alarms → Alarms → Vigie → Properties → Recipients" in found[OPERATORS]


def test_a_second_run_changes_nothing(site: Site) -> None:
    site.set_up(**DEMO)
    before = configuration(site)
    assert outcomes(site.set_up(**DEMO)) == {
        **dict.fromkeys((*MADE, USER_TOLD), THERE),
        OPERATORS: BY_HAND,
        LINK: BY_HAND,
    }
    assert configuration(site) == before


def test_what_was_done_by_hand_is_seen_by_the_next_run_and_by_the_check(site: Site) -> None:
    assert "custom_event_not_found" in wrong(site, **DEMO)
    site.set_up(**DEMO)
    assert set(wrong(site, **DEMO)) == {"event_to_action_missing", "alarm_recipients_own"}
    by_hand(site)
    assert set(outcomes(site.set_up(**DEMO)).values()) == {THERE}
    assert wrong(site, **DEMO) == []


def test_a_camera_without_its_event_to_action_is_named(site: Site) -> None:
    site.set_up(**DEMO)
    first, second = site.cameras
    by_hand(site, first.device)
    left = site.set_up(**DEMO)
    assert outcomes(left)[LINK] is BY_HAND
    assert f"not seen on {second.name}" in details(left)[LINK]
    assert wrong(site, **DEMO) == ["event_to_action_missing"]


def test_a_dry_run_says_what_it_would_do_and_does_nothing(site: Site) -> None:
    before = configuration(site)
    found = outcomes(site.set_up(is_dry_run=True, **DEMO))
    assert found == {**dict.fromkeys((*MADE, USER_TOLD), PLANNED), OPERATORS: BY_HAND, LINK: BY_HAND}
    assert configuration(site) == before


def test_only_what_the_settings_ask_for_is_made(site: Site) -> None:
    assert site.set_up(publish=["bookmark"]) == []
    assert outcomes(site.set_up(publish=["event"])) == {EVENT: CREATED}
    assert guids(site, "Alarm") == []


def test_an_alarm_of_another_name_that_the_event_triggers_is_left_as_it_is() -> None:
    with running_site() as site:
        before = guids(site, "Alarm")
        found = outcomes(site.set_up(publish=["alarm"]))
        assert found == {EVENT: THERE, ALARM: THERE, USER_TOLD: CREATED, OPERATORS: THERE, LINK: THERE}
        assert guids(site, "Alarm") == before


def test_numbers_that_are_taken_are_passed_over() -> None:
    with running_site("--custom-event", "5000:Vigie", "--control-event", "5001:Other") as site:
        site.set_up(publish=["event"], control=DEMO["control"])
        assert events(site) == {5000: "Vigie", 5001: "Other", 5002: "Night", 5003: "Day"}


@pytest.mark.parametrize(
    ("existing", "said"),
    [
        (
            "5000:Other",
            "the value 5000 belongs to the custom event 'Other'. Set 'event_id' to a free value, such as 5001",
        ),
        ("7:Vigie", "a custom event 'Vigie' is there, but with the value 7. Set 'event_id: 7'"),
    ],
)
def test_a_clash_of_number_or_name_is_a_failure_that_names_it(existing: str, said: str) -> None:
    with running_site("--custom-event", existing) as site:
        before = events(site)
        (item,) = site.set_up(publish=["event"])
        assert item.outcome is FAILED
        assert item.details.startswith(said)
        assert events(site) == before


def test_an_event_for_another_type_of_entity_is_a_clash() -> None:
    with running_site("--fresh") as site:
        add = f"entity={SYSTEM_CONFIGURATION},CustomEvents.Add(5000,Vigie,Door)"
        site.client.ask("POST", "/entity", add)
        (item,) = site.set_up(publish=["event"])
    assert item.outcome is FAILED
    assert "type Door, not Camera" in item.details


def test_an_account_that_may_not_change_anything_is_told_where_to_do_it_by_hand() -> None:
    with running_site("--fresh", "--deny", "configure") as site:
        found = site.set_up(**DEMO)
    assert set(outcomes(found).values()) == {BY_HAND}
    assert all("Config Tool →" in item.details for item in found)
    assert "UnsufficientPrivilege" in details(found)[EVENT]
    assert "Value: 5000" in details(found)[EVENT]


@pytest.mark.parametrize(
    ("denied", "left"),
    [
        ("CustomEvents", {EVENT, NIGHT, DAY}),
        ("users", {ALARM, USER_TOLD, OPERATORS}),
        ("Recipients", {USER_TOLD}),
    ],
)
def test_what_may_not_be_seen_is_left_by_hand(denied: str, left: set[str]) -> None:
    with running_site("--fresh", "--deny", denied) as site:
        found = outcomes(site.set_up(**DEMO))
    always = {OPERATORS, LINK}
    assert {what for what, outcome in found.items() if outcome is BY_HAND} == left | always


def test_a_direct_alarm_is_only_looked_for() -> None:
    with running_site() as site:
        (alarm,) = guids(site, "Alarm")
        direct: dict[str, Any] = {"publish": ["alarm"], "alarm_route": "direct"}
        found = outcomes(site.set_up(alarm=alarm, **direct))
        assert found == {f"alarm {alarm}": THERE, USER_TOLD: CREATED, OPERATORS: THERE}
        unknown = site.set_up(alarm=samples.ALARM, **direct)
        assert outcomes(unknown)[f"alarm {samples.ALARM}"] is BY_HAND
        assert len(guids(site, "Alarm")) == 1


def test_an_alarm_of_the_settings_that_is_not_there_is_a_clash(site: Site) -> None:
    found = site.set_up(publish=["alarm"], alarm=samples.ALARM)
    assert outcomes(found)[ALARM] is FAILED
    assert samples.ALARM in details(found)[ALARM]


def test_a_name_that_the_web_sdk_cannot_write_is_left_by_hand(site: Site) -> None:
    (item,) = site.set_up(publish=["event"], event_name="Quai #1")
    assert item.outcome is BY_HAND
    assert "'#'" in item.details


@pytest.mark.parametrize("name", ["Vigie, quai (nord) {a}=b* \\ @é", "Intrusion (AI)"])
def test_names_with_signs_of_the_query_language_are_made_once(site: Site, name: str) -> None:
    for expected in (CREATED, THERE):
        found = outcomes(site.set_up(publish=["alarm"], event_name=name))
        assert (found[f"custom event {name!r} (5000)"], found[f"alarm {name!r}"]) == (expected, expected)


def test_a_camera_that_security_center_does_not_have_fails_alone(site: Site) -> None:
    ghost = samples.CAMERA.model_copy(update={"id": "ghost"})
    nonsense = samples.CAMERA.model_copy(update={"id": "nonsense", "device": "12"})
    given = site.settings(publish=["event"])
    found = set_up(given, site.services(), [ghost, nonsense, *site.cameras], is_dry_run=False)
    assert outcomes(found) == {"camera ghost": FAILED, "camera nonsense": FAILED, EVENT: CREATED}


def test_an_answer_that_is_lost_is_a_failure_and_the_next_run_makes_nothing_twice(site: Site) -> None:
    site.client.order("web", "ok", "ok", "ok", "accept-then-drop")
    assert outcomes(site.set_up(publish=["event"])) == {EVENT: FAILED}
    assert outcomes(site.set_up(publish=["event"])) == {EVENT: THERE}


@pytest.mark.parametrize("changes", [{"url": f"https://{NOBODY}/WebSdk"}, {"username": "other"}])
def test_a_vms_that_lets_nobody_in_is_one_failure(site: Site, changes: dict[str, Any]) -> None:
    (item,) = site.set_up(**changes)
    assert (item.what, item.outcome) == ("log on", FAILED)


@pytest.mark.parametrize("shown", ["5000", {"Vigie": "5000"}])
def test_a_list_of_events_that_cannot_be_read_is_never_taken_for_an_empty_one(shown: Any) -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{samples.URL}/", json=samples.ok())
        row = {"Guid": SYSTEM_CONFIGURATION, "CustomEvents": shown}
        mock.get(f"{samples.URL}/entity", json=samples.ok(row))
        vms = samples.connector()
        (item,) = set_up(samples.settings(publish=["event"]), vms._services, [], is_dry_run=False)
    assert item.outcome is BY_HAND


def test_what_is_said_to_be_made_and_does_not_show_is_left_by_hand() -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{samples.URL}/", json=samples.ok())
        mock.get(f"{samples.URL}/entity", json=samples.ok({"Guid": SYSTEM_CONFIGURATION, "CustomEvents": []}))
        mock.post(f"{samples.URL}/entity", json=samples.ok())
        vms = samples.connector()
        (item,) = set_up(samples.settings(publish=["event"]), vms._services, [], is_dry_run=False)
    assert item.outcome is BY_HAND
    assert "does not show it" in item.details


def test_the_command_prints_a_table_or_json_and_ends_with_what_is_left(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIE_TEST_PW", PASSWORD)
    monkeypatch.setenv("VIGIE_TEST_APP", site.client.extra("application_id"))
    path = write_site(tmp_path, site, publish=["event"])
    assert run("setup", path, "--dry-run") == 0
    assert "would be created" in capsys.readouterr().out
    assert run("setup", path, "--vms", "sc", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"]
    assert [item["outcome"] for item in document["items"]] == ["created"]
    assert run("setup", write_site(tmp_path, site, publish=["alarm"])) == 1
    assert "by hand" in capsys.readouterr().out
    with pytest.raises(UsageError, match="'other'"):
        run("setup", path, "--vms", "other")


def run(*arguments: str) -> int:
    return run_command(COMMAND, "vigie genetec", arguments)


def test_the_command_is_installed() -> None:
    assert registry.command(Group.COMMANDS, "genetec") is COMMAND


def write_site(folder: Path, site: Site, **changes: Any) -> str:
    vms = {
        "id": "sc",
        "type": "genetec",
        "url": site.client.announced.url,
        "username": USER,
        "password": {"env": "VIGIE_TEST_PW"},
        "application_id": {"env": "VIGIE_TEST_APP"},
        "ca": site.client.announced.ca,
        **changes,
    }
    cameras = [{"id": "quai-1", "vms": "sc", "device": site.cameras[0].device}]
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "site": {"name": "Gare"}, "vms": [vms], "cameras": cameras}))
    return str(path)
