from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.errors import ProtocolViolation, VmsRefused
from tests.connectors.milestone.support import settings


def test_a_short_entry_publishes_events_alarms_and_bookmarks_to_the_default_places() -> None:
    entry = settings()
    assert entry.publish == ("event", "alarm", "bookmark")
    assert entry.event_name == "Vigie"
    assert entry.event_server_address == ("vms.site.test", 9090)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("events.site.test", ("events.site.test", 9090)),
        ("events.site.test:9191", ("events.site.test", 9191)),
        ("10.0.0.9:80", ("10.0.0.9", 80)),
        ("[fd00::9]:9091", ("fd00::9", 9091)),
    ],
)
def test_the_event_server_is_host_or_host_and_port(value: str, address: tuple[str, int]) -> None:
    assert settings(event_server=value).event_server_address == address


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "http://vms.site.test", "allow_http"),
        ("url", "vms.site.test", "https://host"),
        ("url", "https://vigie@vms.site.test", "no user"),
        ("url", "https://vms.site.test/API", "no user, path"),
        ("url", "https://vms.site.test:99999", "Port out of range"),
        ("event_server", "http://vms.site.test:9090", "host:port"),
        ("event_server", "vms.site.test:port", "port"),
        ("event_server", "", "host:port"),
        ("event_name", "", "at least 1"),
        ("publish", ["event", "event"], "twice"),
        ("publish", ["fax"], "'event', 'alarm', 'bookmark', 'evidence_lock', 'trigger' or 'metadata'"),
        ("publish", ["alarm", "metadata"], "needs video: vps"),
        ("video", "vps", "needs vps: {certificate, key}"),
        ("vps", {"listen": "0.0.0.0"}, "not host:port"),
        ("vps", {"certificate": "a.pem"}, "go together"),
        ("alarm_server", "https://events.site.test", "host:port"),
        ("bridge", "bridge.site.test:x", "Port could not"),
        ("evidence_lock_days", 0, "greater than 0"),
        ("hosts", ["https://rec.site.test"], "bare host"),
        ("hosts", ["rec.site.test:7563"], "bare host"),
        ("bookmark_before_s", -1.0, "greater than or equal to 0"),
        ("video", "webrtc", "imageserver"),
    ],
)
def test_a_wrong_value_is_refused_with_a_word_on_what_to_write(field: str, value: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**{field: value})


def test_parts_are_on_the_host_of_the_part_before_and_on_their_usual_ports_unless_told_otherwise() -> None:
    usual = settings(event_server="events.site.test")
    assert usual.alarm_server_address == ("events.site.test", 22331)
    assert usual.bridge_address == ("vms.site.test", 554)
    told = settings(alarm_server="alarms.site.test:8443", bridge="bridge.site.test")
    assert told.alarm_server_address == ("alarms.site.test", 8443)
    assert told.bridge_address == ("bridge.site.test", 554)
    told.require_declared("https://alarms.site.test:8443/Central/AlarmServiceToken", "the alarm service")


def test_an_announced_address_that_is_none_is_the_vmss_mistake() -> None:
    with pytest.raises(ProtocolViolation, match="no address"):
        settings().require_declared("https://[fd00::9", "the API gateway")


def test_verdicts_are_written_as_true_and_false() -> None:
    verdicts = settings(verdicts={"true": ["vraie"], "false": ["reflet"]}).verdicts
    assert (verdicts.is_true, verdicts.is_false) == (("vraie",), ("reflet",))


def test_a_slash_at_the_end_of_the_address_does_not_matter() -> None:
    assert settings(url="https://vms.site.test/").url == "https://vms.site.test"


@pytest.mark.parametrize(
    "url",
    ["https://VMS.site.test:7563/", "https://rec.site.test/", "https://[fd00::9]:7563/", "https://events.site.test/"],
)
def test_declared_hosts_may_be_contacted(url: str) -> None:
    settings(hosts=["rec.site.test", "[FD00::9]"], event_server="events.site.test").require_declared(
        url, "recording server A"
    )


def test_an_announced_host_that_the_site_file_does_not_declare_is_refused() -> None:
    with pytest.raises(VmsRefused, match=r"recording server A is on evil\.test") as caught:
        settings().require_declared("https://evil.test:7563/", "recording server A")
    assert "hosts:" in caught.value.remedy


def test_an_announced_address_without_tls_is_refused_unless_allowed() -> None:
    with pytest.raises(VmsRefused, match="without TLS"):
        settings().require_declared("http://vms.site.test:7563/", "recording server A")
    settings(allow_http=True).require_declared("http://vms.site.test:7563/", "recording server A")
