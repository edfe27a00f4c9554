"""The pull point: a driver's side of it, and what it makes of each message."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from connectors.onvif.simulator.client.hardware import Hardware
from connectors.onvif.simulator.client.judge import Judge
from connectors.onvif.simulator.client.receipt import EventReceiver
from connectors.onvif.simulator.client.roles import Role
from connectors.onvif.simulator.client.soap import Addressing, SoapClient, SoapFault
from connectors.onvif.simulator.client.xml import TEV, WSNT, every, first, request, text_at
from connectors.protocols.simulation import Ledger
from core.clock import parse_iso
from core.errors import ProtocolViolation, VmsError

_LIFE: Final = "PT60S"
_SHORT_LOOK_S = 1.0
_LIMIT = 64
_EARLY_S = 0.15
"""An empty answer so long before its time-out still counts as at its time-out."""
_LATE_S = 5.0
_ANSWER_S = 10.0
_SPARE_S = 10.0
"""A pull point that ends sooner than the next two pulls and this is prolonged."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
_MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_PULL_POINT = f"{TEV}/PullPointSubscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subscription:
    number: int
    address: str
    parameters: Sequence[etree._Element]


class EventPuller:
    """Keeps one pull point and pulls it once in a period, in its own thread. Acts may come from other threads."""

    def __init__(
        self,
        hardware: Callable[[], Hardware],
        role: Role,
        soap: SoapClient,
        judge: Judge,
        ledger: Ledger,
        receiver: EventReceiver,
        *,
        period_s: float,
    ) -> None:
        self._hardware = hardware
        self._role = role
        self._soap = soap
        self._judge = judge
        self._ledger = ledger
        self._receiver = receiver
        self._period_s = period_s
        self._subscription: _Subscription | None = None
        self._count = 0
        self._is_dropped = threading.Event()
        self._is_synchronising = threading.Event()
        self.pulls = 0

    def run(self, stop: threading.Event) -> None:
        """Pulls until ``stop``; subscribes anew after every failure. Unsubscribes at the end."""
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            begun = time.monotonic()
            try:
                self._once(stop)
            except VmsError as error:
                self._ledger.add("pull-failed", reason=error.line())
                self._subscription = None
                stop.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            pause_s = _FIRST_PAUSE_S
            if not self._role.has_long_polls:
                stop.wait(max(0.0, self._period_s - (time.monotonic() - begun)))
        self._unsubscribe()

    def drop(self) -> None:
        """Forgets the pull point without a word to the device, as a driver that crashed; the next pull makes another."""
        self._is_dropped.set()

    def synchronise(self) -> None:
        """Asks for a synchronisation point before the next pull."""
        self._is_synchronising.set()

    def _once(self, stop: threading.Event) -> None:
        if self._is_dropped.is_set():
            self._is_dropped.clear()
            self._subscription = None
        if self._subscription is None:
            self._subscription = self._subscribed()
            self._is_synchronising.set()
        subscription = self._subscription
        is_synchronising = self._is_synchronising.is_set()
        if is_synchronising:
            self._is_synchronising.clear()
            self._ask(
                subscription, request(TEV, "SetSynchronizationPoint"), f"{_PULL_POINT}/SetSynchronizationPointRequest"
            )
            self._receiver.synchronising()
        while self._pulled(subscription) == _LIMIT and not stop.is_set():
            pass  # more waits: it is fetched at once
        if is_synchronising:
            self._receiver.synchronised(self._hardware())

    def _subscribed(self) -> _Subscription:
        address = self._hardware().services[TEV]
        body = request(TEV, "CreatePullPointSubscription", InitialTerminationTime=_LIFE)
        action = Addressing(action=f"{TEV}/EventPortType/CreatePullPointSubscriptionRequest")
        answer = self._soap.call(address, body, addressing=action)
        reference = first(answer, "tev:SubscriptionReference")
        told = text_at(answer, "tev:SubscriptionReference/wsa:Address")
        if reference is None or not self._judge.require("subscription", bool(told), "no SubscriptionReference"):
            raise ProtocolViolation("the pull point has no address")
        self._require_same_place(address, told)
        self._remaining_s(answer, "wsnt:CurrentTime", "wsnt:TerminationTime")
        parameters = first(reference, "wsa:ReferenceParameters")
        self._count += 1
        self._ledger.add("subscribed", subscription=self._count, address=told)
        return _Subscription(
            number=self._count, address=told, parameters=() if parameters is None else list(parameters)
        )

    def _require_same_place(self, asked: str, told: str) -> None:
        parts, own = urlsplit(told), urlsplit(asked)
        seen = f"the pull point is announced at {told}, asked at {asked}"
        is_same = parts.hostname == own.hostname and (own.scheme != "https" or parts.scheme == "https")
        self._judge.require("address", is_same, seen)

    def _pulled(self, subscription: _Subscription) -> int:
        """Pulls once; returns how many messages came."""
        timeout_s = self._period_s if self._role.has_long_polls else min(_SHORT_LOOK_S, self._period_s)
        body = request(TEV, "PullMessages", Timeout=f"PT{timeout_s:g}S", MessageLimit=str(_LIMIT))
        begun = time.monotonic()
        answer = self._ask(subscription, body, f"{_PULL_POINT}/PullMessagesRequest", timeout_s + _ANSWER_S)
        took_s = time.monotonic() - begun
        self.pulls += 1
        messages = list(every(answer, "wsnt:NotificationMessage"))
        self._judge_pull(len(messages), took_s, timeout_s)
        for message in messages:
            self._receiver.take(message, self._hardware(), subscription.number)
        remaining_s = self._remaining_s(answer, "tev:CurrentTime", "tev:TerminationTime")
        if remaining_s < 2 * self._period_s + _SPARE_S:
            self._prolong(subscription)
        return len(messages)

    def _judge_pull(self, count: int, took_s: float, timeout_s: float) -> None:
        judge = self._judge
        judge.require("pull", count <= _LIMIT, f"{count} messages where {_LIMIT} were asked")
        is_in_time = count > 0 or took_s >= timeout_s - _EARLY_S
        judge.require("pull", is_in_time, "an empty answer before the time-out")
        judge.require("pull", took_s <= timeout_s + _LATE_S, f"no answer {_LATE_S:g} s after the time-out")

    def _remaining_s(self, answer: etree._Element, now_path: str, end_path: str) -> float:
        now, end = text_at(answer, now_path), text_at(answer, end_path)
        try:
            remaining_s = parse_iso(end) - parse_iso(now)
        except ValueError:
            self._judge.broken("subscription", f"CurrentTime {now!r}, TerminationTime {end!r}")
            return math.inf
        self._judge.require("subscription", remaining_s > 0, "TerminationTime is not after CurrentTime")
        return remaining_s

    def _prolong(self, subscription: _Subscription) -> None:
        """A device without notification producers need not know Renew (SPEC:Core): then another pull point is made."""
        body = request(WSNT, "Renew", TerminationTime=_LIFE)
        try:
            self._ask(subscription, body, f"{_MANAGER}/RenewRequest")
        except SoapFault as fault:
            self._judge.require("subscription", fault.is_not_supported, f"Renew: {fault}")
            self._unsubscribe()

    def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is None or self._is_dropped.is_set():
            return
        try:
            self._ask(subscription, request(WSNT, "Unsubscribe"), f"{_MANAGER}/UnsubscribeRequest")
        except VmsError as error:
            self._judge.broken("subscription", f"Unsubscribe: {error}")

    def _ask(
        self, subscription: _Subscription, body: etree._Element, action: str, timeout_s: float = _ANSWER_S
    ) -> etree._Element:
        addressing = Addressing(action=action, parameters=subscription.parameters)
        return self._soap.call(subscription.address, body, addressing=addressing, timeout_s=timeout_s)
