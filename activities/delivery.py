"""Deliver one mail: look, claim, write, body, fence, dot, record (DESIGN 8)."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from activities.heartbeat import heartbeating
from activities.letters import Letter, NoLetterError, write_letter
from activities.poke import Poke, catch_up
from domain.delivery import answer, retry_after
from domain.sends import FINAL, Answer, Ask, Next, Outcome, Reason, Status
from domain.suppressions import SuppressionReason
from mail.transport import Ambiguous, HandOver, Refused, Relay, Unreachable
from store.database import Store
from store.delivery import Claim, NotFencedError, claim, fence, look, record
from store.failpoints import CLAIMED, FENCED, REPLIED, failpoint
from store.mail_facts import fetch_mail_facts
from store.suppressions import suppress


@dataclass(frozen=True)
class Leases:
    """How long a row belongs to one attempt, by the database's clock."""

    claim: timedelta = timedelta(minutes=1)
    """Before the fence a second attempt does no harm, since the first one's token is gone: short."""

    hand_over: timedelta = timedelta(minutes=6)
    """Longer than a relay keeps a silent DATA open plus the longest wait for its reply (PROTOCOLS 3.1)."""


class DeliveryActivities:
    """The protocol, over one store and one relay; without `poke` the sweep sees to what is planned again."""

    def __init__(
        self, store: Store, relay: Relay, leases: Leases | None = None, poke: Poke | None = None
    ) -> None:
        self._store = store
        self._relay = relay
        self._leases = leases or Leases()
        self._poke = poke

    @activity.defn
    async def look(self, ask: Ask) -> Answer:
        """Return what the row says now; repeatable, writes only what time alone has decided."""
        row = await look(self._store, ask.send)
        if row.status is Status.EXPIRED:  # of a series, perhaps: there may be a next
            await self._catch_up(ask.send)
        return answer(row)

    @activity.defn
    async def record(self, outcome: Outcome) -> Answer:
        """Write a reply that is known and could not be written before; repeatable, under its own token."""
        async with self._store.transaction() as db:
            await record(db, outcome)
        await self._catch_up(outcome.send)
        return answer(await look(self._store, outcome.send))

    @activity.defn
    async def deliver(self, ask: Ask) -> Answer:
        """Claim, write and hand over one mail, at most once.

        Five transactions, each a step that is recorded before it is taken. Safe to repeat: a second run finds
        the row claimed, fenced or final and does not send again. A crash between dot and record ends `in_doubt`.
        """
        async with heartbeating():
            return await self._deliver(ask)

    async def _deliver(self, ask: Ask) -> Answer:
        async with self._store.transaction() as db:
            claimed = await claim(db, ask.send, ask.version, uuid4(), self._leases.claim)
            facts = await fetch_mail_facts(db, ask.send) if claimed else None
        if claimed is None or facts is None:
            return await self.look(ask)
        failpoint(CLAIMED)
        try:
            letter = write_letter(ask.send, facts)
            hand_over = await self._relay.prepare(letter.message)
        except NoLetterError as error:
            return await self._end(claimed, error.status, error.reason, detail=error.detail)
        except Refused as error:
            return await self._refused(claimed, error, letter)
        except Unreachable as error:
            return await self._later(claimed, error.code)
        return await self._uninterrupted(self._hand_over(claimed, letter, hand_over))

    async def _uninterrupted(self, work: Coroutine[None, None, Answer]) -> Answer:
        """Go through with it, also when this activity is called off meanwhile: a reply that came is recorded."""
        going = asyncio.create_task(work)
        try:
            return await asyncio.shield(going)
        except asyncio.CancelledError:
            await asyncio.wait([going])
            raise

    async def _hand_over(self, claimed: Claim, letter: Letter, hand_over: HandOver) -> Answer:
        """Fence, then dot; without a fence known to be committed the server is left to forget the body."""
        began = time.monotonic()
        try:
            async with self._store.transaction() as db:
                await fence(db, claimed, letter.fenced, self._leases.hand_over)
        except NotFencedError as error:
            hand_over.abandon()
            if error.reason is None:
                return await self._give_back(claimed)
            return await self._end(claimed, Status.SKIPPED, error.reason)
        except (SQLAlchemyError, OSError):  # committed or not, there will be no dot
            hand_over.abandon()
            return await self._give_back(claimed)
        except BaseException:
            hand_over.abandon()
            raise
        if time.monotonic() - began > self._leases.hand_over.total_seconds() / 2:
            hand_over.abandon()  # this process slept: somebody else may soon call the row in doubt
            return await self._give_back(claimed)
        failpoint(FENCED)
        return await self._dot(claimed, letter, hand_over)

    async def _dot(self, claimed: Claim, letter: Letter, hand_over: HandOver) -> Answer:
        try:
            reply = await hand_over.dot()
        except Ambiguous:
            return await self._end(claimed, Status.IN_DOUBT, Reason.CONNECTION_LOST)
        except Refused as error:
            alone = len(letter.message.recipients) == 1  # else nobody says whose address is bad
            return await self._refused(claimed, error, letter if alone else None)
        except Unreachable as error:  # the connection was gone before the dot could leave
            return await self._later(claimed, error.code)
        failpoint(REPLIED)
        refused = [(letter.message.recipients[index], code) for index, code in hand_over.refused_cc]
        return await self._end(claimed, Status.SENT, None, reply.code, reply.text, refused_cc=refused)

    async def _refused(self, claimed: Claim, error: Refused, letter: Letter | None) -> Answer:
        """A definite no: for good, or for now."""
        if error.permanent:
            gone = letter if error.bad_address else None
            return await self._end(
                claimed, Status.FAILED, Reason.REFUSED, error.code, error.text, bounced=gone
            )
        return await self._later(claimed, error.code, error.text)

    async def _later(self, claimed: Claim, code: int | None, detail: str | None = None) -> Answer:
        delay = retry_after(claimed.attempt)
        return await self._end(claimed, Status.SCHEDULED, None, code, detail, delay)

    async def _give_back(self, claimed: Claim) -> Answer:
        """This attempt sent no dot and never will: the row waits again, unless it has already moved on."""
        return await self._end(claimed, Status.SCHEDULED, None)

    async def _end(
        self,
        claimed: Claim,
        status: Status,
        reason: Reason | None,
        code: int | None = None,
        detail: str | None = None,
        delay: timedelta = timedelta(0),
        refused_cc: Sequence[tuple[str, int]] = (),
        bounced: Letter | None = None,
    ) -> Answer:
        """Record how this attempt ended; where PostgreSQL cannot be told, the workflow is the second witness."""
        outcome = Outcome(claimed.send, claimed.token, status, reason, code, delay)
        alone = status in (Status.SENT, Status.IN_DOUBT)  # one statement
        try:
            async with self._store.statement() if alone else self._store.transaction() as db:
                recorded = await record(db, outcome, detail, refused_cc)
                if recorded is not None and bounced is not None:
                    to = bounced.message.recipients[0]
                    await suppress(db, bounced.organization, to, SuppressionReason.BOUNCED, claimed.send)
            as_claimed = recorded is not None and recorded.version == claimed.version and not recorded.goes_on
            if not alone or not as_claimed:
                await self._catch_up(claimed.send)
            if alone and recorded is not None and status in FINAL:
                return Answer(Next.END, recorded.version, status)
            return answer(await look(self._store, claimed.send))
        except (SQLAlchemyError, OSError):
            return Answer(Next.RECORD, claimed.version, status, outcome=outcome)

    async def _catch_up(self, send: UUID) -> None:
        """Poke planning where the record of an attempt has left it behind: the facts had changed meanwhile."""
        if self._poke is not None:
            await catch_up(self._store, self._poke, send)
