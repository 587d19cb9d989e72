"""What planning left behind: found, and poked again."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from uuid import UUID

from activities.poke import Poke
from activities.together import together
from activities.witness import Witness
from domain.upkeep import Repair
from store.database import Store
from store.sweep import Left, LeftSession, list_rules_left, list_sessions_left
from store.upkeep import count_repairs

AT_MOST = 1000  # sessions, and rules, a round; the rest waits for the next


class Behind:
    """Sessions, participations, rules and sends that are behind and that nobody works on."""

    def __init__(self, store: Store, poke: Poke, witness: Witness) -> None:
        self._store = store
        self._poke = poke
        self._witness = witness

    async def mend(self, grace: timedelta) -> Counter[Repair]:
        """Poke what has been left alone for longer than `grace`, and count it. May be repeated."""
        sessions, rules = await self._left(grace)
        told_by = {rule for session in sessions for rule in session.untold}
        planned = await self._under_way(self._witness.plans, sessions)
        rolled_out = await self._under_way(self._witness.rolls_out, {*rules, *told_by})
        idle = [session.id for session in sessions if session.id not in planned]
        resting = [rule.id for rule in rules if rule.id not in rolled_out]
        if not idle and not resting:
            return Counter()
        # Whoever worked on it may have ended just now, and all may be well.
        sessions, rules = await self._left(grace, idle, resting)
        alone = {rule.id for rule in told_by} - rolled_out
        repaired = Counter[Repair]()
        for session in sessions:
            found = _found(session, alone)
            if found and await self._poke.session_changed(session.organization, session.key, session.id):
                repaired += found
        for rule in rules:
            if await self._poke.rule_changed(rule.organization, rule.key, rule.id):
                repaired[Repair.RULE] += 1
        async with self._store.transaction() as db:
            await count_repairs(db, repaired)
        return repaired

    async def _left(
        self, grace: timedelta, sessions: list[UUID] | None = None, rules: list[UUID] | None = None
    ) -> tuple[list[LeftSession], list[Left]]:
        async with self._store.statement() as db:
            return (
                await list_sessions_left(db, grace, AT_MOST, sessions),
                await list_rules_left(db, grace, AT_MOST, rules),
            )

    async def _under_way(
        self, works_on: Callable[[Left], Awaitable[bool]], left: Iterable[Left]
    ) -> set[UUID]:
        asked = list(left)
        return {one.id for one, busy in zip(asked, await together(works_on, asked), strict=True) if busy}


def _found(session: LeftSession, alone: set[UUID]) -> Counter[Repair]:
    """Count what is behind in a session that nobody plans; the sends of a rule being rolled out are not."""
    found = Counter(session.dirty)
    found[Repair.SIGNAL] += sum(sends for rule, sends in session.untold.items() if rule.id in alone)
    return +found
