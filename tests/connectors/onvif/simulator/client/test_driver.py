from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.onvif.simulator.client.roles import Login, StreamMethod
from connectors.protocols.certificates import SiteAuthority
from tests.connectors.onvif.simulator.client.drivers import broken, driving
from tests.connectors.onvif.simulator.client.scripted_device import (
    IDENTITY,
    MEDIA,
    STATE,
    TOPICS,
    ScriptedDevice,
    message,
    properties,
    serve,
)

pytestmark = pytest.mark.slow

PERSON_DOWN = "tns1:RuleEngine/vgi:PersonDown"
MARK = "vigie:0123456789abcdef0123"


@pytest.fixture
def device() -> Iterator[ScriptedDevice]:
    with serve(ScriptedDevice()) as running:
        yield running


def down(state: str = "true", rule: str = "r", token: str = "gate", **chosen: str) -> str:
    return message(
        PERSON_DOWN, f"VideoSourceConfigurationToken={token};Rule={rule}", f"State={state};Text=Fall {MARK}", **chosen
    )


@pytest.mark.parametrize(
    ("role", "login"),
    [("xprotect", None), ("genetec", None), ("generic", None), ("generic", Login.USERNAME_TOKEN)],
    ids=["xprotect", "genetec", "generic", "generic with a token"],
)
def test_a_device_as_documented_satisfies_every_driver(device: ScriptedDevice, role: str, login: Login | None) -> None:
    with driving(device.base, role, login=login) as (driver, ledger):
        (hardware,) = ledger.wait_for("hardware")
        ledger.wait_for("event-ignored", where=lambda record: record["operation"] == "Initialized")
        device.send(down("true"), down("false"))
        ledger.wait_for("event", 2)
    assert broken(driver) == {}
    assert driver.is_satisfied
    assert [channel["source"] for channel in hardware["channels"]] == ["gate", "yard"]
    assert hardware["identity"]["mac"] == "02:00:00:00:00:01"
    assert device.operations()[-1] == "Unsubscribe"


def test_xprotect_names_predefined_and_dynamic_events_and_keeps_every_text(device: ScriptedDevice) -> None:
    with driving(device.base) as (driver, ledger):
        ledger.wait_for("subscribed")
        inside = message(
            "tns1:RuleEngine/FieldDetector/ObjectsInside",
            "VideoSourceConfigurationToken=yard;Rule=Zone",
            "IsInside=true",
        )
        device.send(down("true"), down("false"), inside)
        events = ledger.wait_for("event", 3)
    told = [(event["name"], event["origin"], event["edge"], event["channel"]) for event in events]
    assert told == [
        ("RuleEngine/PersonDown Rising", "dynamic", "rising", 0),
        ("RuleEngine/PersonDown Falling", "dynamic", "falling", 0),
        ("Intrusion", "predefined", "rising", 1),
    ]
    assert events[0]["tokens"] == [MARK]
    assert events[0]["texts"]["Data"]["Text"] == f"Fall {MARK}"
    assert events[0]["topic"] == PERSON_DOWN
    assert events[0]["utc"] == pytest.approx(1_795_168_923.456, abs=1e-3)
    assert broken(driver) == {}


def test_drivers_send_what_is_documented(device: ScriptedDevice) -> None:
    with driving(device.base, "genetec") as (_, ledger):
        ledger.wait_for("subscribed")
    first = next(seen for seen in device.requests if seen.operation == "GetNetworkInterfaces")
    assert 'mustUnderstand="1"' in first.header
    assert "EncodingType" not in first.header
    created = first.header.partition("Created")[2].partition(">")[2].partition("<")[0]
    assert len(created) == len("2026-11-20T10:02:03Z")
    assert created.startswith("2026-11-20T10:0")  # the device's clock, not ours
    pull = next(seen for seen in device.requests if seen.operation == "PullMessages")
    assert 'IsReferenceParameter="true">9<' in pull.header
    assert pull.path == "/onvif/pull"


def test_digest_counts_its_nonce_and_is_asked_once(device: ScriptedDevice) -> None:
    with driving(device.base) as (_, ledger):
        ledger.wait_for("subscribed")
    assert sorted(set(device.counts)) == list(range(1, len(device.counts) + 1))


def test_xprotect_switches_analytics_on_in_the_metadata_configuration(device: ScriptedDevice) -> None:
    with driving(device.base) as (_, ledger):
        ledger.wait_for("hardware")
    written = [seen.body for seen in device.requests if seen.operation == "SetMetadataConfiguration"]
    assert len(written) == 2
    assert written[0].count("Analytics>true<") == 1
    assert written[0].index("Analytics>") < written[0].index("Multicast>")


def test_a_metadata_configuration_that_no_profile_has_is_added(device: ScriptedDevice) -> None:
    profiles = MEDIA["GetProfiles"]
    assert isinstance(profiles, str)
    start, end = profiles.index("<tr2:Metadata"), profiles.index("</tr2:Metadata>") + len("</tr2:Metadata>")
    device.answers["GetProfiles"] = profiles[:start] + profiles[end:]
    with driving(device.base) as (driver, ledger):
        (hardware,) = ledger.wait_for("hardware")
    assert hardware["channels"][0]["has_metadata"]
    assert device.operations().count("AddConfiguration") == 1
    assert broken(driver) == {}


def test_a_device_with_media_alone_is_added_by_xprotect(device: ScriptedDevice) -> None:
    services = device.answers["GetServices"]
    profiles = device.answers["trt:GetProfiles"]
    assert isinstance(services, str)
    assert isinstance(profiles, str)
    device.answers["GetServices"] = services.replace("ver20/media", "ver20/none")
    start, end = profiles.index("<tt:MetadataC"), profiles.index("</tt:MetadataConfiguration>")
    device.answers["trt:GetProfiles"] = profiles[:start] + profiles[end + len("</tt:MetadataConfiguration>") :]
    with driving(device.base) as (driver, ledger):
        (hardware,) = ledger.wait_for("hardware")
    assert [channel["has_metadata"] for channel in hardware["channels"]] == [True, True]
    (asked,) = {seen.body for seen in device.requests if seen.operation == "GetStreamUri" and ">p-gate<" in seen.body}
    assert "RTP-Unicast" in asked
    assert ">RTSP<" in asked
    assert device.operations().count("AddMetadataConfiguration") == 1
    assert broken(driver) == {}


Spoil = Callable[[ScriptedDevice], object]


def answers(operation: str, old: str, new: str) -> Spoil:
    def spoil(device: ScriptedDevice) -> None:
        found = device.answers[operation]
        assert isinstance(found, str)
        assert old in found
        device.answers[operation] = found.replace(old, new)

    return spoil


def topics(added: dict[str, str]) -> Spoil:
    return lambda device: device.answers.update(GetEventProperties=properties({**TOPICS, **added}))


def unstable() -> Spoil:
    addresses = iter(range(100))
    return lambda device: device.answers.update(
        GetStreamUri=lambda _: f"<tr2:Uri>rtsp://127.0.0.1/{next(addresses)}</tr2:Uri>"
    )


TOKEN = "Source VideoSourceConfigurationToken tt:ReferenceToken"


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("clock", answers("GetSystemDateAndTime", "UTCDateTime", "LocalDateTime")),
        ("challenge", lambda device: setattr(device, "challenges", device.challenges[:1])),
        ("challenge", lambda device: setattr(device, "asks_login", False)),
        ("answer", lambda device: setattr(device, "content_type", "text/xml")),
        ("answer", lambda device: device.statuses.update(GetScopes=202)),
        ("answer", lambda device: device.faults.update(GetNetworkProtocols="ter:ActionNotSupported")),
        ("services", lambda device: [answers("GetServices", "ver10/events", "none")(device), answers("GetCapabilities", "tt:XAddr", "tt:Other")(device)]),
        ("address", answers("GetServices", "{base}/onvif/tr2", "http://localhost:{port}/onvif/tr2")),
        ("address", answers("GetStreamUri", "{stream}", "rtsp://192.0.2.1/live")),
        ("address", answers("CreatePullPointSubscription", "{base}", "http://localhost:{port}")),
        ("identity", answers("GetNetworkInterfaces", "HwAddress", "MTU")),
        ("scopes", answers("GetScopes", "/hardware/", "/location/")),
        ("profiles", answers("GetProfiles", "tt:SourceToken", "tt:Other")),
        ("same-token", answers("GetProfiles", '<tr2:VideoSource token="gate">', '<tr2:VideoSource token="g">')),
        ("stream-uri", unstable()),
        ("stream-uri", answers("GetStreamUri", "{stream}", "rtsp://127.0.0.1/" + "x" * 128)),
        ("topics", answers("GetEventProperties", "topicExpression/ConcreteSet", "topicExpression/Other")),
        ("topics", answers("GetEventProperties", "tt:MessageDescription", "tt:Other")),
        ("topics", answers("GetEventProperties", 'wstop:topic="true"', "")),
        ("topic-name", topics({"tns1:RuleEngine/vgi:CrowdMotion": STATE})),
        ("topic-name", topics({"tns1:RuleEngine/vgi:AudioLoud": STATE})),
        ("topic-items", topics({"tns1:RuleEngine/vgi:A": f"{TOKEN};Source Other tt:ReferenceToken;Data State xs:boolean"})),
        ("topic-items", topics({"tns1:RuleEngine/vgi:A": f"{TOKEN};Data Count xs:int;Data State xs:boolean"})),
        ("topic-items", topics({"tns1:RuleEngine/vgi:A": f"{TOKEN};Data A xs:boolean;Data B xs:boolean"})),
        ("predefined-form", topics({"tns1:RuleEngine/vgi:FireAlarm": f"{TOKEN};Data State xs:boolean"})),
        ("predefined-form", topics({"tns1:RuleEngine/FieldDetector/ObjectsInside": "Source VideoSource tt:ReferenceToken;Data IsInside xs:boolean"})),
        ("predefined-form", topics({"tns1:RuleEngine/FieldDetector/ObjectsInside": f"{TOKEN};Data IsInside xs:string"})),
        ("subscription", answers("CreatePullPointSubscription", "10:01:00Z", "09:01:00Z")),
        ("subscription", lambda device: device.faults.update(Unsubscribe="ter:Action")),
        ("synchronisation", lambda device: setattr(device, "initial", "")),
        ("pull", lambda device: setattr(device, "answers_early", True)),
        ("pull", lambda device: device.send(*[down()] * 65)),
        ("changed", lambda device: device.send(down(operation=""))),
        ("event-time", lambda device: device.send(down(utc="2026-11-20T10:02:03"))),
        ("announced", lambda device: device.send(message("tns1:RuleEngine/vgi:Other", "VideoSourceConfigurationToken=gate", "State=true"))),
        ("announced", lambda device: device.send(message(PERSON_DOWN, "VideoSourceConfigurationToken=gate;Rule=r", "State=true;Extra=1"))),
        ("announced", lambda device: device.send(down(state="yes"))),
        ("channel", lambda device: device.send(down(token="nobody"))),
        ("distinct-rules", lambda device: device.send(down(rule="a"), down(rule="b"))),
    ],
)  # fmt: skip
def test_what_breaks_an_expectation_is_told_under_its_code(device: ScriptedDevice, code: str, spoil: Spoil) -> None:
    spoil(device)
    with driving(device.base, pull_every_s=0.3) as (driver, ledger):
        if code != "subscription":
            ledger.wait_for("violation", where=lambda record: record["code"] == code)
        else:
            ledger.wait_for("subscribed")
    assert code in broken(driver)
    assert set(broken(driver)) <= {code, "synchronisation", "announced"}
    assert not driver.is_satisfied


def test_renew_may_be_unknown_to_a_device_without_notification_producers(device: ScriptedDevice) -> None:
    device.life = "2026-11-20T10:00:05Z"
    device.faults["Renew"] = "ter:ActionNotSupported"
    with driving(device.base) as (driver, ledger):
        ledger.wait_for("subscribed", 2)
    assert "Renew" in device.operations()
    assert broken(driver) == {}


def test_generic_reads_everything_and_finds_what_should_be_refused(device: ScriptedDevice) -> None:
    del device.faults["Subscribe"]
    device.answers["Subscribe"] = ""
    with driving(device.base, "generic") as (driver, ledger):
        ledger.wait_for("hardware")
    assert list(broken(driver)) == ["unsupported"]
    assert {"GetUsers", "GetSupportedMetadata", "GetVideoSources"} <= set(device.operations())


def test_a_wrong_password_is_told_without_showing_it(device: ScriptedDevice) -> None:
    with driving(device.base, password="Wr0ng-Pass") as (driver, ledger):
        (failed, *_) = ledger.wait_for("add-failed")
    assert "refused" in failed["reason"]
    assert "Wr0ng-Pass" not in repr(ledger.records()) + repr(driver.report())
    assert not driver.is_satisfied


def test_over_tls_xprotect_wants_the_tunnel_on_the_web_port(tmp_path: Path) -> None:
    authority = SiteAuthority.create(tmp_path)
    with serve(ScriptedDevice(), authority.issue(["127.0.0.1"])) as device:
        device.answers["GetStreamUri"] = "<tr2:Uri>rtsp://127.0.0.1:{port}/live</tr2:Uri>"
        with driving(device.base, ca=authority.ca, method=None) as (driver, ledger):
            ledger.wait_for("event-ignored")
        assert broken(driver) == {}
        with driving(device.base, ca=authority.ca, method=StreamMethod.TCP) as (other, ledger):
            ledger.wait_for("hardware")
        assert list(broken(other)) == ["stream-method"]
        device.answers["GetNetworkProtocols"] = IDENTITY["GetNetworkProtocols"].replace("{port}", "443")
        with driving(device.base, ca=authority.ca, method=None) as (third, ledger):
            ledger.wait_for("hardware")
        assert list(broken(third)) == ["https-port"]


def test_a_device_that_is_not_there_yet_is_added_when_it_comes(device: ScriptedDevice) -> None:
    device.faults["GetProfiles"] = "ter:Action"
    with driving(device.base) as (_, ledger):
        ledger.wait_for("add-failed")
        del device.faults["GetProfiles"]
        ledger.wait_for("hardware")


def test_an_answer_that_nobody_foresaw_is_told(device: ScriptedDevice) -> None:
    services = device.answers["GetServices"]
    assert isinstance(services, str)
    device.answers["GetServices"] = services.replace("{base}/onvif/tr2", "http://[nowhere/")
    with driving(device.base) as (driver, ledger):
        ledger.wait_for("violation", where=lambda record: "the driver failed: ValueError" in record["seen"])
    assert not driver.is_satisfied


def test_acts_fetch_anew_and_forget_the_pull_point(device: ScriptedDevice) -> None:
    with driving(device.base) as (driver, ledger):
        ledger.wait_for("subscribed")
        device.answers["GetEventProperties"] = properties({"tns1:RuleEngine/vgi:Weapon": STATE})
        events = driver.add().events
        assert [known.meaning.name for known in events.values()] == ["RuleEngine/Weapon"]
        device.initial = ""
        driver.drop_subscription()
        ledger.wait_for("subscribed", 2)
    assert device.operations().count("Unsubscribe") == 1
    assert device.operations().count("GetProfiles") == 2
