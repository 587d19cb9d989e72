"""PostgreSQL is away when the mail server's reply comes: the workflow knows it, and is asked (DESIGN 8, step 5)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from temporalio.testing import WorkflowEnvironment

from domain.sends import Outcome, Status
from domain.upkeep import Repair
from embedded.mailbox import Mailbox
from tests.house import LivedInHouse, lived_in_house

FAR = timedelta(hours=1)


@pytest.fixture
async def house(
    dev_server: WorkflowEnvironment, database_url: str, sink: Mailbox
) -> AsyncIterator[LivedInHouse]:
    """On a whole server: it tells what is pending, and answers for workflows that are closed."""
    async with lived_in_house(dev_server, database_url, sink) as house:
        yield house


class Away:
    """PostgreSQL, which does not take an outcome from a workflow until it is told to; from the sweep it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        monkeypatch.setattr("activities.delivery.record", self._refuse)

    async def _refuse(self, *_: object) -> NoReturn:
        raise OperationalError("", None, Exception())

    def come_back(self) -> None:
        self._monkeypatch.undo()


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Away:
    return Away(monkeypatch)


async def hand_over_a_mail(house: LivedInHouse) -> dict[str, Any]:
    """Deliver one mail whose outcome cannot be written; return the send once its workflow holds the outcome."""
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(hours=2), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-PT2H"}, late={"send_within": "PT1H"})

    async def holds_the_outcome() -> bool:
        (send,) = await house.sends()
        return (await house.status(send)).outcome is not None

    await house.until(holds_the_outcome)
    return await house.send()


async def let_the_lease_pass(house: LivedInHouse) -> None:
    """Move the database's clock alone; the next activity moves it back."""
    async with house.store.transaction() as db:
        await db.execute(text("update test_clock set ahead = :ahead"), {"ahead": FAR})


async def test_what_the_mail_server_said_is_asked_from_a_workflow_that_was_ended(
    house: LivedInHouse, away: Away
) -> None:
    send = await hand_over_a_mail(house)
    assert send["status"] == "handing_over"
    await house.workflow(send).terminate()
    await let_the_lease_pass(house)

    assert await house.sweep() == {Repair.REPLY: 1}

    assert (await house.send())["status"] == "sent"
    assert await house.sweep() == {}
    assert await house.repairs() == {Repair.REPLY: 1}
    assert len(house.accepted()) == 1


async def test_a_reply_that_is_being_recorded_is_left_to_its_workflow(
    house: LivedInHouse, away: Away
) -> None:
    send = await hand_over_a_mail(house)
    await let_the_lease_pass(house)

    assert await house.sweep() == {}
    outcome = (await house.status(send)).outcome
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.SENT

    away.come_back()
    await house.mails(1)
    assert await house.workflow(send).result() == "sent"
    assert (await house.status(send)).outcome is None


async def test_a_reply_that_nobody_knows_is_a_doubt(house: LivedInHouse, away: Away) -> None:
    """The outcome was of another attempt: it is not written under this one's token."""
    send = await hand_over_a_mail(house)
    await house.workflow(send).terminate()
    async with house.store.transaction() as db:
        await db.execute(text("update sends set token = gen_random_uuid()"))
    await let_the_lease_pass(house)

    assert await house.sweep() == {Repair.DOUBT: 1}

    assert (await house.send())["status"] == "in_doubt"
    assert (await house.status(await house.send())).version == 1  # a workflow holds it again


async def test_a_mail_whose_delivery_is_under_way_is_not_overdue(
    house: LivedInHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow that was asked to look delivers at last; its activity, which is tried again, is pending."""

    async def refuse(*_: object) -> NoReturn:
        raise OperationalError("", None, Exception())

    monkeypatch.setattr("activities.delivery.claim", refuse)
    await house.people("claire")
    await house.session("s", await house.now() + timedelta(hours=12), "claire")
    await house.rule("r", {"anchor": "session.start", "offset": "-PT2H"})
    async with house.store.transaction() as db:
        await db.execute(text("update sends set due_at = relance_now()"))
    await let_the_lease_pass(house)
    assert await house.sweep() == {Repair.OVERDUE: 1}

    async def is_tried_again() -> bool:
        description = await house.workflow(await house.send()).describe()
        return any(activity.attempt > 1 for activity in description.raw_description.pending_activities)

    await house.until(is_tried_again)
    await let_the_lease_pass(house)

    assert await house.sweep() == {}
    monkeypatch.undo()
    await house.mails(1)
