"""Mails long due, and hand-overs that nobody ended: their workflows are asked, told, or started again."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from activities.crier import Signaller
from activities.poke import Poke, catch_up
from activities.together import together
from activities.witness import Doing, Said, Witness
from domain.delivery import LONGEST_WAIT_FOR_PLANNING
from domain.sends import FINAL, Outcome, Status
from domain.upkeep import Repair
from store.database import Store
from store.delivery import read_state, record, settle
from store.signals import Unsignalled
from store.sweep import LeftSend, believe_sent, list_due, list_sends_left
from store.upkeep import count_repairs

# In a healthy burst that takes longer than the grace all are asked in vain; a question may cost a replay.
SAMPLE = 20
# A round, while most of each sample stands still.
SAMPLES = 100


class Overdue:
    """Sends that should have moved on and that no workflow works on."""

    def __init__(self, store: Store, poke: Poke, signaller: Signaller, witness: Witness) -> None:
        self._store = store
        self._poke = poke
        self._signaller = signaller
        self._witness = witness

    async def mend(self, grace: timedelta) -> Counter[Repair]:
        """Wake, settle or start what has stood still, and count it. May be repeated."""
        repaired = Counter[Repair]()
        for _ in range(SAMPLES):
            sample = await self._mend_some(grace)
            repaired += sample
            if sample.total() <= SAMPLE / 2:
                break
        return repaired

    async def _mend_some(self, grace: timedelta) -> Counter[Repair]:
        async with self._store.statement() as db:
            left = await list_sends_left(db, grace, SAMPLE)
        said = await together(lambda one: self._witness.ask(one.send), left)
        stuck = {
            one.send.id: (one.send, words)
            for one, words in zip(left, said, strict=True)
            if _stuck(one, words)
        }
        if not stuck:
            return Counter()
        # Its workflow may have moved on between the row and our question.
        async with self._store.statement() as db:
            still = await list_sends_left(db, grace, SAMPLE, list(stuck))
        confirmed = [stuck[one.send.id] for one in still if one.send == stuck[one.send.id][0]]
        return Counter(filter(None, await together(lambda pair: self._repair(*pair), confirmed)))

    async def believe(self) -> None:
        """Write what has left since PostgreSQL's last backup: only workflows that have ended know. May be repeated."""
        last = None
        while True:
            async with self._store.statement() as db:
                page = await list_due(db, last, SAMPLE)
            if not page:
                return
            await together(self._believe_if_sent, [one.send for one in page])
            last = page[-1].send.id

    async def _believe_if_sent(self, send: Unsignalled) -> None:
        if (await self._witness.ask(send)).sent:
            await self._believe(send)

    async def _believe(self, send: Unsignalled) -> Repair | None:
        async with self._store.transaction() as db:
            if not await believe_sent(db, send):
                return None
            await count_repairs(db, {Repair.REPLY: 1})
        await catch_up(self._store, self._poke, send.id)
        return Repair.REPLY

    async def _repair(self, send: Unsignalled, said: Said) -> Repair | None:
        hangs = send.status is Status.HANDING_OVER
        if said.sent:
            return await self._believe(send)
        if said.doing is Doing.ASLEEP:
            await self._witness.look(send)
            return await self._count(Repair.HAND_OVER if hangs else Repair.OVERDUE)
        if hangs:
            return await self._settle(send, said.outcome)
        await self._signaller.tell(send)
        return await self._count(Repair.OVERDUE)

    async def _settle(self, send: Unsignalled, outcome: Outcome | None) -> Repair | None:
        """Write the reply that a closed workflow still knows; where nobody knows one, call the row in doubt."""
        async with self._store.transaction() as db:
            if outcome is not None and await record(db, outcome) is not None:
                repair = Repair.REPLY
            elif (await settle(db, send.id)).status is Status.IN_DOUBT:
                repair = Repair.DOUBT
            else:
                return None  # it has ended meanwhile
            await count_repairs(db, {repair: 1})
            state = await read_state(db, send.id)
        if state.status not in FINAL:  # a row that is not final has a workflow
            await self._signaller.tell(replace(send, status=state.status, version=state.version))
        await catch_up(self._store, self._poke, send.id)
        return repair

    async def _count(self, repair: Repair) -> Repair:
        async with self._store.transaction() as db:
            await count_repairs(db, {repair: 1})
        return repair


def _stuck(left: LeftSend, said: Said) -> bool:
    """Return whether nothing will happen by itself; a timer that is about to fire, or late at the server, will."""
    if said.doing is Doing.ASLEEP and said.asks_at is not None:
        return said.asks_at > left.now + LONGEST_WAIT_FOR_PLANNING
    return said.doing in (Doing.GONE, Doing.ENDED)
