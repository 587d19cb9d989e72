"""Everything at once, for a few hundred rounds: does anybody get a mail that was called off, or wait for ever?

A log beside the rows is written in the transactions of what happens, after they hold their locks: so its order is
the order in which PostgreSQL let them happen.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Table, Text, Uuid, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import FINAL, Outcome, Status
from store.delivery import Claim, Fenced, NotFencedError, fence, read_state, record
from store.participants import add_participant, remove_participant
from store.rules import activate_rule, deactivate_rule
from store.send_decisions import cancel_send
from store.sessions import put_session
from store.signals import list_unsignalled, mark_signalled
from tests.store.store_rows import LEASE, WEEK, Rows

PEOPLE = 8
ROUNDS = 25  # of each hand
DELIVERIES = 6  # tried by each hand between two things it does
MINUTE = timedelta(minutes=1)

HAPPENED = Table(
    "happened",
    MetaData(),
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("what", Text),
    *(Column(name, Uuid) for name in ("send", "rule", "participation", "session", "token")),
    Column("due_at", DateTime(timezone=True)),
)

SAID = text("""
    select s.due_at, s.rule_id, s.participation_id, session.starts_at, r.template_id, r.active, p.removed_at, people.email
    from sends s
    join sessions session on session.id = s.session_id
    join rules r on r.id = s.rule_id
    join participations p on p.id = s.participation_id
    join people on people.id = s.recipient_id
    where s.id = :send
""")

REPLIES = [Status.SENT, Status.SCHEDULED, Status.SCHEDULED, Status.FAILED]


@dataclass
class Letter:
    """A mail that is written, and what it says."""

    held: Claim
    facts: Fenced
    said: dict[str, Any]


Hand = Callable[[], Awaitable[None]]


@dataclass
class Crowd:
    """Many hands on one session and two rules of one template."""

    rows: Rows
    session: UUID
    rules: list[UUID]
    people: dict[str, UUID]
    letters: list["Letter"] = field(default_factory=list)
    """Written, not yet fenced."""
    dots: list[Claim] = field(default_factory=list)
    """Handed over, not yet answered."""
    dice: Random = field(default_factory=lambda: Random(1))

    async def note(self, db: AsyncConnection, what: str, **ids: object) -> None:
        """Write down that something happened to these, in the transaction in which it does."""
        await db.execute(insert(HAPPENED).values(what=what, **ids))

    async def a_send(self) -> dict[str, Any] | None:
        found = await self.rows.execute(
            "select id, version, rule_id, participation_id from sends where status in ('scheduled', 'claimed')"
        )
        return dict(self.dice.choice(found)._mapping) if found else None

    async def deliver(self) -> None:
        """Take one step with some mail: record a reply that has come, fence a letter that is written, or claim."""
        step = self.dice.random()
        if self.dots and step < 0.4:
            await self.ended(self.dots.pop(self.dice.randrange(len(self.dots))), self.dice.choice(REPLIES))
        elif self.letters and step < 0.8:
            await self.hand_over(self.letters.pop(self.dice.randrange(len(self.letters))))
        else:
            await self.write_letter()

    async def write_letter(self) -> None:
        send = await self.a_send()
        if send is None:
            return
        held = await self.rows.claim(send["id"], send["version"])
        if held is None:
            async with self.rows.store.transaction() as db:
                await read_state(db, send["id"])
            return
        facts = await self.rows.facts(held.send)
        async with self.rows.store.transaction() as db:
            self.letters.append(Letter(held, facts, await self.said(db, held.send)))

    async def hand_over(self, letter: "Letter") -> None:
        held = letter.held
        try:
            async with self.rows.store.transaction() as db:
                await fence(db, held, letter.facts, LEASE)
                now = await self.said(db, held.send)
                ids = {"rule": now["rule_id"], "participation": now["participation_id"]}
                await self.note(
                    db,
                    "fence",
                    send=held.send,
                    session=self.session,
                    token=held.token,
                    due_at=now["due_at"],
                    **ids,
                )
        except NotFencedError as error:
            await self.ended(held, Status.SKIPPED if error.reason else Status.SCHEDULED)
        else:
            assert letter.said == now, "a letter left that was written before an acknowledged change"
            self.dots.append(held)

    async def said(self, db: AsyncConnection, send: UUID) -> dict[str, Any]:
        """What a letter says that is written now."""
        row = await db.execute(SAID, {"send": send})
        return dict(row.one()._mapping)

    async def ended(self, held: Claim, status: Status) -> None:
        async with self.rows.store.transaction() as db:
            if await record(db, Outcome(held.send, held.token, status)):
                await self.note(db, f"recorded {status}", send=held.send, token=held.token)

    async def come_to_rest(self) -> None:
        """Finish what is under way, and plan and tell until nothing is left to do."""
        for held in self.dots:
            await self.ended(held, self.dice.choice(REPLIES))
        for letter in self.letters:
            await self.ended(letter.held, Status.SCHEDULED)
        for rule in self.rules:
            await self.rows.roll_out(rule)
        await self.plan()
        assert await self.rows.plan(self.session) == 0
        await self.tell()

    async def plan(self) -> None:
        await self.rows.plan(self.session)

    async def roll_out(self) -> None:
        await self.rows.roll_out(self.dice.choice(self.rules))

    async def tell(self) -> None:
        async with self.rows.store.transaction() as db:
            behind = await list_unsignalled(db, [self.session], 500)
        async with self.rows.store.transaction() as db:
            await mark_signalled(db, self.dice.sample(behind, len(behind)))

    async def move(self) -> None:
        starts_at = await self.rows.now() + WEEK + self.dice.choice([1, 2]) * MINUTE
        async with self.rows.store.transaction() as db:
            await put_session(
                db,
                self.rows.organization,
                "S-1",
                name="Talk",
                zone="UTC",
                starts_at=starts_at,
                ends_at=None,
            )
            await self.note(db, "moved", session=self.session, due_at=starts_at - WEEK)

    async def cancel(self) -> None:
        send = await self.a_send()
        if send is None or self.dice.random() < 0.8:
            return
        async with self.rows.store.transaction() as db:
            if await cancel_send(db, self.rows.organization, send["id"]):
                await self.note(db, "off", send=send["id"])

    async def switch(self) -> None:
        rule = self.dice.choice(self.rules)
        async with self.rows.store.transaction() as db:
            await deactivate_rule(db, rule)
            await self.note(db, "off", rule=rule)
        await asyncio.sleep(0)
        async with self.rows.store.transaction() as db:
            await activate_rule(db, rule)
            await self.note(db, "on", rule=rule)
        await self.rows.roll_out(rule)

    async def come_and_go(self) -> None:
        new = f"p-{len(self.people)}"
        self.people[new] = await self.rows.participant(self.session, new)
        key = self.dice.choice(list(self.people))
        ids = {"session": self.session, "person": self.people[key]}
        participation = await self.rows.one(
            "select id from participations where session_id = :session and person_id = :person", **ids
        )
        async with self.rows.store.transaction() as db:
            if await remove_participant(db, self.session, key):
                await self.note(db, "off", participation=participation)
        await asyncio.sleep(0)
        async with self.rows.store.transaction() as db:
            await add_participant(db, self.session, self.people[key])
            await self.note(db, "on", participation=participation)
        await self.plan()

    async def correct(self) -> None:
        key = self.dice.choice(list(self.people))
        await self.rows.person(key, email=f"{key}.{self.dice.random()}@example.org")

    async def wait(self) -> None:
        await self.rows.advance(2 * MINUTE)


async def a_crowd(rows: Rows) -> Crowd:
    async with rows.store.transaction() as db:
        await db.run_sync(HAPPENED.create)
    rules = [await rows.rule("j7"), await rows.rule("j7-again")]
    session = await rows.session(starts_in=WEEK + MINUTE)
    people = {key: await rows.participant(session, key) for key in (f"p-{n}" for n in range(PEOPLE))}
    await rows.plan(session)
    return Crowd(rows, session, rules, people)


async def rounds(crowd: Crowd, count: int, *hands: Hand) -> None:
    """Do these things one after the other, so many times, and deliver in between."""
    for _ in range(count):
        for hand in (*hands, *[crowd.deliver] * DELIVERIES):
            await hand()


@pytest.mark.timeout(60)
async def test_a_crowd_of_hands_breaks_no_promise(rows: Rows) -> None:
    crowd = await a_crowd(rows)

    async with asyncio.TaskGroup() as group:  # any error but NotFencedError ends the test: a deadlock, too
        for hands in (
            [crowd.move, crowd.plan, crowd.wait],
            [crowd.come_and_go, crowd.cancel],
            [crowd.switch],
            [crowd.roll_out, crowd.tell],
            [crowd.plan, crowd.tell],
            [crowd.correct],
        ):
            group.create_task(rounds(crowd, ROUNDS, *hands))

    await crowd.come_to_rest()
    log = [dict(row._mapping) for row in await rows.execute("select * from happened order by number")]
    assert {event["what"] for event in log} >= {
        "fence",
        "moved",
        "off",
        "on",
        *(f"recorded {s}" for s in REPLIES),
    }
    assert_nobody_was_written_to_against_an_acknowledged_change(log)
    assert_each_attempt_had_ended_before_the_next(log)
    await assert_the_rows_add_up(rows, log)


def assert_nobody_was_written_to_against_an_acknowledged_change(log: list[dict[str, Any]]) -> None:
    off: set[UUID] = set()
    due_at = None
    for event in log:
        about = [event[name] for name in ("send", "rule", "participation") if event[name]]
        match event["what"]:
            case "off":
                off.update(about)
            case "on":
                off.difference_update(about)
            case "moved":
                due_at = event["due_at"]
            case "fence":
                assert not off.intersection(about), event
                assert due_at in (None, event["due_at"]), event


def assert_each_attempt_had_ended_before_the_next(log: list[dict[str, Any]]) -> None:
    held: dict[UUID, UUID] = {}
    for event in log:
        if event["what"] == "fence":
            assert event["send"] not in held, event
            held[event["send"]] = event["token"]
        elif event["what"] == f"recorded {Status.SCHEDULED}" and held.get(event["send"]) == event["token"]:
            del held[event["send"]]


async def assert_the_rows_add_up(rows: Rows, log: list[dict[str, Any]]) -> None:
    sends = {send["id"]: send for send in await rows.sends()}
    assert {send["status"] for send in sends.values()} <= FINAL | {Status.SCHEDULED}
    assert {send["version"] - send["signalled_version"] for send in sends.values()} == {0}
    sent = [event["send"] for event in log if event["what"] == f"recorded {Status.SENT}"]
    assert sorted(sent) == sorted(id for id, send in sends.items() if send["status"] == Status.SENT)
    assert sorted(sent) == await rows.receipts()  # one each: of two rules with one template, one wrote (F085)
    fences = Counter(event["send"] for event in log if event["what"] == "fence")
    steps = Counter(
        {id: sum(step["step"] == "handing_over" for step in send["trace"]) for id, send in sends.items()}
    )
    assert +fences == +steps
