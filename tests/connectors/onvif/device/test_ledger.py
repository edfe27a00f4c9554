import asyncio
from uuid import UUID

from connectors.onvif.device.ledger import Ledger

KEY = UUID(int=1)


def test_an_alert_is_taken_when_one_subscriber_was_sent_all_its_messages() -> None:
    ledger = Ledger()
    ledger.queued(KEY, (), "a", 2)
    ledger.queued(KEY, (), "b", 2)
    ledger.written(KEY, "a")
    ledger.written(KEY, "b")
    assert ledger.state_of(KEY) == "waiting"
    ledger.written(KEY, "a")
    assert ledger.state_of(KEY) == "taken"
    ledger.written(KEY, "b")
    assert (ledger.state_of(KEY), ledger.taken) == ("taken", 1)


def test_an_alert_that_nobody_holds_any_more_is_unknown_and_ends_the_wait() -> None:
    async def waits() -> bool:
        ledger = Ledger()
        ledger.queued(KEY, (), "a", 1)
        ledger.queued(KEY, (), "b", 1)
        waiting = asyncio.create_task(ledger.wait_taken(KEY, 5))
        await asyncio.sleep(0)
        ledger.dropped(KEY, "a")
        assert ledger.state_of(KEY) == "waiting"
        ledger.dropped(KEY, "b")
        assert ledger.state_of(KEY) == "unknown"
        return await waiting

    assert asyncio.run(waits()) is False


def test_a_wait_for_what_is_settled_or_was_never_there_ends_at_once() -> None:
    async def waits() -> list[bool]:
        ledger = Ledger()
        ledger.queued(KEY, (), "a", 1)
        expired = await ledger.wait_taken(KEY, 0.001)
        ledger.written(KEY, "a")
        return [expired, await ledger.wait_taken(KEY, 5), await ledger.wait_taken(UUID(int=2), 5)]

    assert asyncio.run(waits()) == [False, True, False]


def test_what_was_not_held_proves_nothing() -> None:
    ledger = Ledger()
    ledger.written(KEY, "a")
    ledger.dropped(KEY, "a")
    ledger.queued(KEY, (), "a", 1)
    ledger.written(KEY, "b")
    assert ledger.state_of(KEY) == "waiting"


def test_old_taken_alerts_are_forgotten_in_the_end() -> None:
    ledger = Ledger()
    for number in range(5_000):
        ledger.queued(UUID(int=number), (), "a", 1)
        ledger.written(UUID(int=number), "a")
    assert ledger.state_of(UUID(int=0)) == "unknown"
    assert ledger.state_of(UUID(int=4_999)) == "taken"
