"""The cameras that Security Center has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from config.model import CameraSettings
from connectors.genetec.access.query import escaped
from connectors.genetec.access.websdk import ENTITIES_PER_REQUEST, WebSdk
from core.errors import AuthenticationRefused, NotFoundInVms, RequestInvalid, RightMissing, VmsRefused
from core.types import VmsCamera

PAGE_SIZE = 100
_MOST_PAGES = 1000


def camera_guid(camera: CameraSettings) -> str:
    """``device`` as Security Center writes GUIDs. A logical id will not do: the Media Gateway knows GUIDs only."""
    try:
        return str(UUID(camera.device))
    except ValueError as error:
        raise NotFoundInVms(
            f"camera {camera.id}: device {camera.device!r} is not a GUID",
            remedy="Write the camera's GUID: docs/security-center.md says how to list them.",
        ) from error


class Inventory:
    """Reads entities in pages and batches."""

    def __init__(self, sdk: WebSdk) -> None:
        self._sdk = sdk

    def cameras(self) -> list[VmsCamera]:
        """Every camera that the user may see, by name."""
        found = self.described(self._guids("EntityTypes@Camera"), ("Guid", "Name"))
        cameras = [VmsCamera(device=guid, name=str(row.get("Name") or guid)) for guid, row in found.items()]
        return sorted(cameras, key=lambda camera: (camera.name.casefold(), camera.device))

    def named(self, entity_type: str, name: str) -> list[str]:
        """GUIDs of the entities of this type that bear exactly this name, whatever its case."""
        if "#" in name:
            raise RequestInvalid(f"the Web SDK cannot look for {name!r}: it takes no '#'")
        query = f"EntityTypes@{entity_type},Name={escaped(name)},NameSearchMode=Contains"
        rows = self.described(self._guids(query), ("Guid", "Name"))
        return [guid for guid, row in rows.items() if str(row.get("Name", "")).casefold() == name.casefold()]

    def described(self, guids: Sequence[str], properties: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Rows by GUID (``Guid`` must be among the properties). Entities refused one by one are left out."""
        rows = (
            row
            for start in range(0, len(guids), ENTITIES_PER_REQUEST)
            for row in self._rows(guids[start : start + ENTITIES_PER_REQUEST], properties)
        )
        return {str(row["Guid"]).lower(): row for row in rows if "Guid" in row}

    def _rows(self, guids: Sequence[str], properties: Sequence[str]) -> list[Mapping[str, Any]]:
        """Halves what is refused until the entity that is unknown, or not for this account, stands alone."""
        try:
            return self._sdk.entities(guids, properties)
        except VmsRefused as error:
            if isinstance(error, AuthenticationRefused) and not isinstance(error, RightMissing):
                raise
            if len(guids) == 1:
                return []
            half = len(guids) // 2
            return self._rows(guids[:half], properties) + self._rows(guids[half:], properties)

    def _guids(self, filters: str) -> list[str]:
        """A page holds one row more than asked for when there is another; the sample asks on while it is full."""
        known: dict[str, None] = {}
        for page in range(1, _MOST_PAGES + 1):
            query = f"{filters},Page={page},PageSize={PAGE_SIZE}"
            rows = self._sdk.ask("/report/EntityConfiguration", query, what="list entities").rows()
            before = len(known)
            known |= dict.fromkeys(
                str(row["Guid"]).lower() for row in rows if isinstance(row, Mapping) and "Guid" in row
            )
            if len(rows) < PAGE_SIZE or len(known) == before:
                break
        return list(known)
