"""The machine: whatever people do and time brings, the house's rows are the reference's."""

import asyncio
from collections.abc import Coroutine
from copy import deepcopy
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.sends import Decision
from store.send_decisions import SENDABLE
from tests.model import groups, reference
from tests.model.changes import Change, Enrol, PutRule, PutSession, SwitchRule
from tests.model.doings import any_change, independent_changes
from tests.model.focuses import Focus
from tests.model.house import LEASE, House
from tests.model.strategies import RULES, people, rules, said, sessions
from tests.model.world import RESENT, WAITING, Key, Row, World

TICK = timedelta(seconds=1)
AFTER_A_REFUSAL = timedelta(minutes=10)
_FIRST = ("participant", "ada")
STEPS = [timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7)]
OUTCOMES = [
    "sent",
    "sent",
    "sent",
    "sent",
    "sent",
    "sent",
    "skipped",
    "over",
    "failed",
    "scheduled",
    "in_doubt",
    "lost",
]

T = TypeVar("T")
Waiting = dict[tuple[Any, ...], tuple[Any, ...]]


class Machine(RuleBasedStateMachine):
    """A world and a house, to which the same happens."""

    runner: ClassVar[asyncio.Runner]
    house: ClassVar[House]
    focus: ClassVar[Focus]

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self._run(self.house.begin())

    def teardown(self) -> None:
        self._run(self.house.end())

    def _run(self, done: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(done)

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """A session with people in it, and two rules that are on: else most examples would be about nothing."""
        self._say(PutSession("s1", data.draw(sessions(self.focus))))
        here = [one for one in people(self.focus) if one == _FIRST or data.draw(st.integers(0, 3))]
        for role, who in here:
            self._say(Enrol("s1", role, who, data.draw(said(self.world, self.focus, "s1", role, first=True))))
        for key in RULES[:2]:
            template = data.draw(st.sampled_from(sorted(RESENT)))
            self._say(PutRule(key, data.draw(rules(self.focus)), template))
            self._say(SwitchRule(key, active=True))
        self.plan(rules_first=True)
        if self.focus.corrections or data.draw(st.booleans()):
            self.wait_until_a_mail_is_due(timedelta(0), "sent")
            self.plan(rules_first=True)

    def _say(self, change: Change) -> None:
        note(f"{change}")
        self._pass(TICK)
        self._run(change.make(self.world, self.house))

    # What people say.

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        self._say(data.draw(any_change(self.world, self.focus)))
        assert self._run(self.house.dirty()) == self.world.dirty

    @rule(data=st.data())
    def change_and_plan(self, data: st.DataObject) -> None:
        self.change(data)
        self.plan(rules_first=False)

    @rule(data=st.data(), planned_between=st.booleans())
    def change_in_any_order(self, data: st.DataObject, planned_between: bool) -> None:
        """The same changes, in another order, have the same mails wait, while time stands still and none has left."""
        self.plan(rules_first=True)
        self._pass(TICK)
        batch = data.draw(independent_changes(self.world, self.focus))
        shuffled = data.draw(st.permutations(batch))
        other = deepcopy(self.world)
        planned_between = planned_between and _depends_on_dates_alone(other, self.focus)
        found = self._run(self._try(shuffled, other, planned_between=planned_between))
        for change in batch:
            note(f"{change}")
            self._run(change.make(self.world, self.house))
        self.plan(rules_first=False)
        assert found == _waiting(self.world)

    async def _try(self, batch: list[Change], world: World, *, planned_between: bool) -> Waiting:
        """Return what would wait after these changes; nothing of them lasts."""
        mine, self.world = self.world, world
        async with self.house.taken_back():
            for number, change in enumerate(batch, 1):
                await change.make(world, self.house)
                if planned_between or number == len(batch):
                    await self._plan(rules_first=True)
            found = _waiting(world)
        self.world = mine
        return found

    # What time brings.

    @rule(rules_first=st.booleans())
    def plan(self, rules_first: bool) -> None:
        self._run(self._plan(rules_first=rules_first))

    async def _plan(self, *, rules_first: bool) -> None:
        """Plan; to do so again, all of it, changes nothing."""
        await self.house.plan(rules_first=rules_first)
        planned = await self.house.read()
        groups.check(self.world, planned)
        reference.plan(self.world)
        groups.follow(self.world, planned)
        await self._compare()
        assert await self.house.plan_all_anew() == 0
        again = deepcopy(self.world)
        reference.plan(again)
        groups.check(again, again.rows)
        assert again.rows == self.world.rows

    @rule(by=st.sampled_from(STEPS), settled=st.booleans())
    def wait(self, by: timedelta, settled: bool) -> None:
        """Let time pass; `settled`: whoever looks at a mail then writes what time alone has decided."""
        self._pass(by)
        if settled:
            self._run(self._settle())

    @rule(
        more=st.sampled_from([timedelta(0), timedelta(minutes=1)]), outcome=st.sampled_from([None, *OUTCOMES])
    )
    def wait_until_a_mail_is_due(self, more: timedelta, outcome: str | None) -> None:
        """Wait for it, and deliver all that are due then."""
        ahead = [row.due_at for row in self.world.rows.values() if row.status in WAITING]
        due = min((at for at in ahead if at > self.world.now), default=None)
        if due is not None:
            self._pass(due + more - self.world.now)
            for key in self._ready() if outcome is not None else ():
                self._run(self._deliver(key, outcome or "sent"))
            self._run(self._compare())

    def _ready(self) -> list[Key]:
        return [key for key in sorted(self.world.rows) if self.world.may_leave(key)]

    def _pass(self, by: timedelta) -> None:
        self.world.now += by
        self._run(self.house.set_clock(self.world.now))

    # What becomes of mails.

    @precondition(lambda self: self.world.rows)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(OUTCOMES),
        planned=st.booleans(),
    )
    def deliver(self, data: st.DataObject, outcome: str, planned: bool) -> None:
        key = data.draw(st.sampled_from(self._ready() or sorted(self.world.rows)))
        self._run(self._deliver(key, outcome))
        self._run(self._plan(rules_first=True) if planned else self._compare())

    async def _deliver(self, key: Key, outcome: str) -> None:
        """Take one mail through its delivery; what is not due, or not clean, does not begin one."""
        note(f"{key} is {outcome}")
        self.world.now += TICK
        await self.house.set_clock(self.world.now)
        claimed = await self.house.claim(key)
        assert (claimed is not None) == self.world.may_leave(key)
        if claimed is None:
            return
        self.world.claim(key, LEASE)
        if outcome not in ("skipped", "over"):
            again = self.world.may_come_again(key)
            passes = self.world.may_be_handed_over(key, again=again)
            reason = await self.house.fence(key, claimed, again=again)
            assert (reason is None) == passes
            if reason is None:
                self.world.hand_over(key, LEASE)
            else:
                outcome = "received already"
        if outcome != "lost":
            status, why = _ENDS.get(outcome, (outcome, None))
            self.world.record(key, status, why, AFTER_A_REFUSAL)
            await self.house.record(claimed, status, why, AFTER_A_REFUSAL)

    async def _settle(self) -> None:
        for key in sorted(self.world.rows):
            self.world.settle(key)
            await self.house.settle(key)
        await self._compare()

    # What people decide.

    @precondition(lambda self: self.world.rows)
    @rule(
        data=st.data(),
        what=st.sampled_from(["cancel", "send now", "reactivate", "arrived", "drop", "again"]),
        planned=st.booleans(),
    )
    def decide(self, data: st.DataObject, what: str, planned: bool) -> None:
        fit = [key for key, row in sorted(self.world.rows.items()) if row.status in _DECIDED_IN[what]]
        key = data.draw(st.sampled_from(fit or sorted(self.world.rows)))
        self._pass(TICK)
        self._run(self._decide(key, what))
        self._run(self._plan(rules_first=False) if planned else self._compare())

    async def _decide(self, key: Key, what: str) -> None:
        note(f"{what}: {key}")
        fits = self.world.rows[key].status in _DECIDED_IN[what]
        match what:
            case "cancel":
                done = await self.house.cancel(key)
            case "reactivate":
                done = await self.house.reactivate(key)
            case "send now":
                done = await self.house.send_now(key)
            case _:
                done = await self.house.resolve(key, _DECISIONS[what])
        assert done == fits
        if fits:
            self.world.decide(key, what)

    @precondition(lambda self: self.focus.corrections and self.world.find_rule("r1") is not None)
    @rule(data=st.data())
    def correct(self, data: st.DataObject) -> None:
        """Somebody asks for corrections: in a rule's own words, where it has some."""
        session = data.draw(st.sampled_from(sorted(self.world.sessions)))
        found = self.world.find_rule("r1")
        assert found is not None
        template = found.says["correction"] or data.draw(st.sampled_from(sorted(RESENT)))
        self._pass(TICK)
        reference.correct(self.world, session, found, template)
        self._run(self.house.correct(session, found.name, template))
        groups.follow(self.world, self._run(self.house.read()))
        self._run(self._compare())

    # What must be so.

    async def _compare(self) -> None:
        stands, wanted = _shown(await self.house.read()), _shown(self.world.rows)
        keys = sorted(key for key in stands.keys() | wanted.keys() if stands.get(key) != wanted.get(key))
        differ = [(key, stands.get(key), wanted.get(key)) for key in keys]
        assert not differ, f"rows as they are, and as the reference has them: {differ}"
        assert await self.house.dirty() == self.world.dirty
        assert all(row.times_sent <= 1 for row in self.world.rows.values())


_ENDS = {
    "skipped": ("skipped", "attendance_not_met"),
    "over": ("skipped", "series_over"),
    "received already": ("skipped", "already_received"),
    "failed": ("failed", "refused"),
    "in_doubt": ("in_doubt", "connection_lost"),
}

_DECISIONS = {"arrived": Decision.ARRIVED, "drop": Decision.DROP, "again": Decision.SEND_AGAIN}
_DECIDED_IN = {
    "cancel": WAITING,
    "reactivate": {"cancelled"},
    "send now": set(map(str, SENDABLE)),
    **{key: {"in_doubt"} for key in _DECISIONS},
}


def _shown(rows: dict[Key, Row]) -> dict[Key, tuple[Any, ...]]:
    """Return what is compared of rows; of what is removed not why, which is told elsewhere."""
    return {
        key: (
            row.status,
            None if row.status == "removed" else row.reason,
            row.role,
            row.due_at,
            row.latest_at,
            row.told,
            row.anchor,
            row.template,
            row.covers,
            row.sent_by_hand,
        )
        for key, row in rows.items()
    }


def _waiting(world: World) -> Waiting:
    """Return what waits. A rule is known by its key and not by when it was made, a group by whom it covers."""
    found = {}
    for (name, session, place, recipient, occurrence), row in world.rows.items():
        if row.status in WAITING:
            made, group = (
                world.rules[name],
                occurrence.rpartition(":")[2] if row.covers is None else row.covers,
            )
            key = made.key, made.session, session, place, recipient, group
            found[key] = row.due_at, row.latest_at, row.template or made.template, row.told
    return found


def _depends_on_dates_alone(world: World, focus: Focus) -> bool:
    """Whether all that waits lies ahead, so that what it once was does not matter."""
    ahead = all(row.due_at > world.now for row in world.rows.values() if row.status in WAITING)
    return ahead and not (focus.series or focus.corrections)
