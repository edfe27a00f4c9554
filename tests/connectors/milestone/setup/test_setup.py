"""Setting up a simulated site, and what the check says of it afterwards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from config.model import CameraSettings
from connectors.milestone.commands import COMMAND
from connectors.milestone.setup import Item, Outcome, set_up
from core import registry
from core.cli.parsing import run_command
from core.errors import UsageError
from core.registry import Group
from core.types import FindingLevel
from tests.connectors.milestone.gateway import add_list, gateway
from tests.connectors.milestone.simulator.running import PASSWORD, USERNAME, Running
from tests.connectors.milestone.sites import connect, running_site, services_for, settings_for, write_clip
from tests.connectors.milestone.support import REST, camera, services, settings

pytestmark = pytest.mark.slow

CREATED, PLANNED, THERE, BY_HAND, FAILED = (
    Outcome.CREATED,
    Outcome.PLANNED,
    Outcome.THERE,
    Outcome.BY_HAND,
    Outcome.FAILED,
)
FRESH = ("--analytics-event", "Other", "--task-seconds", "0.05")
DEMO: dict[str, Any] = {
    "publish": ["event", "bookmark", "trigger"],
    "control": [{"event": "Night", "state": "armed"}, {"event": "Day", "state": "as_configured"}],
}
VPS: dict[str, Any] = {
    "video": "vps",
    "publish": ["alarm", "metadata"],
    "allow_http": True,
    "vps": {"listen": "127.0.0.1:0"},
}
EVENTS = (
    "analytics event 'Vigie'",
    "alarm definition 'Vigie'",
    "user-defined event 'Vigie alert'",
    "user-defined event 'Night'",
    "user-defined event 'Day'",
)
HARDWARE = (
    "VPS hardware for quai-1",
    "VPS hardware for quai-1: enabled with its devices",
    "VPS hardware for quai-1: settings",
    "related metadata of quai-1",
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("videos"))


@pytest.fixture
def site(clip: Path) -> Iterator[Running]:
    with running_site(clip, *FRESH) as running:
        yield running


@pytest.fixture
def writable(clip: Path) -> Iterator[Running]:
    """As if XProtect took client and driver settings over REST, which nobody has seen."""
    with running_site(clip, *FRESH, "--writable-settings") as running:
        yield running


def made(
    site: Running,
    cameras: Sequence[CameraSettings] = (),
    *,
    is_dry_run: bool = False,
    say: Callable[[str], None] = lambda _: None,
    **changes: Any,
) -> list[Item]:
    watched = cameras or [camera(device=site.camera)]
    return set_up(settings_for(site, **changes), services_for(), watched, is_dry_run=is_dry_run, say=say)


def outcomes(items: Sequence[Item]) -> dict[str, Outcome]:
    return {item.what: item.outcome for item in items}


def definitions(site: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.rest("GET", "/alarmDefinitions").json()["array"]
    return found


def wrong(site: Running, **changes: Any) -> list[str]:
    found = connect(site, **changes).check([camera(device=site.camera)])
    return [finding.code for finding in found if finding.level is not FindingLevel.OK]


def test_a_fresh_site_gets_all_that_a_demo_needs_and_the_check_is_content(site: Running) -> None:
    assert {"analytics_event_not_found", "trigger_event_not_found", "control_event_not_found"} <= {*wrong(site, **DEMO)}
    assert outcomes(made(site, **DEMO)) == dict.fromkeys(EVENTS, CREATED)
    assert wrong(site, **DEMO) == []
    (definition,) = definitions(site)
    assert definition["sourceList"] == [{"type": "cameras", "id": site.camera}]
    assert definition["priority"] == "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75", "High"


def test_a_second_run_changes_nothing(site: Running) -> None:
    made(site, **DEMO)
    before = configuration(site)
    assert outcomes(made(site, **DEMO)) == dict.fromkeys(EVENTS, THERE)
    assert configuration(site) == before


def test_a_dry_run_says_what_it_would_do_and_does_nothing(site: Running) -> None:
    before = configuration(site)
    wanted = {**VPS, "publish": ["event", "trigger", "metadata"], "control": DEMO["control"]}
    assert outcomes(made(site, is_dry_run=True, **wanted)) == dict.fromkeys((*EVENTS, *HARDWARE), PLANNED)
    assert configuration(site) == before


def test_only_what_the_settings_ask_for_is_made(site: Running) -> None:
    assert made(site, publish=["alarm", "bookmark"]) == []
    assert list(outcomes(made(site, publish=["event"]))) == list(EVENTS[:2])


def test_no_alarm_definition_is_made_where_each_alert_becomes_an_alarm_anyway(site: Running) -> None:
    assert list(outcomes(made(site, publish=["event", "alarm"]))) == [EVENTS[0]]
    assert definitions(site) == []


def test_a_camera_that_came_later_is_added_to_the_definition(clip: Path) -> None:
    with running_site(clip, "--cameras", "2") as site:
        first, second = (camera(id=f"quai-{n}", device=item.device) for n, item in enumerate(site.announced.cameras, 1))
        made(site, [first], publish=["event"])
        assert outcomes(made(site, [first, second], publish=["event"]))["alarm definition 'Vigie'"] is CREATED
        (definition,) = definitions(site)
        assert {item["id"] for item in definition["sourceList"]} == {first.device, second.device}


def test_a_definition_of_another_name_is_left_alone_and_only_what_it_lacks_is_made(clip: Path) -> None:
    with running_site(clip, "--cameras", "2") as site:
        first, second = (camera(id=f"quai-{n}", device=item.device) for n, item in enumerate(site.announced.cameras, 1))
        made(site, [first], publish=["event"])
        definition_id = definitions(site)[0]["id"]
        site.rest("PATCH", f"/alarmDefinitions/{definition_id}", json={"name": "Gate"}).raise_for_status()
        made(site, [first, second], publish=["event"])
        sources = {item["name"]: [source["id"] for source in item["sourceList"]] for item in definitions(site)}
        assert sources == {"Gate": [first.device], "Vigie": [second.device]}


def test_a_definition_that_was_disabled_is_left_to_its_administrator(site: Running) -> None:
    made(site, publish=["event"])
    definition_id = definitions(site)[0]["id"]
    site.rest("PATCH", f"/alarmDefinitions/{definition_id}", json={"enabled": False}).raise_for_status()
    found = {item.what: item for item in made(site, publish=["event"])}["alarm definition 'Vigie'"]
    assert found.outcome is BY_HAND
    assert "disabled" in found.details


def test_a_camera_that_xprotect_does_not_have_fails_alone(site: Running) -> None:
    ghost = camera(id="ghost", device="99999999-9999-4999-8999-999999999999")
    nonsense = camera(id="nonsense", device="gate")
    found = outcomes(made(site, [ghost, nonsense, camera(device=site.camera)], publish=["event"]))
    assert found == {
        "camera ghost": FAILED,
        "camera nonsense": FAILED,
        "analytics event 'Vigie'": CREATED,
        "alarm definition 'Vigie'": CREATED,
    }


def test_vps_hardware_is_made_and_what_rest_does_not_take_is_left_by_hand(site: Running) -> None:
    told: list[str] = []
    found = {item.what: item for item in made(site, say=told.append, **VPS)}
    assert [found[what].outcome for what in HARDWARE] == [CREATED, CREATED, BY_HAND, BY_HAND]
    assert any("%" in text for text in told)
    settings_by_hand, related_by_hand = (found[what].details for what in HARDWARE[2:])
    assert f"SourceCamera = {site.camera}" in settings_by_hand
    assert "DriverParameters = VPSNODES,http://127.0.0.1:0/vps/quai-1" in settings_by_hand
    assert "<" not in settings_by_hand
    assert "Related metadata: tick Vigie quai-1 - Metadata" in related_by_hand
    assert {"vps_settings_wrong", "vps_related_missing", "vps_rules_missing"} <= {*wrong(site, **VPS)}


def test_what_was_done_by_hand_is_seen_by_the_next_run_and_by_the_check(site: Running) -> None:
    made(site, **VPS)
    hardware, metadata = vps_ids(site)
    values = {"SourceCamera": site.camera, "DriverParameters": "VPSNODES,http://127.0.0.1:0/vps/quai-1"}
    site.act("set-hardware-settings", hardware=hardware, settings=values)
    site.act("relate-devices", device=site.camera, related=[{"type": "metadata", "id": metadata}])
    assert outcomes(made(site, **VPS)) == dict.fromkeys(HARDWARE, THERE)
    assert "vps_rules_missing" in wrong(site, **VPS)
    site.act("record-metadata", metadata=[metadata])
    assert wrong(site, **VPS) == ["vps_not_encrypted"]


def test_where_rest_takes_everything_nothing_is_left_by_hand(writable: Running) -> None:
    assert outcomes(made(writable, **VPS)) == dict.fromkeys(HARDWARE, CREATED)
    before = configuration(writable)
    assert outcomes(made(writable, **VPS)) == dict.fromkeys(HARDWARE, THERE)
    assert configuration(writable) == before
    found = {finding.code for finding in connect(writable, **VPS).check([camera(device=writable.camera)])}
    assert {"vps_hardware_ok", "vps_settings_ok", "vps_metadata_ok", "vps_related_ok", "vps_views_unseen"} <= found


def test_each_camera_has_hardware_of_its_own(clip: Path) -> None:
    with running_site(clip, *FRESH, "--cameras", "3", "--writable-settings") as site:
        cameras = [camera(id=f"quai-{n}", device=item.device) for n, item in enumerate(site.announced.cameras)]
        assert Counter(item.outcome for item in made(site, cameras, **VPS)) == {CREATED: 12}
        assert Counter(item.outcome for item in made(site, cameras, **VPS)) == {THERE: 12}
        found = connect(site, **VPS).check(cameras)
        assert [finding.code for finding in found].count("vps_settings_ok") == 3


def test_hardware_that_was_disabled_again_is_told_and_enabled_again(writable: Running) -> None:
    made(writable, **VPS)
    hardware, metadata = vps_ids(writable)
    for path in (f"/hardware/{hardware}", f"/metadata/{metadata}"):
        writable.rest("PATCH", path, json={"enabled": False}).raise_for_status()
    assert {"vps_hardware_disabled", "vps_metadata_disabled"} <= {*wrong(writable, **VPS)}
    assert outcomes(made(writable, **VPS)) == {**dict.fromkeys(HARDWARE, THERE), HARDWARE[1]: CREATED}
    writable.rest("PATCH", f"/metadata/{metadata}", json={"recordingEnabled": False}).raise_for_status()
    assert "vps_metadata_not_recorded" in wrong(writable, **VPS)


def test_hardware_is_missing_before_and_its_driver_is_known(site: Running) -> None:
    assert "vps_hardware_not_found" in wrong(site, **VPS)


@pytest.mark.parametrize("release", ["2022R1", "2022R2"])
def test_the_first_releases_with_a_gateway_are_set_up_too(clip: Path, release: str) -> None:
    with running_site(clip, *FRESH, "--release", release) as site:
        wanted = {**VPS, "publish": ["event", "metadata"]}
        found = Counter(outcomes(made(site, **wanted)).values())
        assert found == {CREATED: 4, BY_HAND: 2}
        assert Counter(outcomes(made(site, **wanted)).values()) == {THERE: 4, BY_HAND: 2}


@pytest.mark.parametrize("release", ["2020R1", "2021R1"])
def test_a_release_without_gateway_is_left_by_hand_with_menus_and_values(clip: Path, release: str) -> None:
    with running_site(clip, "--release", release) as site:
        found = made(site, **VPS | {"publish": ["event", "trigger", "metadata"], "control": DEMO["control"]})
    assert outcomes(found) == dict.fromkeys((*EVENTS, *HARDWARE), BY_HAND)
    assert all("Management Client →" in item.details for item in found)
    details = {item.what: item.details for item in found}
    assert "20002" in details[HARDWARE[0]]
    assert "Triggering event: Analytics Events → Vigie" in details[EVENTS[1]]


def test_an_account_without_the_rights_is_told_where_to_do_it_by_hand() -> None:
    with gateway() as mock:
        for collection in ("analyticsEvents", "userDefinedEvents", "alarmDefinitions"):
            add_list(mock, collection, [])
            mock.post(f"{REST}/{collection}", status=403)
        wanted = settings(publish=["event", "trigger"])
        found = set_up(wanted, services(), [camera()], is_dry_run=False)
    assert outcomes(found) == dict.fromkeys(EVENTS[:3], BY_HAND)
    assert all("Management Client →" in item.details and "403" in item.details for item in found[::2])


def test_lists_that_fail_are_failures_to_be_tried_again() -> None:
    with gateway() as mock:
        mock.get(f"{REST}/userDefinedEvents", status=503)
        found = set_up(settings(publish=["trigger"]), services(), [camera()], is_dry_run=False)
    assert outcomes(found) == {"user-defined event 'Vigie alert'": FAILED}


def test_a_vms_that_nobody_answers_for_is_one_failure(site: Running) -> None:
    (item,) = made(site, url="https://127.0.0.1:1")
    assert (item.what, item.outcome) == ("log in", FAILED)


def test_what_a_creation_is_still_asked_for_gets_the_proposed_value() -> None:
    event = {"id": "e1", "name": "Vigie"}
    missing = {"error": {"httpCode": 400, "details": []}, "params": {"relatedMap": "none", "name": ""}}
    with gateway() as mock:
        add_list(mock, "analyticsEvents", [event])
        add_list(mock, "alarmDefinitions", [])
        mock.post(f"{REST}/alarmDefinitions", json=missing, status=400)
        mock.post(f"{REST}/alarmDefinitions", json={"result": {"id": "d1"}}, status=201)
        found = set_up(settings(publish=["event"]), services(), [camera()], is_dry_run=False)
        sent = [json.loads(call.request.body or b"") for call in mock.calls if is_definition(call.request)]
    assert outcomes(found)["alarm definition 'Vigie'"] is CREATED
    assert [body.get("relatedMap") for body in sent] == [None, "none"]
    assert {body["name"] for body in sent} == {"Vigie"}


def test_the_command_prints_a_table_or_json_and_ends_with_what_is_left(
    site: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIE_TEST_PW", PASSWORD)
    path = write_site(tmp_path, site, publish=["event"])
    assert run("setup", path, "--dry-run") == 0
    assert "would be created" in capsys.readouterr().out
    assert run("setup", path, "--vms", "xprotect", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"]
    assert [item["outcome"] for item in document["items"]] == ["created", "created"]
    assert run("setup", write_site(tmp_path, site, **VPS)) == 1
    assert "by hand" in capsys.readouterr().out
    with pytest.raises(UsageError, match="'other'"):
        run("setup", path, "--vms", "other")


def run(*arguments: str) -> int:
    return run_command(COMMAND, "vigie milestone", arguments)


def test_the_command_is_installed() -> None:
    assert registry.command(Group.COMMANDS, "milestone") is COMMAND


def write_site(folder: Path, site: Running, **changes: Any) -> str:
    vms = {
        "id": "xprotect",
        "type": "milestone",
        "url": site.announced.url,
        "username": USERNAME,
        "password": {"env": "VIGIE_TEST_PW"},
        "ca": site.ca,
        **changes,
    }
    cameras = [{"id": "quai-1", "vms": "xprotect", "device": site.camera}]
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "site": {"name": "Gare"}, "vms": [vms], "cameras": cameras}))
    return str(path)


def is_definition(request: requests.PreparedRequest) -> bool:
    return request.method == "POST" and str(request.url).endswith("/alarmDefinitions")


def configuration(site: Running) -> dict[str, Any]:
    """Everything that setting up may touch."""
    collections = ("analyticsEvents", "userDefinedEvents", "alarmDefinitions", "hardware", "cameras", "metadata")
    found = {name: site.rest("GET", f"/{name}?disabled").json()["array"] for name in collections}
    return {**found, "related": site.rest("GET", f"/cameras/{site.camera}/clientSettings").json()}


def vps_ids(site: Running) -> tuple[str, str]:
    """Of the VPS hardware and of its metadata device."""
    hardware = site.rest("GET", "/hardware?disabled").json()["array"]
    (metadata,) = site.rest("GET", "/metadata?disabled").json()["array"]
    return next(item["id"] for item in hardware if item["name"] == "Vigie quai-1"), metadata["id"]
