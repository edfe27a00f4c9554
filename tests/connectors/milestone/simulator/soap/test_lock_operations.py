from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.connectors.milestone.simulator.running import NS, Running, run
from tests.connectors.milestone.simulator.soap.calls import call, fault, guids, plain, result

pytestmark = pytest.mark.slow

ANY = "0001-01-01T00:00:00Z"


def _create(site: Running, lock_id: str, *devices: str, **changes: str) -> str:
    values = {
        "timeStart": "2025-11-20T10:01:50Z",
        "timeTag": "2025-11-20T10:02:03Z",
        "timeEnd": "2025-11-20T10:02:30Z",
        "reference": "",
        "header": "Intrusion",
        "description": "vigie:00",
        "markedDataType": "0",
        "useRetention": "true",
        "retentionExpire": "2025-12-20T10:02:30Z",
        **changes,
    }
    retention = "<RetentionOptionType>Days</RetentionOptionType><RetentionUnits>30</RetentionUnits>"
    return (
        f"<markedDataId>{lock_id}</markedDataId>{guids('deviceIds', *devices)}"
        + "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
        + f"<retentionOption>{retention}</retentionOption>"
    )


def _search(
    text: str = "", begin: str = ANY, end: str = ANY, devices: tuple[str, ...] = (), page: int = 0, size: int = 10
) -> str:
    times = "".join(
        f"<{name}>{value}</{name}>"
        for name, value in {
            "createdFromTime": ANY,
            "createdToTime": ANY,
            "markedDataFromTime": begin,
            "markedDataToTime": end,
            "tagTimeFromTime": ANY,
            "tagTimeToTime": ANY,
            "retentionExpireFrom": ANY,
            "retentionExpireTo": ANY,
        }.items()
    )
    return (
        f"{guids('deviceIds', *devices)}<searchText>{text}</searchText>{times}<pageIndex>{page}</pageIndex>"
        f"<pageSize>{size}</pageSize><sortOrder>CreateTime</sortOrder><sortAscending>true</sortAscending>"
    )


def _found(site: Running, **search: Any) -> list[str]:
    answer = result(call(site, "MarkedDataSearch", _search(**search)), "MarkedDataSearch")
    return [str(item.findtext(f"{{{NS}}}Id")) for item in answer]


def test_a_lock_is_made_found_changed_and_taken_off(fresh: Running) -> None:
    lock_id = str(uuid4())
    made = plain(result(call(fresh, "MarkedDataCreate", _create(fresh, lock_id, fresh.camera)), "MarkedDataCreate"))
    assert (made["Status"], made["FaultDevices"], made["MarkedData"]["Id"]) == ("Success", "", lock_id)
    assert made["MarkedData"]["DeviceIds"] == [fresh.camera]
    assert made["MarkedData"]["TagTime"] == "2025-11-20T10:02:03.0000000Z"
    assert _found(fresh, text="VIGIE:00", devices=(fresh.camera,)) == [lock_id]
    changed = _create(fresh, lock_id, fresh.camera, header="Checked")
    call(fresh, "MarkedDataUpdate", changed).raise_for_status()
    shown = call(fresh, "MarkedDataGet", f"<markedDataId>{lock_id}</markedDataId>")
    assert plain(result(shown, "MarkedDataGet"))["Header"] == "Checked"
    gone = call(fresh, "MarkedDataDelete", guids("markedDataIds", lock_id, str(uuid4())))
    assert [child.findtext(f"{{{NS}}}Status") for child in result(gone, "MarkedDataDelete")] == [
        "Success",
        "MarkedDataNotFound",
    ]
    assert _found(fresh) == []
    [record] = fresh.ledger("evidence_lock")
    assert (record["id"], record["cameras"], record["description"]) == (lock_id, [fresh.camera], "vigie:00")
    assert record["interface"] == "soap"


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ({}, 1),
        ({"text": "intrusion"}, 1),
        ({"text": "other"}, 0),
        ({"begin": "2025-11-20T10:02:30Z"}, 1),
        ({"begin": "2025-11-20T10:02:31Z"}, 0),
        ({"end": "2025-11-20T10:01:50Z"}, 1),
        ({"end": "2025-11-20T10:01:49Z"}, 0),
        ({"devices": (str(uuid4()),)}, 0),
        ({"page": 1}, 0),
    ],
)
def test_a_search_looks_at_text_device_and_time(fresh: Running, search: dict[str, Any], count: int) -> None:
    call(fresh, "MarkedDataCreate", _create(fresh, str(uuid4()), fresh.camera)).raise_for_status()
    assert len(_found(fresh, **search)) == count


def test_devices_that_are_not_there_are_told(fresh: Running) -> None:
    unknown = str(uuid4())
    some = call(fresh, "MarkedDataCreate", _create(fresh, str(uuid4()), fresh.camera, unknown))
    answer = result(some, "MarkedDataCreate")
    assert answer.findtext(f"{{{NS}}}Status") == "PartlySuccess"
    assert answer.findtext(f".//{{{NS}}}FaultDevice/{{{NS}}}DeviceId") == unknown
    none = call(fresh, "MarkedDataCreate", _create(fresh, str(uuid4()), unknown))
    assert result(none, "MarkedDataCreate").findtext(f"{{{NS}}}Status") == "Failed"
    assert len(fresh.ledger("evidence_lock")) == 1


def test_times_out_of_order_and_an_id_that_is_taken_are_faults(fresh: Running) -> None:
    lock_id = str(uuid4())
    late = _create(fresh, lock_id, fresh.camera, timeTag="2025-11-20T10:02:31Z")
    assert fault(call(fresh, "MarkedDataCreate", late)) == "a:InternalServiceFault"
    call(fresh, "MarkedDataCreate", _create(fresh, lock_id, fresh.camera)).raise_for_status()
    again = call(fresh, "MarkedDataCreate", _create(fresh, lock_id, fresh.camera))
    assert fault(again) == "a:InternalServiceFault"


def test_a_lock_without_an_id_gets_one(fresh: Running) -> None:
    body = _create(fresh, "00000000-0000-0000-0000-000000000000", fresh.camera)
    made = plain(result(call(fresh, "MarkedDataCreate", body), "MarkedDataCreate"))
    assert not made["MarkedData"]["Id"].startswith("00000000-0000")
    assert made["MarkedData"]["Reference"] == "no.000001"


def test_only_corporate_has_evidence_locks(video: Path) -> None:
    with run(video, "--edition", "Expert") as site:
        made = call(site, "MarkedDataCreate", _create(site, str(uuid4()), site.camera))
        assert result(made, "MarkedDataCreate").findtext(f"{{{NS}}}Status") == "FeatureNotLicensed"
        assert fault(call(site, "MarkedDataSearch", _search())) == "s:51000"
        assert site.ledger("evidence_lock") == []
