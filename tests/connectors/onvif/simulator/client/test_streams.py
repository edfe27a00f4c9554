from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.onvif.simulator.client.driver import Play
from tests.connectors.onvif.simulator.client.drivers import broken, driving
from tests.connectors.onvif.simulator.client.scripted_device import ScriptedDevice, serve
from tests.connectors.onvif.simulator.client.scripted_streams import PERSON, StreamScript, document, serve_streams

pytestmark = pytest.mark.slow


def played(
    script: StreamScript, role: str, play: Play, kinds: dict[str, int]
) -> tuple[dict[str, list[str]], list[dict[str, Any]]]:
    """What was broken, and the ledger, once so many records of each kind came."""
    with serve_streams(script) as uri, serve(ScriptedDevice(stream=uri)) as device:
        with driving(device.base, role, play=play) as (driver, ledger):
            for kind, count in kinds.items():
                ledger.wait_for(kind, count)
        driver.conclude()
        return broken(driver), ledger.records()


def test_xprotect_starts_metadata_alone_and_video_alone() -> None:
    script = StreamScript()
    wrong, records = played(script, "xprotect", Play.BOTH, {"metadata": 30, "video": 2})
    assert wrong == {}
    assert sorted(record["tracks"] for record in records if record["kind"] == "stream-started") == [
        "data", "data", "video", "video",
    ]  # fmt: skip
    frame = next(record for record in records if record["kind"] == "metadata")
    assert frame["objects"] == [{"id": "7", "class": "Human", "box": [-0.5, 0.5, 0.0, -0.25]}]
    assert abs(frame["lag_ms"]) < 1000
    assert sorted(script.setups) == ["metadata", "metadata", "video", "video"]


def test_other_drivers_play_both_tracks_in_one_session() -> None:
    script = StreamScript()
    wrong, records = played(script, "genetec", Play.BOTH, {"metadata": 10, "video": 2})
    assert wrong == {}
    assert {record["tracks"] for record in records if record["kind"] == "stream-started"} == {"video+data"}


def backwards() -> Callable[[float], bytes]:
    steps = iter(range(1_000_000))
    return lambda utc: document(utc - next(steps))


@pytest.mark.parametrize(
    ("code", "script"),
    [
        ("metadata-document", StreamScript(write=lambda utc: document(utc)[:-30])),
        ("metadata-document", StreamScript(write=lambda utc: document(utc).replace(b"MetadataStream", b"MetaDataStream"))),
        ("metadata-document", StreamScript(write=lambda utc: document(utc, PERSON.replace('top="0.5"', 'top="-0.5"')))),
        ("metadata-document", StreamScript(write=lambda utc: document(utc, PERSON + PERSON))),
        ("metadata-order", StreamScript(write=backwards())),
        pytest.param("metadata-pace", StreamScript(pace_s=1.7), marks=pytest.mark.slow),
        ("stream-clock", StreamScript(drift_s=0.05)),
        ("stream", StreamScript(has_metadata=False)),
        ("stream", StreamScript(limit=3)),
    ],
    ids=["no end", "root", "upside down", "twice", "order", "pace", "clock", "no track", "ends"],
)  # fmt: skip
def test_what_is_wrong_with_metadata_is_told_under_its_code(code: str, script: StreamScript) -> None:
    wrong, _ = played(script, "xprotect", Play.METADATA, {"violation": 1})
    assert code in wrong
    assert set(wrong) <= {code, "stream", "stream-clock" if code == "metadata-order" else code}


def test_a_restart_of_metadata_plays_it_again() -> None:
    script = StreamScript()
    with (
        serve_streams(script) as uri,
        serve(ScriptedDevice(stream=uri)) as device,
        driving(device.base, play=Play.METADATA) as (driver, ledger),
    ):
        ledger.wait_for("metadata", 4)
        assert driver.restart_metadata(1) == 1
        ledger.wait_for("stream-started", 3)
        assert broken(driver) == {}
    assert [record["channel"] for record in ledger.records("stream-ended")][:1] == [1]
