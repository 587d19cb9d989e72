"""A rule is rolled out in pages: it says how far it is, goes on where it was, and yields to a newer version."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities.crier import FEW, LANES, Crier
from activities.planning import PlanningActivities, RollOutProgress, RollOutRequest
from domain.identity import roll_out_workflow_id
from store.organizations import MAIN
from store.signals import Unsignalled
from tests.house import LivedInHouse

RULE = {"anchor": "session.start", "offset": "-P7D"}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sessions a page, one page a call, one send a chunk."""
    monkeypatch.setattr("activities.planning.PAGE", 2)
    monkeypatch.setattr("activities.planning.ENOUGH", 0)
    monkeypatch.setattr("activities.crier.CHUNK", 1)


async def five_sessions(house: LivedInHouse) -> None:
    await house.people("ada", "bob")
    for number in range(5):
        await house.session(f"s{number}", await house.now() + timedelta(days=17 + number), "ada", "bob")


async def rule_id(house: LivedInHouse) -> UUID:
    async with house.store.transaction() as db:
        found: UUID = (await db.execute(text("select id from rules"))).scalar_one()
        return found


async def roll_out(house: LivedInHouse) -> WorkflowHandle[Any, Any]:
    id = roll_out_workflow_id(MAIN, "r", await rule_id(house))
    return house.env.client.get_workflow_handle(id)


async def progress(house: LivedInHouse) -> RollOutProgress:
    found: RollOutProgress = await (await roll_out(house)).query("progress", result_type=RollOutProgress)
    return found


async def test_it_says_how_far_it_is(house: LivedInHouse) -> None:
    await five_sessions(house)

    await house.rule("r", RULE)

    last = await progress(house)
    assert (last.sessions, last.total, last.changed, last.version) == (5, 5, 10, 2)
    assert (last.more, last.dirty) == (False, False)
    events = [event.event_type async for event in (await roll_out(house)).fetch_history_events()]
    assert events.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 4  # three pages, and no more


async def written_down(house: LivedInHouse) -> tuple[int, int]:
    """Return how far the row says it is."""
    async with house.store.transaction() as db:
        row = (await db.execute(text("select rollout_sessions, rollout_total from rules"))).one()
        return row.rollout_sessions, row.rollout_total


class Telling:
    """Tells nobody."""

    def __init__(self) -> None:
        self.told: list[Unsignalled] = []
        self.backlogs: list[int] = []

    async def backlog(self) -> int:
        return self.backlogs.pop(0) if self.backlogs else 0

    async def tell(self, send: Unsignalled) -> None:
        self.told.append(send)


async def test_each_call_goes_on_where_the_last_one_stopped(house: LivedInHouse) -> None:
    await five_sessions(house)
    await house.rule("r", RULE)
    planning = PlanningActivities(house.store, telling := Telling())
    request = RollOutRequest(await rule_id(house))

    reached = []
    while True:
        said = await ActivityEnvironment().run(planning.roll_out, request)
        reached.append((said.sessions, said.total, said.more))
        assert await written_down(house) == (said.sessions, said.total)
        if not said.more:
            break
        request = replace(request, progress=said)

    assert reached == [(2, 5, True), (4, 5, True), (5, 5, True), (5, 5, False)]
    assert telling.told == []


async def test_a_run_whose_worker_died_goes_on_at_its_last_heartbeat(house: LivedInHouse) -> None:
    await five_sessions(house)
    await house.rule("r", RULE)
    planning = PlanningActivities(house.store, Telling())
    first = await ActivityEnvironment().run(planning.roll_out, RollOutRequest(await rule_id(house)))
    env = ActivityEnvironment()
    env.info = replace(env.info, heartbeat_details=[first])

    second = await env.run(planning.roll_out, RollOutRequest(await rule_id(house)))

    assert (first.sessions, second.sessions) == (2, 4)
    assert second.after is not None
    assert first.after is not None
    assert second.after > first.after


async def edit(house: LivedInHouse, offset: str) -> None:
    """Edit the rule, without waiting for what follows."""
    trigger = {"type": "date", "anchor": "session.start", "offset": offset}
    await house.call("PUT", "/v1/rules/r", {"name": "r", "template": "r", "trigger": trigger})


class TellingWhileEdited(Telling):
    """The rule changes as soon as the first workflow is told."""

    def __init__(self, house: LivedInHouse) -> None:
        super().__init__()
        self._house = house

    async def tell(self, send: Unsignalled) -> None:
        await super().tell(send)
        async with self._house.store.transaction() as db:
            await db.execute(text("update rules set version = 9"))


async def test_a_newer_version_is_heard_between_two_chunks_and_begins_anew(house: LivedInHouse) -> None:
    """A deactivation must not wait until a page of thousands has been told."""
    await five_sessions(house)
    await house.rule("r", RULE)
    async with house.store.transaction() as db:
        await db.execute(text("update sends set signalled_version = 0"))
    planning = PlanningActivities(house.store, telling := TellingWhileEdited(house))
    request = RollOutRequest(await rule_id(house), RollOutProgress(2, total=5))

    said = await ActivityEnvironment().run(planning.roll_out, request)

    assert len(telling.told) == LANES  # a chunk of one in each
    assert said == RollOutProgress(9, total=5, more=True)
    assert await written_down(house) == (0, 5)


async def test_a_rule_that_changes_while_it_is_rolled_out_ends_as_it_was_left(house: LivedInHouse) -> None:
    await five_sessions(house)
    await house.rule("r", RULE)
    for offset in ("-P8D", "-P9D", "-P10D"):
        await edit(house, offset)
    await house.planned()

    async with house.store.transaction() as db:
        rows = await db.execute(text("select distinct rule_version from sends"))
        assert [row.rule_version for row in rows] == [5]
    assert (await progress(house)).version == 5
    assert not (await progress(house)).more


class TellingAllButOne(Telling):
    """Temporal refuses one send, whatever else happens."""

    def __init__(self, refused: UUID) -> None:
        super().__init__()
        self._refused = refused

    async def tell(self, send: Unsignalled) -> None:
        if send.id == self._refused:
            raise RPCError("it is too long", RPCStatusCode.INVALID_ARGUMENT, b"")
        await super().tell(send)


async def test_one_send_that_cannot_be_told_keeps_no_other_waiting(house: LivedInHouse) -> None:
    """PROTOCOLS 42. Its row stays behind, so that the sweep takes it up."""
    await five_sessions(house)
    await house.rule("r", RULE)
    async with house.store.transaction() as db:
        await db.execute(text("update sends set signalled_version = 0"))
    refused = UUID((await house.sends())[3]["id"])
    planning = PlanningActivities(house.store, telling := TellingAllButOne(refused))
    request = RollOutRequest(await rule_id(house))

    while (said := await ActivityEnvironment().run(planning.roll_out, request)).more:
        request = replace(request, progress=said)

    assert len(telling.told) == len({send.id for send in telling.told}) == 9
    async with house.store.transaction() as db:
        behind = await db.execute(text("select id from sends where signalled_version < version"))
        assert [row.id for row in behind] == [refused]


async def test_an_error_that_is_nobodys_own_is_raised_when_the_others_are_told(house: LivedInHouse) -> None:
    await five_sessions(house)
    await house.rule("r", RULE)
    async with house.store.transaction() as db:
        await db.execute(text("update sends set signalled_version = 0"))
        session = (await db.execute(text("select id from sessions order by key limit 1"))).scalar_one()

    class Away(Telling):
        async def tell(self, send: Unsignalled) -> None:
            raise RPCError("it is away", RPCStatusCode.UNAVAILABLE, b"")

    with pytest.raises(RPCError):
        await Crier(house.store, Away()).tell_some([session])


async def test_a_mail_that_is_late_goes_before_those_who_are_told(
    house: LivedInHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.crier.LONGEST_PAUSE", 60)
    await five_sessions(house)
    await house.rule("r", RULE)
    happened: list[str] = []

    class Noting(Telling):
        async def tell(self, send: Unsignalled) -> None:
            happened.append("told")

    async def leave(seconds: float) -> None:
        async with house.store.transaction() as db:
            await db.execute(text("update sends set attempts = 1 where due_at < relance_now()"))
        happened.append("left")

    monkeypatch.setattr("activities.crier.asyncio.sleep", leave)
    async with house.store.transaction() as db:
        late, other = (await db.execute(text("select id, session_id from sends order by id limit 2"))).all()
        await db.execute(text("update sends set signalled_version = 0 where id = :id"), {"id": other.id})
        await db.execute(
            text("update sends set due_at = relance_now() - interval '5 s' where id = :id"), {"id": late.id}
        )

    assert await Crier(house.store, Noting(), gives_way=True).tell_some([other.session_id]) == 1

    assert happened == ["left", "told"]


async def test_a_roll_out_does_not_run_ahead_of_the_workers(
    house: LivedInHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail that is due must not stand behind twenty thousand first tasks."""
    await five_sessions(house)
    await house.rule("r", RULE)
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr("activities.crier.asyncio.sleep", pause)
    async with house.store.transaction() as db:
        await db.execute(text("update sends set signalled_version = 0"))
        session = (await db.execute(text("select id from sessions order by key limit 1"))).scalar_one()
    telling = Telling()
    telling.backlogs = [4000, 1000, FEW + 1, FEW]

    assert await Crier(house.store, telling, gives_way=True).tell_some([session]) == 1

    assert len(paused) == 3
    assert len(telling.told) == 1
