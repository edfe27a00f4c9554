from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.connectors.milestone.simulator.running import NS, Running
from tests.connectors.milestone.simulator.soap.calls import call, fault, plain, result


def _content(site: Running, minute: int = 1, **changes: str) -> str:
    values = {
        "deviceId": site.camera,
        "timeBegin": f"2025-11-20T10:{minute:02d}:50Z",
        "timeTrigged": f"2025-11-20T10:{minute:02d}:55Z",
        "timeEnd": f"2025-11-20T10:{minute:02d}:59Z",
        "reference": "",
        "header": f"Minute {minute}",
        "description": "",
        **changes,
    }
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items())


def _created(site: Running, minute: int) -> Any:
    return plain(result(call(site, "BookmarkCreate", _content(site, minute)), "BookmarkCreate"))


def _id(bookmark_id: str) -> str:
    return f"<bookmarkId>{bookmark_id}</bookmarkId>"


def test_a_bookmark_is_changed_read_and_deleted(fresh: Running) -> None:
    made = _created(fresh, 1)
    changed = _id(made["Id"]) + _content(fresh, 2, header="Checked")
    call(fresh, "BookmarkUpdate", changed).raise_for_status()
    shown = plain(result(call(fresh, "BookmarkGet", _id(made["Id"].upper())), "BookmarkGet"))
    assert (shown["Header"], shown["TimeBegin"], shown["Reference"]) == (
        "Checked",
        "2025-11-20T10:02:50.0000000Z",
        made["Reference"],
    )
    assert fresh.rest("GET", f"/bookmarks/{made['Id']}").json()["data"]["header"] == "Checked"
    call(fresh, "BookmarkDelete", _id(made["Id"])).raise_for_status()
    assert fresh.rest("GET", f"/bookmarks/{made['Id']}").status_code == 404


def test_a_search_goes_on_from_a_bookmark(fresh: Running) -> None:
    made = [_created(fresh, minute)["Id"] for minute in (1, 2, 3)]

    def following(limit_s: int, count: int) -> list[str]:
        body = (
            f"<fromBookmarkId>{made[1]}</fromBookmarkId>"
            f"<timeLimit><MicroSeconds>{limit_s * 1_000_000}</MicroSeconds></timeLimit>"
            f"<countLimit>{count}</countLimit>"
        )
        answer = result(call(fresh, "BookmarkSearchFromBookmark", body), "BookmarkSearchFromBookmark")
        return [str(bookmark.findtext(f"{{{NS}}}Id")) for bookmark in answer]

    assert following(600, 10) == [made[2]]
    assert following(-600, 10) == [made[0]]
    assert following(600, 0) == []


@pytest.mark.parametrize("operation", ["BookmarkGet", "BookmarkDelete", "BookmarkUpdate"])
def test_an_unknown_bookmark_is_a_fault(simulator: Running, operation: str) -> None:
    body = _id(str(uuid4())) + (_content(simulator) if operation == "BookmarkUpdate" else "")
    assert fault(call(simulator, operation, body)) == "a:InternalServiceFault"
