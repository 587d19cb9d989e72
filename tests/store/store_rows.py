"""One organization's rows, written as the API, the planning and the delivery write them; and a clock that moves."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Unpack
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Role
from domain.planning import plan
from domain.rules import RuleDefinition
from domain.sends import Status
from store.companies import put_company
from store.database import Store
from store.delivery import Claim, Fenced, claim, fence
from store.organizations import Organization
from store.participants import add_participant
from store.participations import Said
from store.people import put_person
from store.planning import load_snapshot, mark_planned, write_changes
from store.rules import (
    activate_rule,
    fetch_rule_version,
    find_rule,
    insert_rule,
    mark_rolled_out,
    replace_rule,
)
from store.sessions import list_session_ids, put_session
from store.templates import put_template

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LEASE = timedelta(minutes=1)

MOVABLE_CLOCK = """
    create table test_clock (ahead interval not null);
    insert into test_clock values ('0');
    create or replace function relance_now() returns timestamptz language sql volatile
        as 'select clock_timestamp() + (select ahead from test_clock)';
"""

# What a test before this one left, first of all its connections.
EMPTY = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend';
    delete from receipts; delete from sends; delete from session_rules; delete from rule_editions;
    delete from rules; delete from templates; delete from centers;
    delete from participations; delete from slots; delete from modules; delete from sessions;
    delete from companies; delete from people; delete from senders; delete from suppressions;
    delete from answers; delete from tokens; delete from organizations;
    delete from repairs; update upkeep set epoch = 0, swept_at = null, zone_data = null, zone_data_at = null;
    update test_clock set ahead = '0';
    drop table if exists happened;
"""


class Rows:
    """What a test does by hand. A session starts in two weeks, a rule means one week before, unless told otherwise."""

    def __init__(self, store: Store, organization: Organization) -> None:
        self.store = store
        self.organization = organization.id

    async def now(self) -> datetime:
        found: datetime = await self.one("select relance_now()")
        return found

    async def advance(self, by: timedelta) -> None:
        await self.execute("update test_clock set ahead = ahead + :by", by=by)

    async def execute(self, statement: str, **values: object) -> list[Any]:
        async with self.store.transaction() as db:
            done = await db.execute(text(statement), values)
            return list(done.all()) if done.returns_rows else []

    async def one(self, statement: str, **values: object) -> Any:
        ((value,),) = await self.execute(statement, **values)
        return value

    async def person(self, key: str, **fields: str | None) -> UUID:
        async with self.store.transaction() as db:
            return await self._person(db, key, **fields)

    async def _person(self, db: AsyncConnection, key: str, **fields: str | None) -> UUID:
        usual = {"email": f"{key}@example.org", "first_name": key, "last_name": "", "language": None}
        return (await put_person(db, self.organization, key, **{**usual, **fields})).id  # type: ignore[arg-type]

    async def session(
        self, key: str = "S-1", *, starts_in: timedelta | None = 2 * WEEK, name: str = "Talk", **more: Any
    ) -> UUID:
        """Put a session that starts `starts_in` from now; None: nobody knows when. `more` as `put_session` takes it."""
        async with self.store.transaction() as db:
            now = (await db.execute(text("select relance_now()"))).scalar_one()
            starts_at = None if starts_in is None else now + starts_in
            session = await put_session(
                db, self.organization, key, name=name, zone="UTC", starts_at=starts_at, ends_at=None, **more
            )
            return session.id

    async def company(self, key: str, **fields: Any) -> UUID:
        usual = {"name": key, "email": f"{key}@example.org", "language": None, "contact": None}
        async with self.store.transaction() as db:
            return (await put_company(db, self.organization, key, **{**usual, **fields})).id

    async def participant(
        self, session: UUID, key: str, role: Role = Role.PARTICIPANT, **said: Unpack[Said]
    ) -> UUID:
        """Put a person into a session and return the person."""
        person = await self.person(key)  # in a transaction of its own: facts come before rows (store.locks)
        async with self.store.transaction() as db:
            await add_participant(db, session, person, said, role=role)
        return person

    async def participants(self, session: UUID, count: int) -> None:
        """Put many people into a session, in one statement: what is tested here is not this."""
        await self.execute(
            """
            with born as (
                insert into people (organization_id, key, email)
                select :organization, 'p-' || n, 'p-' || n || '@example.org' from generate_series(1, :count) as n
                on conflict (organization_id, key) do update set key = excluded.key returning id
            )
            insert into participations (session_id, role, person_id) select :session, 'participant', id from born
            """,
            organization=self.organization,
            session=session,
            count=count,
        )

    async def template(self, key: str = "invitation", *, allow_resend: bool = False) -> UUID:
        async with self.store.transaction() as db:
            return await self._template(db, key, allow_resend=allow_resend)

    async def _template(self, db: AsyncConnection, key: str, *, allow_resend: bool = False) -> UUID:
        words = {"audience": "participants", "subject": "Hello", "html": "<p>Hello</p>"}
        made = await put_template(db, self.organization, key, **words, text=None, allow_resend=allow_resend)
        return made.id

    async def rule(
        self, key: str = "j7", *, template: str = "invitation", active: bool = True, **says: Any
    ) -> UUID:
        """Make a rule, active and rolled out, and return it."""
        async with self.store.transaction() as db:
            made = await self._template(db, template)
            rule = await insert_rule(
                db, self.organization, key, name=key, template=made, definition=definition(**says)
            )
            if active:
                await activate_rule(db, rule.id)
                await self._roll_out(db, rule.id)
            return rule.id

    async def _roll_out(self, db: AsyncConnection, rule: UUID) -> None:
        """Roll a rule out in one transaction, as long as nobody is looking."""
        version = await fetch_rule_version(db, rule)
        for session in await list_session_ids(db, rule, None, 1000):
            await plan_in(db, session, rule)
        await mark_rolled_out(db, rule, version)

    async def edit_rule(self, key: str = "j7", *, template: str = "invitation", **says: Any) -> None:
        made = await self.template(template)
        async with self.store.transaction() as db:
            await replace_rule(
                db, self.organization, key, name=key, template=made, definition=definition(**says)
            )

    async def plan(self, session: UUID, rule: UUID | None = None) -> int:
        """Plan a session in one transaction, as the activity does; return how many rows changed."""
        async with self.store.transaction() as db:
            return await plan_in(db, session, rule)

    async def roll_out(self, rule: UUID) -> bool:
        """Plan every session for a rule; return whether it changed meanwhile."""
        async with self.store.transaction() as db:
            version = await fetch_rule_version(db, rule)
            sessions = await list_session_ids(db, rule, None, 1000)
        for session in sessions:
            await self.plan(session, rule)
        async with self.store.transaction() as db:
            return await mark_rolled_out(db, rule, version)

    async def planned(self, *people: str, session: str = "S-1", rule: str = "j7") -> UUID:
        """Make a rule, where it is missing, and a session with these people, all planned; return the session."""
        async with self.store.transaction() as db:
            known = await find_rule(db, self.organization, rule)
        if known is None:
            await self.rule(rule)
        made = await self.session(session)
        async with self.store.transaction() as db:
            known_people = [await self._person(db, key) for key in people]
        async with self.store.transaction() as db:
            for person in known_people:
                await add_participant(db, made, person)
        await self.plan(made)
        return made

    async def due(self, person: str = "ada") -> UUID:
        """Make one send that is due now, and return it."""
        session = await self.planned(person)
        await self.advance(WEEK)
        return await self.send(session=session)

    async def again(self, send: UUID, occurrence: str = "2") -> UUID:
        """Make another send of the same rule, to the same person about the same, and return it."""
        made: UUID = await self.one(
            """
            insert into sends (id, organization_id, rule_id, session_id, scope_id, participation_id, recipient_id,
                               occurrence, template_id, status, rule_version, due_at, latest_at, due_local, due_zone,
                               zone_data)
            select gen_random_uuid(), organization_id, rule_id, session_id, scope_id, participation_id, recipient_id,
                   :occurrence, template_id, 'scheduled', rule_version, due_at, latest_at, due_local, due_zone,
                   zone_data
            from sends where id = :send returning id
            """,
            send=send,
            occurrence=occurrence,
        )
        return made

    async def send(self, **columns: object) -> UUID:
        """Return the one send there is with these columns."""
        (row,) = await self.sends(**columns)
        id: UUID = row["id"]
        return id

    async def row(self, send: UUID) -> dict[str, Any]:
        (row,) = await self.sends(id=send)
        return row

    async def sends(self, **columns: object) -> list[dict[str, Any]]:
        """Return the rows with these columns, as `session=`, `rule=` or `id=`, by due time."""
        found = [dict(row._mapping) for row in await self.execute("select * from sends order by due_at, id")]
        asked = {name if name == "id" else f"{name}_id": value for name, value in columns.items()}
        return [row for row in found if asked.items() <= {name: row[name] for name in asked}.items()]

    async def statuses(self, **columns: object) -> list[str]:
        return sorted(row["status"] for row in await self.sends(**columns))

    async def claim(self, send: UUID, version: int | None = None, lease: timedelta = LEASE) -> Claim | None:
        """Claim a send as its workflow would, under a token of its own."""
        known: int = version or (await self.row(send))["version"]
        async with self.store.transaction() as db:
            return await claim(db, send, known, uuid4(), lease)

    async def claimed(self, send: UUID) -> Claim:
        claim = await self.claim(send)
        assert claim is not None
        return claim

    async def facts(self, send: UUID, *, allow_resend: bool = False) -> Fenced:
        """Return what a letter written now would hand to the fence."""
        ((person, version, template, template_version, scope, email),) = await self.execute(
            """
            select p.id, p.version, t.id, t.version, s.scope_id, p.email
            from sends s join people p on p.id = s.recipient_id
            join rules r on r.id = s.rule_id
            join templates t on t.id = coalesce(s.template_id, r.template_id) where s.id = :send
            """,
            send=send,
        )
        return Fenced(
            people={person: version},
            companies={},
            template=template,
            template_version=template_version,
            scope=scope,
            recipient=person,
            address_digest=f"digest of {email}",
            allow_resend=allow_resend,
            message_id=f"<{send}@x>",
        )

    async def fence(self, claim: Claim, facts: Fenced | None = None) -> None:
        """Pass the point of no return in a transaction of its own, or raise."""
        facts = facts or await self.facts(claim.send)
        async with self.store.transaction() as db:
            await fence(db, claim, facts, LEASE)

    async def handed_over(self, send: UUID) -> Claim:
        claim = await self.claimed(send)
        await self.fence(claim)
        return claim

    async def receipts(self) -> list[UUID]:
        """Return the sends that hold a receipt."""
        return [row.send_id for row in await self.execute("select send_id from receipts order by 1")]

    async def put_status(self, send: UUID, status: Status) -> None:
        """Put a row into a state by hand, where the way there is not what is tested."""
        await self.execute(
            "update sends set status = :status, token = gen_random_uuid() where id = :send",
            send=send,
            status=status,
        )

    async def in_every_status(self) -> dict[Status, UUID]:
        """Make a send in every status there is, all of one session."""
        await self.planned(*Status)
        return await self.put_every_status()

    async def put_every_status(self) -> dict[Status, UUID]:
        """Put the sends there are into every status, one each."""
        sends = {status: send["id"] for status, send in zip(Status, await self.sends(), strict=True)}
        for status, send in sends.items():
            await self.put_status(send, status)
        return sends

    async def waiting_for_locks(self) -> int:
        found: int = await self.one("""
            select count(*) from pg_stat_activity
            where datname = current_database() and backend_type = 'client backend'
              and wait_event_type = 'Lock' and state = 'active'
        """)
        return found

    async def blocked(self, count: int = 1) -> None:
        """Return when so many statements of others wait for a lock."""
        await until(lambda: self._blocked(count))

    async def _blocked(self, count: int) -> bool:
        return await self.waiting_for_locks() >= count


def definition(**says: Any) -> RuleDefinition:
    """Return what a rule says; what is not a rule's own is said of its trigger."""
    own = {name: says.pop(name) for name in [*says] if name in RuleDefinition.model_fields}
    trigger = {"type": "date", "anchor": "session.start", "offset": "-P7D", **says}
    return RuleDefinition.model_validate({"trigger": trigger, **own})


async def plan_in(db: AsyncConnection, session: UUID, rule: UUID | None = None) -> int:
    loaded = await load_snapshot(db, session, rule)
    changes = plan(loaded.snapshot)
    if rule is None:
        await mark_planned(db, loaded)
    return await write_changes(db, loaded.organization, session, changes)


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait for something another connection does; fail after half a minute."""
    give_up_at = time.monotonic() + 30
    while not await condition():
        assert time.monotonic() < give_up_at, "it did not happen within 30 s"
        await asyncio.sleep(0.005)
