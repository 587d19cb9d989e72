"""Of the mails that are late a sample is asked: more only where most of it stands still, since asking costs."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from activities.overdue import SAMPLE, Overdue
from activities.witness import Doing, Said
from domain.sends import Status
from domain.upkeep import Repair
from store.database import Store
from store.signals import Unsignalled
from store.sweep import LeftSend

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


class Temporal:
    """Tells of each send what its workflow does, until it was started again; notes who was asked."""

    def __init__(self, late: dict[UUID, Doing]) -> None:
        self.late, self.asked = late, 0

    async def ask(self, send: Unsignalled) -> Said:
        self.asked += 1
        return Said(self.late[send.id])

    async def backlog(self) -> int:
        return 0

    async def tell(self, send: Unsignalled) -> None:
        del self.late[send.id]

    async def plans(self, *_: object) -> bool:
        return False

    async def rolls_out(self, *_: object) -> bool:
        return False

    async def look(self, send: Unsignalled) -> None:
        raise AssertionError(send)

    async def session_changed(self, organization: str, key: str, session: UUID) -> bool:
        raise AssertionError(session)

    async def rule_changed(self, organization: str, key: str, rule: UUID) -> bool:
        raise AssertionError(rule)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = Store(database_url)
    yield store
    await store.close()


async def mend(store: Store, monkeypatch: pytest.MonkeyPatch, *late: Doing) -> tuple[Temporal, int]:
    """Sweep over mails that are late; return whom it asked and how many it started again."""
    temporal = Temporal({uuid4(): doing for doing in late})

    async def left(_: object, __: object, limit: int, only: Sequence[UUID] | None = None) -> list[LeftSend]:
        return [_late(id) for id in temporal.late if only is None or id in only][:limit]

    monkeypatch.setattr("activities.overdue.list_sends_left", left)
    repaired = await Overdue(store, temporal, temporal, temporal).mend(timedelta(minutes=1))
    return temporal, repaired[Repair.OVERDUE]


def _late(id: UUID) -> LeftSend:
    return LeftSend(Unsignalled(id, "main", "r", "s", id, Status.SCHEDULED, None, 1, NOW), NOW)


async def test_in_a_healthy_burst_one_sample_is_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    temporal, started = await mend(store, monkeypatch, *[Doing.WORKING] * 10 * SAMPLE)

    assert (temporal.asked, started) == (SAMPLE, 0)


async def test_where_all_are_gone_all_are_started_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporal, started = await mend(store, monkeypatch, *[Doing.GONE] * 10 * SAMPLE)

    assert (temporal.late, started) == ({}, 10 * SAMPLE)
