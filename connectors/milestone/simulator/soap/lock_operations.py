"""Evidence locks over SOAP, where they are called marked data (notes §5.2). Corporate only.

Orders and members beyond the notes are those of stubs that others generated from the service's description.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.milestone.simulator.marks.evidence_locks import EvidenceLock, EvidenceLockBook, LockContent, Retention
from connectors.milestone.simulator.site import Camera, Site, rest_time
from connectors.milestone.simulator.soap.messages import Items, Parameters, SoapFault, Value
from connectors.milestone.simulator.soap.operations import Operation, Operations
from core.types import UtcSeconds

_CONTENT = (
    "markedDataId",
    "deviceIds",
    "timeStart",
    "timeTag",
    "timeEnd",
    "reference",
    "header",
    "description",
    "markedDataType",
    "useRetention",
    "retentionExpire",
    "retentionOption",
)
_SEARCH = (
    "deviceIds",
    "searchText",
    "users",
    "createdFromTime",
    "createdToTime",
    "markedDataFromTime",
    "markedDataToTime",
    "tagTimeFromTime",
    "tagTimeToTime",
    "retentionExpireFrom",
    "retentionExpireTo",
    "pageIndex",
    "pageSize",
    "sortOrder",
    "sortAscending",
)
_ANY_TIME = "0001-01-01"
"""The day of .NET's ``DateTime.MinValue``: no limit."""
_FOR_EVER: UtcSeconds = 253_402_300_799.0
_NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOperations:
    """Every operation on marked data."""

    site: Site
    book: EvidenceLockBook

    def operations(self) -> Operations:
        """By name."""
        return {
            "MarkedDataGetNewReference": Operation(
                parameters=("token", "deviceIds", "live"), carry_out=self._new_reference
            ),
            "MarkedDataCreate": Operation(parameters=("token", *_CONTENT), carry_out=self._create, publishes=True),
            "MarkedDataUpdate": Operation(parameters=("token", *_CONTENT), carry_out=self._update),
            "MarkedDataDelete": Operation(parameters=("token", "markedDataIds"), carry_out=self._delete),
            "MarkedDataGet": Operation(parameters=("token", "markedDataId"), carry_out=self._get),
            "MarkedDataSearch": Operation(parameters=("token", *_SEARCH), carry_out=self._search),
        }

    def _new_reference(self, parameters: Parameters) -> Value:
        self._require_edition()
        parameters.boolean("live")
        return {"Reference": self.book.new_reference(), "Time": rest_time(self.book.clock.utc())}

    def _create(self, parameters: Parameters) -> Value:
        if not self.site.has_evidence_locks:
            return _result("FeatureNotLicensed")
        cameras, unknown = self._devices(parameters)
        if not cameras:
            return _result("Failed", unknown=unknown)
        lock_id = parameters.guid("markedDataId")
        try:
            lock = self.book.create(
                self._content(parameters, cameras),
                interface="soap",
                lock_id="" if lock_id == _NOBODY else lock_id,
            )
        except ValueError as error:
            raise SoapFault(str(error)) from error
        return _result("PartlySuccess" if unknown else "Success", lock, unknown)

    def _update(self, parameters: Parameters) -> Value:
        self._require_edition()
        cameras, unknown = self._devices(parameters)
        try:
            lock = self.book.update(parameters.guid("markedDataId"), self._content(parameters, cameras))
        except KeyError:
            return _result("MarkedDataNotFound")
        except ValueError as error:
            raise SoapFault(str(error)) from error
        return _result("PartlySuccess" if unknown else "Success", lock, unknown)

    def _delete(self, parameters: Parameters) -> Value:
        self._require_edition()
        ids = parameters.guids("markedDataIds")
        return [("MarkedDataResult", self._deleted(lock_id)) for lock_id in ids]

    def _deleted(self, lock_id: str) -> Value:
        try:
            return _result("Success", self.book.delete(lock_id))
        except KeyError:
            return _result("MarkedDataNotFound")

    def _get(self, parameters: Parameters) -> Value:
        self._require_edition()
        lock = self.book.locks.get(parameters.guid("markedDataId"))
        if lock is None:
            raise SoapFault("The marked data is unknown.")
        return _marked_data(lock)

    def _search(self, parameters: Parameters) -> Value:
        """Looks at devices, text, users and the time of the recordings; other limits must be open (``MinValue``).

        ``sortOrder`` other than by the begin is not simulated.
        """
        self._require_edition()
        found = self.book.search(
            begin=_limit(parameters, "markedDataFromTime", 0.0),
            end=_limit(parameters, "markedDataToTime", _FOR_EVER),
            camera_ids=parameters.guids("deviceIds"),
            users=parameters.strings("users"),
            text=parameters.text("searchText"),
        )
        page, size = parameters.integer("pageIndex"), parameters.integer("pageSize")
        if page < 0 or size < 1:
            raise SoapFault("pageIndex and pageSize must be 0 or more, and 1 or more.")
        ordered = found if parameters.boolean("sortAscending") else found[::-1]
        return [("MarkedData", _marked_data(lock)) for lock in ordered[page * size :][:size]]

    def _devices(self, parameters: Parameters) -> tuple[tuple[Camera, ...], list[str]]:
        """The cameras named, and the ids that are none."""
        ids = parameters.guids("deviceIds")
        found = [self.site.camera(device_id) for device_id in ids]
        unknown = [device_id for device_id, camera in zip(ids, found, strict=True) if camera is None]
        return tuple(camera for camera in found if camera is not None), unknown

    @staticmethod
    def _content(parameters: Parameters, cameras: tuple[Camera, ...]) -> LockContent:
        return LockContent(
            cameras=cameras,
            begin=parameters.moment("timeStart"),
            tagged=parameters.moment("timeTag"),
            end=parameters.moment("timeEnd"),
            header=parameters.text("header"),
            description=parameters.text("description"),
            reference=parameters.text("reference"),
            retention=_retention(parameters),
        )

    def _require_edition(self) -> None:
        if not self.site.has_evidence_locks:
            raise SoapFault("Evidence locks are not part of this product.", "s:51000")  # wording unverified


def _retention(parameters: Parameters) -> Retention:
    kind, units = parameters.members("retentionOption", "RetentionOptionType", "RetentionUnits")
    expires_at = _limit(parameters, "retentionExpire", _FOR_EVER)
    return Retention(
        is_used=parameters.boolean("useRetention"),
        expires_at=None if expires_at == _FOR_EVER else expires_at,
        kind=kind,
        units=int(units) if units.isdigit() else 0,
    )


def _limit(parameters: Parameters, name: str, otherwise: UtcSeconds) -> UtcSeconds:
    text = parameters.text(name)
    return otherwise if not text or text.startswith(_ANY_TIME) else parameters.moment(name)


def _result(status: str, lock: EvidenceLock | None = None, unknown: list[str] | None = None) -> Value:
    faults = [("FaultDevice", _fault(device_id)) for device_id in unknown or []]
    marked: dict[str, Value] = {} if lock is None else {"MarkedData": _marked_data(lock)}
    return {"FaultDevices": faults, **marked, "Status": status}


def _fault(device_id: str) -> Value:
    """The error code is *unverified*."""
    return {"DeviceId": device_id, "ErrorCode": "1", "Message": "The device is unknown."}


def _marked_data(lock: EvidenceLock) -> Value:
    expires = lock.retention.expires_at
    return {
        "Created": rest_time(lock.created_at),
        "Description": lock.description,
        "DeviceIds": Items("guid", [camera.camera_id for camera in lock.cameras]),
        "EndTime": rest_time(lock.end),
        "Header": lock.header,
        "Id": lock.lock_id,
        "LastModified": rest_time(lock.created_at),
        "Reference": lock.reference,
        "RetentionExpire": "9999-12-31T23:59:59.9999999Z" if expires is None else rest_time(expires),
        "RetentionOption": {
            "RetentionOptionType": lock.retention.kind or "Indefinite",
            "RetentionUnits": str(lock.retention.units),
        },
        "StartTime": rest_time(lock.begin),
        "TagTime": rest_time(lock.tagged),
        "UseRetention": str(lock.retention.is_used).lower(),
        "User": lock.user,
    }
