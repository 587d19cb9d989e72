"""Where the record of an attempt leaves planning behind, planning hears of it at once: the sweep has nothing to do."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from activities.delivery import DeliveryActivities
from control.plans import Plans
from domain.sends import Outcome, Status
from embedded.mailbox import Mailbox
from mail.compose import Message
from mail.outcomes import Refused, Reply
from mail.transport import HandOver, Relay
from tests.house import LivedInHouse, lived_in_house

WEEK_BEFORE = {"anchor": "session.start", "offset": "-P7D"}


class BusyRelay(Relay):
    """The first dot is answered by a 451, and something happens while it is on its way."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def prepare(self, message: Message) -> HandOver:
        hand_over = await super().prepare(message)
        if self.meanwhile is not None:
            hand_over.dot = self._refuse(hand_over)  # type: ignore[method-assign]
        return hand_over

    def _refuse(self, hand_over: HandOver) -> Callable[[], Coroutine[Any, Any, Reply]]:
        async def dot() -> Reply:
            hand_over.abandon()
            assert self.meanwhile is not None
            await self.meanwhile()
            self.meanwhile = None
            raise Refused(451)

        return dot


@pytest.fixture
def relay(sink: Mailbox) -> BusyRelay:
    return BusyRelay.from_url(f"smtp://127.0.0.1:{sink.port}")


@pytest.fixture
async def house(
    temporal_env: WorkflowEnvironment, database_url: str, sink: Mailbox, relay: BusyRelay
) -> AsyncIterator[LivedInHouse]:
    async with lived_in_house(temporal_env, database_url, sink, relay=relay) as house:
        yield house


async def plan_a_mail(house: LivedInHouse) -> None:
    """Plan a mail that is due in ten days."""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(days=17), "claire")
    await house.rule("r", WEEK_BEFORE)


async def test_a_mail_refused_for_now_while_its_session_moves_is_planned_anew(
    house: LivedInHouse, relay: BusyRelay
) -> None:
    """Planning passed over it, since it was being handed over; after the 451 it would have the old date."""
    await plan_a_mail(house)
    postponed = await house.now() + timedelta(days=60)

    async def postpone() -> None:
        await house.call("PUT", "/v1/sessions/s", {"name": "s", "starts_at": postponed.isoformat()})
        await house.planned()

    relay.meanwhile = postpone
    await house.advance(timedelta(days=11))
    await house.planned()

    assert (await house.send())["status"] == "scheduled"
    assert (await house.status(await house.send())).due_at == postponed - timedelta(days=7)
    assert house.accepted() == []
    await house.advance(timedelta(days=43))
    await house.mails(1)
    assert await house.sweep(timedelta(0)) == {}


async def test_a_doubt_settled_by_a_late_reply_is_told_at_once(house: LivedInHouse, relay: BusyRelay) -> None:
    """Its workflow would ask again within the hour only."""
    await plan_a_mail(house)
    token = uuid4()
    async with house.store.transaction() as db:
        hang = "update sends set status = 'in_doubt', token = :token"
        await db.execute(text(hang), {"token": token})
    await house.advance(timedelta(days=10, minutes=1))
    send = await house.send()
    assert send["status"] == "in_doubt"

    deliveries = DeliveryActivities(house.store, relay, poke=Plans(house.env.client))
    outcome = Outcome(UUID(send["id"]), token, Status.SENT)
    await ActivityEnvironment().run(deliveries.record, outcome)
    await house.planned()
    await house.advance(timedelta(seconds=1))

    assert await house.workflow(send).result() == "sent"
    assert await house.sweep(timedelta(0)) == {}
