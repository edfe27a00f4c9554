"""XProtect's ServerCommandService over SOAP 1.1: logins, configuration, bookmarks, evidence locks, events.

The WSDL is our own (``wsdl/``) with the documented parameter orders; zeep writes and reads the messages. Exists in every
release; recorders and the event server take only the token that its ``Login`` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import zeep
from lxml import etree

from connectors.milestone.access.logins import REMEDIES
from connectors.milestone.access.rest import without_effect
from connectors.milestone.access.soap_transport import Sender, Transport, first_text, spoken
from connectors.milestone.access.tokens import Grant
from connectors.milestone.inventory.configuration import ServerConfiguration, read_configuration
from core.clock import iso_utc, parse_iso
from core.errors import ProtocolViolation, VmsRefused
from core.redaction import redact
from core.types import UtcSeconds

NAMESPACE = "http://videoos.net/2/XProtectCSServerCommand"
BASIC_PATH = "/ManagementServer/ServerCommandService.svc"
OAUTH_PATH = "/ManagementServer/ServerCommandServiceOAuth.svc"
NTLM_PATH = "/ServerAPI/ServerCommandService.asmx"

_WSDL = Path(__file__).parent / "wsdl" / "ServerCommandService.wsdl"
_ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
_MAX_BOOKMARKS = 1000
_LOCKS_PER_PAGE = 100
_MAX_PAGES = 20
_MICROSECONDS = 1_000_000
_DAY_S = 86_400.0
_EVIDENCE_LOCK = 2
"""``markedDataType`` of evidence locks, as Milestone's own sample and PowerShell module send it."""
_NO_TIME = "0001-01-01T00:00:00Z"
"""What .NET sends for a time that does not matter."""
_SLOW_S = {"GetConfiguration": 180.0}
"""The configuration of a site with thousands of cameras takes minutes."""
_EXCERPT = 200

INTEGRATION_ID = "b1c0f7a4-5a0f-4a39-9a0e-7d5f3a6e2c11"
INTEGRATION_NAME = "Vigie"
INTEGRATION_VERSION = version("vigie")
MANUFACTURER = "Vigie"
"""How we are shown to XProtect's administrators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A bookmark as it is asked for or found. ``bookmark_id`` is the VMS's own."""

    device: str
    begin: UtcSeconds
    triggered: UtcSeconds
    end: UtcSeconds
    header: str
    description: str
    bookmark_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLock:
    """An evidence lock ("marked data") as it is asked for. ``lock_id`` is the id that it shall have; any when empty."""

    device: str
    begin: UtcSeconds
    tagged: UtcSeconds
    end: UtcSeconds
    header: str
    description: str
    retention_days: int
    lock_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductInfo:
    """What the management server says of itself; ``version`` is major and minor, empty where it is no number."""

    version: tuple[int, ...]
    product_line: str
    product_code: str
    slc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the configuration. Which kinds there are is unverified."""

    kind: str
    object_id: str
    at: UtcSeconds | None


class ServerCommands:
    """The operations of one management server. Thread-safe as far as ``requests`` is.

    ``is_asmx``: the address is the older ``.asmx`` service, whose actions and lists of ids are spelled differently.
    """

    def __init__(
        self,
        http: Sender,
        address: str,
        authorise: Callable[[str], str],
        *,
        account_remedy: str = REMEDIES["basic"]["InvalidCredentials"],
        is_asmx: bool = False,
    ) -> None:
        transport = Transport(
            http, authorise, rewrite=_as_asmx if is_asmx else None, slow=_SLOW_S, account_remedy=account_remedy
        )
        client = zeep.Client(str(_WSDL), transport=transport, settings=zeep.Settings(strict=False, xml_huge_tree=True))  # type: ignore[no-untyped-call]
        self._service = client.create_service(f"{{{NAMESPACE}}}ServerCommandServiceBinding", address)  # type: ignore[no-untyped-call]
        self._address = address

    def login(self, instance_id: UUID, current_token: str) -> Grant:
        """The corporate token, which recorders and the other operations take; goes on from ``current_token``."""
        with spoken(f"SOAP login at {self._address}") as what:
            result = self._service.Login(instanceId=str(instance_id), currentToken=current_token)
            life = result["TimeToLive"] if result else None
            if not life or not result["Token"] or not life["MicroSeconds"]:
                raise ProtocolViolation(f"{what}: the answer has no token or no time to live")
            return Grant(result["Token"], life["MicroSeconds"] / _MICROSECONDS)

    def register_integration(self, token: str, instance_id: UUID) -> None:
        """Tells XProtect's administrators who is logged in. Older releases do not have it."""
        with without_effect(), spoken(f"integration at {self._address}"):
            self._service.RegisterIntegration(
                token=token,
                instanceId=str(instance_id),
                integrationId=INTEGRATION_ID,
                integrationVersion=INTEGRATION_VERSION,
                integrationName=INTEGRATION_NAME,
                manufacturerName=MANUFACTURER,
            )

    def product_info(self, token: str) -> ProductInfo:
        """Product, edition and version. That ``MajorVersion`` counts like ``ProductVersion`` (25 …) is inferred."""
        with without_effect(), spoken(f"product information at {self._address}"):
            found = self._service.GetProductInfo(token=token)
            return ProductInfo(
                version=_version(_text(found, "MajorVersion"), _text(found, "MinorVersion")),
                product_line=_text(found, "ProductLine"),
                product_code=_text(found, "ProductCode"),
                slc=_text(found, "SLC"),
            )

    def configuration(self, token: str) -> ServerConfiguration:
        """Everything that this account may see; minutes on large sites."""
        with without_effect(), spoken(f"configuration at {self._address}") as what:
            found = self._service.GetConfiguration(token=token)
            return read_configuration(_elements(found), what)

    def query_changes(self, token: str, since: UtcSeconds) -> list[Change]:
        """What was changed in the configuration since then, by the VMS's clock."""
        with without_effect(), spoken(f"configuration changes at {self._address}"):
            found = self._service.QueryChanges(token=token, changesFrom=iso_utc(since))
            return [_change(item) for item in _elements(found)]

    def trigger_event(self, token: str, event_id: str) -> None:
        """Triggers a user-defined event."""
        with spoken(f"event trigger at {self._address}"):
            self._service.EventTrigger(token=token, eventId=event_id)

    def create_bookmark(self, token: str, bookmark: Bookmark) -> str:
        """Makes it, under a new reference number; returns its id."""
        with without_effect(), spoken(f"new bookmark reference at {self._address}"):
            reserved = self._service.BookmarkGetNewReference(token=token, deviceId=bookmark.device, live=False)
        with spoken(f"bookmark at {self._address}"):
            made = self._service.BookmarkCreate(
                token=token,
                deviceId=bookmark.device,
                timeBegin=iso_utc(bookmark.begin),
                timeTrigged=iso_utc(bookmark.triggered),
                timeEnd=iso_utc(bookmark.end),
                reference=_text(reserved, "Reference"),
                header=bookmark.header,
                description=bookmark.description,
            )
            return _text(made, "Id")

    def search_bookmarks(
        self, token: str, device: str, begin: UtcSeconds, end: UtcSeconds, text: str
    ) -> dict[str, str]:
        """Bookmarks of a camera from ``begin`` to ``end`` that contain ``text``: id → header and description.

        ``timeLimit`` counts forward from ``time``. The VMS is asked for all of them, as Milestone's samples do: which
        fields its own search for a text looks into is unverified. Raises ``VmsRefused`` when there are too many to tell.
        """
        with spoken(f"bookmark search at {self._address}") as what:
            found = self._service.BookmarkSearchTime(
                token=token,
                time=iso_utc(begin),
                timeLimit={"MicroSeconds": round((end - begin) * _MICROSECONDS)},
                countLimit=_MAX_BOOKMARKS,
                deviceTypes={"MediaDeviceType": ["Camera"]},
                optDeviceIds={"guid": [device]},
                optUsers={},
                optSearchStr="",
            )
            told = _texts(found)
        wanted = _holding(text, told)
        if not wanted and len(told) >= _MAX_BOOKMARKS:
            raise VmsRefused(
                f"{what}: {len(told)} bookmarks or more, so whether {text!r} is among them stays unknown",
                remedy=f"Search Smart Client's bookmarks for {text}: if it is missing, send this delivery again.",
            )
        return wanted

    def create_evidence_lock(self, token: str, lock: EvidenceLock) -> str:
        """Makes it, under a new reference number; returns its id. XProtect Corporate only."""
        devices = {"guid": [lock.device]}
        with without_effect(), spoken(f"new evidence lock reference at {self._address}"):
            reserved = self._service.MarkedDataGetNewReference(token=token, deviceIds=devices, live=False)
        with spoken(f"evidence lock at {self._address}") as what:
            made = self._service.MarkedDataCreate(
                token=token,
                markedDataId=lock.lock_id or str(uuid4()),
                deviceIds=devices,
                timeStart=iso_utc(lock.begin),
                timeTag=iso_utc(lock.tagged),
                timeEnd=iso_utc(lock.end),
                reference=_text(reserved, "Reference"),
                header=lock.header,
                description=lock.description,
                markedDataType=_EVIDENCE_LOCK,
                useRetention=True,
                retentionExpire=iso_utc(lock.tagged + lock.retention_days * _DAY_S),
                retentionOption={"RetentionOptionType": "UserDefined", "RetentionUnits": -1},
            )
            made_id = _text(made["MarkedData"], "Id") if made else ""
            if not made_id and (faults := _faults_of(made)):
                raise VmsRefused(f"{what}: {faults}")
            if not made_id:
                raise ProtocolViolation(f"{what}: the answer names neither a lock nor what was refused")
            return made_id

    def find_evidence_locks(
        self, token: str, device: str, begin: UtcSeconds, end: UtcSeconds, text: str
    ) -> dict[str, str]:
        """Evidence locks of a device over that interval that contain ``text``: id → header and description.

        Reads pages until one has some, or brings nothing new, as a server may give smaller pages than asked. Raises
        ``VmsRefused`` when the pages were not enough to tell.
        """
        seen: set[str] = set()
        with without_effect(), spoken(f"evidence lock search at {self._address}") as what:
            for page in range(_MAX_PAGES):
                locks = self._evidence_locks(token, device, begin, end, page)
                found = _holding(text, locks)
                if found or locks.keys() <= seen:
                    return found
                seen |= locks.keys()
        raise VmsRefused(f"{what}: more than {len(seen)} locks, so whether {text!r} is among them stays unknown")

    def _evidence_locks(self, token: str, device: str, begin: UtcSeconds, end: UtcSeconds, page: int) -> dict[str, str]:
        return _texts(
            self._service.MarkedDataSearch(
                token=token,
                deviceIds={"guid": [device]},
                searchText="",
                users={},
                createdFromTime=_NO_TIME,
                createdToTime=_NO_TIME,
                markedDataFromTime=iso_utc(begin),
                markedDataToTime=iso_utc(end),
                tagTimeFromTime=_NO_TIME,
                tagTimeToTime=_NO_TIME,
                retentionExpireFrom=_NO_TIME,
                retentionExpireTo=_NO_TIME,
                pageIndex=page,
                pageSize=_LOCKS_PER_PAGE,
                sortOrder="CreateTime",
                sortAscending=False,
            )
        )


def _as_asmx(envelope: etree._Element, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The ``.asmx`` has no interface name in its actions, and ids as plain ``guid`` items of its own namespace."""
    for item in envelope.iter(f"{{{_ARRAYS}}}*"):
        item.tag = f"{{{NAMESPACE}}}{etree.QName(item).localname}"
    etree.cleanup_namespaces(envelope)
    action = headers["SOAPAction"].replace("/IServerCommandService/", "/")
    return {**headers, "SOAPAction": action}


def _elements(found: Any) -> list[etree._Element]:
    """What stands where the WSDL leaves it open; zeep hands a result of one member over without its wrapper."""
    return list((found if isinstance(found, list) else found["_value_1"]) or ()) if found else []


def _text(item: Any, name: str) -> str:
    return str(item[name] or "") if item else ""


def _texts(items: Iterable[Any] | None) -> dict[str, str]:
    """Raises ``ValueError`` for an item without id: taken for another's, it would be made a second time."""
    texts = {_text(item, "Id"): f"{_text(item, 'Header')}\n{_text(item, 'Description')}" for item in items or ()}
    if "" in texts:
        raise ValueError("it lists what has no id")
    return texts


def _holding(text: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {found_id: said for found_id, said in texts.items() if text in said}


def _change(item: etree._Element) -> Change:
    try:
        at: UtcSeconds | None = parse_iso(first_text(item, "Time"))
    except ValueError:
        at = None
    return Change(kind=first_text(item, "ChangeType"), object_id=first_text(item, "Id").lower(), at=at)


def _version(*parts: str) -> tuple[int, ...]:
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def _faults_of(made: Any) -> str:
    """Which devices were refused, and why, in the VMS's own words."""
    faults = _elements(made["FaultDevices"]) if made else []
    return redact("; ".join(" ".join(map(str, fault.itertext())) for fault in faults))[:_EXCERPT]
