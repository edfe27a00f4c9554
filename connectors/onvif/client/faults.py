"""What an ONVIF bridge's SOAP faults mean, in one table.

Codes: ``ter:`` of ONVIF Core ("SOAP fault codes"), the faults of WS-BaseNotification and WS-ResourceFramework that the
event service's WSDL declares, and those of WS-Security (research, A1 and the WSDLs of 26.06). A fault's detail names it
most exactly, then its innermost sub-code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lxml import etree

from core.errors import (
    AuthenticationRefused,
    NotFoundInVms,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.redaction import redact

_EXCERPT = 300

_ACCOUNT = "Check 'username', 'password' and 'login'; add the account in the bridge's own list of users."
RIGHT_REMEDY = "Give the account the right to view these cameras, and to read events, in the VMS and in its bridge."
_MISSING = "Run 'vigie check': it lists the tokens that the bridge has."
_RELEASE = "The bridge speaks another release of ONVIF than it announces: look at its version and its log."
_BUSY = "Look at the bridge's log; restart its service if it stays."


class ActionNotSupported(VmsRefused):
    """The bridge does not have this operation (``ter:ActionNotSupported``): another way must be taken."""


class FilterRefused(RequestInvalid):
    """The bridge does not take this event filter: without one it tells everything."""


class SubscriptionEnded(VmsUnavailable):
    """The pull point is gone: expired, or the bridge restarted. A new one must be made."""


class PullLimited(RequestInvalid):
    """We asked for more messages at once, or a longer wait, than the bridge gives. ``max_messages``: what it gives."""

    def __init__(self, message: str, *, remedy: str = "", max_messages: int = 0) -> None:
        super().__init__(message, remedy=remedy)
        self.max_messages = max_messages


MEANINGS: Mapping[str, tuple[type[VmsError], str]] = {
    # ONVIF Core
    "NotAuthorized": (AuthenticationRefused, _ACCOUNT),
    "OperationProhibited": (RightMissing, RIGHT_REMEDY),
    "ActionNotSupported": (ActionNotSupported, "Enable the service in the bridge, where it has such a switch."),
    "UnknownAction": (ActionNotSupported, "Enable the service in the bridge, where it has such a switch."),
    "NoProfile": (NotFoundInVms, _MISSING),
    "NoConfig": (NotFoundInVms, _MISSING),
    "NoSource": (NotFoundInVms, _MISSING),
    "NoVideoSource": (NotFoundInVms, _MISSING),
    "IncompleteConfiguration": (VmsRefused, "Give the profile a video source and a video encoder in the bridge."),
    "InvalidStreamSetup": (RequestInvalid, "Choose another 'transport:'; the bridge does not offer this one."),
    "StreamConflict": (VmsRefused, "Choose another 'transport:', or close other streams of this profile."),
    "InvalidArgVal": (RequestInvalid, _RELEASE),
    "InvalidArgs": (RequestInvalid, _RELEASE),
    "WellFormed": (RequestInvalid, _RELEASE),
    "TagMismatch": (RequestInvalid, _RELEASE),
    "Tag": (RequestInvalid, _RELEASE),
    "Namespace": (RequestInvalid, _RELEASE),
    "MissingAttr": (RequestInvalid, _RELEASE),
    "OutofMemory": (VmsUnavailable, _BUSY),
    "CriticalError": (VmsUnavailable, _BUSY),
    # WS-Security, where a UsernameToken is refused
    "FailedAuthentication": (AuthenticationRefused, _ACCOUNT),
    "FailedCheck": (AuthenticationRefused, _ACCOUNT),
    "InvalidSecurity": (AuthenticationRefused, _ACCOUNT),
    "InvalidSecurityToken": (AuthenticationRefused, _ACCOUNT),
    "MessageExpired": (AuthenticationRefused, "Give the bridge and this machine the same NTP time source."),
    # Events
    "ResourceUnknownFault": (SubscriptionEnded, "It is subscribed again."),
    "ResourceUnavailableFault": (SubscriptionEnded, "It is subscribed again."),
    "UnableToDestroySubscriptionFault": (VmsUnavailable, _BUSY),
    "SubscribeCreationFailedFault": (VmsUnavailable, "Close other subscriptions: the bridge may have none left."),
    "InvalidFilterFault": (FilterRefused, _RELEASE),
    "InvalidTopicExpressionFault": (FilterRefused, _RELEASE),
    "TopicExpressionDialectUnknownFault": (FilterRefused, _RELEASE),
    "TopicNotSupportedFault": (FilterRefused, _RELEASE),
    "MultipleTopicsSpecifiedFault": (FilterRefused, _RELEASE),
    "InvalidMessageContentExpressionFault": (FilterRefused, _RELEASE),
    "UnacceptableInitialTerminationTimeFault": (RequestInvalid, _RELEASE),
    "UnacceptableTerminationTimeFault": (RequestInvalid, _RELEASE),
    "PullMessagesFaultResponse": (PullLimited, _RELEASE),
}
"""Local name of a code, or of an element in a fault's detail → the error that it means, and what to do."""


def fault_error(fault: etree._Element, what: str) -> VmsError:
    """The error that a ``Fault`` element (SOAP 1.2 or 1.1) means; ``what`` names the call for a person."""
    names = [*_detail_names(fault), *_codes(fault)]
    known = next((name for name in names if name in MEANINGS), "")
    said = next(filter(None, (_text(fault, "Text"), _text(fault, "faultstring"))), "")
    message = f"{what}: fault {known or '/'.join(names) or 'without code'} {redact(said)[:_EXCERPT]}".rstrip()
    kind, remedy = MEANINGS.get(known, _by_side(names))
    if issubclass(kind, PullLimited):
        return kind(message, remedy=remedy, max_messages=_max_messages(fault))
    return kind(message, remedy=remedy)


def _by_side(names: list[str]) -> tuple[type[VmsError], str]:
    """A code that nobody published: whose fault it is decides whether waiting can help."""
    if {"Sender", "Client"}.intersection(names):
        return RequestInvalid, _RELEASE
    return VmsUnavailable, _BUSY


def _detail_names(fault: etree._Element) -> Iterator[str]:
    for detail in fault.iterchildren("{*}Detail", "{*}detail"):
        for element in detail.iter("{*}*"):
            if element is not detail:
                yield etree.QName(element).localname


def _codes(fault: etree._Element) -> list[str]:
    """Local names of the codes, the innermost first."""
    values = [*fault.iterfind(".//{*}Value"), *fault.iterchildren("{*}faultcode")]
    words = [(value.text or "").strip().rpartition(":")[2] for value in values]
    # In SOAP 1.1, ONVIF's codes follow each other in one text: env:Sender/ter:NotAuthorized.
    return [name for word in reversed(words) for name in re.split(r"[/\s]+", word) if name]


def _max_messages(fault: etree._Element) -> int:
    told = _text(fault, "MaxMessageLimit")
    return int(told) if told.isascii() and told.isdigit() else 0


def _text(element: etree._Element, name: str) -> str:
    found = next(element.iter(f"{{*}}{name}"), None)
    return (found.text or "").strip() if found is not None else ""
