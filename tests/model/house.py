"""The real thing: the statements of the store and the planner, on a real PostgreSQL, under the names of the world.

Every example is one transaction, which is taken back. Time stands still until it is moved, and ids count up, so that
an example is the same each time.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from domain.participations import Role
from domain.planning import plan
from domain.rules import RuleDefinition
from domain.sends import Decision, Outcome, Reason, Status
from domain.session_rules import OverrideBody
from store.companies import put_company
from store.corrections import find_corrections, write_corrections
from store.database import Store
from store.delivery import Claim, Fenced, NotFencedError, claim, fence, record, settle
from store.locks import change_facts
from store.moves import hold_directory
from store.own_rules import delete_own_rule, put_own_rule
from store.participants import add_participant, remove_participant
from store.participations import BackwardsError, Said
from store.people import put_person
from store.places import Module, Slot
from store.planning import load_snapshot, mark_planned, write_changes
from store.rules import (
    activate_rule,
    contact_again,
    deactivate_rule,
    delete_rule,
    fetch_rule_version,
    insert_rule,
    mark_rolled_out,
    replace_rule,
)
from store.send_decisions import cancel_send, reactivate_send, resolve_send, send_now
from store.session_rules import delete_override, put_overrides
from store.sessions import delete_session, list_session_ids, put_session
from store.templates import put_template
from tests.model.world import BEGIN, RESENT, Key, Row
from tests.organizations import example_organization

PEOPLE = ("ada", "bob", "tom")
COMPANIES = ("acme", "zeta")
LEASE = timedelta(minutes=1)

# In a database of its own: ids that anybody can guess, and a clock that stands.
_ARRANGE = """
    create table model_clock (now timestamptz not null);
    insert into model_clock values ('2026-01-01Z');
    create or replace function relance_now() returns timestamptz language sql volatile as 'select now from model_clock';
    create sequence model_ids;
    create function model_id() returns uuid language sql volatile
        as 'select lpad(to_hex(nextval(''model_ids'')), 32, ''0'')::uuid';
"""
_COUNTED = ("sessions", "participations", "modules", "slots", "rules")

_READ = text("""
    select s.id, s.rule_id, session.key as session, s.occurrence, p.role, s.status, s.reason, s.due_at, s.latest_at,
           s.anchor_at, s.anchor, s.template_id, s.next_attempt_at, s.lease_until, s.handed_at, s.ended_at, s.covers, s.due_override_at is not null as by_hand,
           coalesce('module ' || m.key, 'slot ' || slot.key, 'session') as place,
           coalesce('person ' || x.key, 'company ' || c.key) as recipient
    from sends s
    join sessions session on session.id = s.session_id
    join participations p on p.id = s.participation_id
    left join modules m on m.id = s.scope_id
    left join slots slot on slot.id = s.scope_id
    left join people x on x.id = s.recipient_id
    left join companies c on c.id = s.recipient_id
""")

_DIRTY = text("""
    select 'session', key, null from sessions where version > planned_version
    union all select 'rule', cast(id as text), null from rules where version > planned_version
    union all
    select session.key, p.role, coalesce(x.key, c.key)
    from participations p join sessions session on session.id = p.session_id
    left join people x on x.id = p.person_id left join companies c on c.id = p.company_id
    where p.version > p.planned_version
""")

_PARTS = text("""
    select p.id, x.key from participations p join people x on x.id = p.person_id where p.role = 'participant'
""")

_SEND = text("""
    select s.version, s.scope_id, s.recipient_id, t.id as template, t.version as template_version
    from sends s join rules r on r.id = s.rule_id join templates t on t.id = coalesce(s.template_id, r.template_id)
    where s.id = :send
""")

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class House:
    """Everything that is done to the rows, by the names of the world."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._transaction: AsyncTransaction
        self.db: AsyncConnection
        self._sessions: dict[str, UUID] = {}
        self._rules: dict[str, UUID] = {}  # by the world's name
        self._sends: dict[Key, UUID] = {}

    # Examples.

    async def arrange(self) -> None:
        """Do, once, what every example starts from."""
        async with self._store.transaction() as db:
            await db.exec_driver_sql(_ARRANGE)
            self._organization = (await example_organization(db)).id
            self._people = {key: (await self._person(db, key)).id for key in PEOPLE}
            self._companies = {key: await self._company(db, key) for key in COMPANIES}
            self._templates = {key: await self._template(db, key, again) for key, again in RESENT.items()}
            for table in _COUNTED:
                await db.exec_driver_sql(f"alter table {table} alter id set default model_id()")

    async def _person(self, db: AsyncConnection, key: str, zone: str | None = None) -> Any:
        words = {"email": f"{key}@example.org", "first_name": key, "last_name": "", "language": None}
        return await put_person(db, self._organization, key, zone=zone, **words)  # type: ignore[arg-type]

    async def _company(self, db: AsyncConnection, key: str) -> UUID:
        words: dict[str, Any] = {"name": key, "email": None, "language": None, "contact": None}
        return (await put_company(db, self._organization, key, **words)).id

    async def _template(self, db: AsyncConnection, key: str, again: bool) -> UUID:
        words: dict[str, Any] = {"audience": "participants", "subject": "", "html": "", "text": None}
        return (await put_template(db, self._organization, key, allow_resend=again, **words)).id

    async def begin(self) -> None:
        self._sessions, self._rules, self._sends = {}, {}, {}
        self._connection = self._store.engine.connect()
        self.db = await self._connection.__aenter__()
        self._transaction = await self.db.begin()
        await self.db.execute(text("select setval('model_ids', 1, false)"))
        await self.set_clock(BEGIN)

    async def end(self) -> None:
        await self._transaction.rollback()
        await self._connection.__aexit__(None, None, None)

    @asynccontextmanager
    async def taken_back(self) -> AsyncIterator[None]:
        """Have what is done inside never have been."""
        savepoint = await self.db.begin_nested()
        sessions, rules, sends = dict(self._sessions), dict(self._rules), dict(self._sends)
        yield
        await savepoint.rollback()
        self._sessions, self._rules, self._sends = sessions, rules, sends

    async def set_clock(self, now: datetime) -> None:
        await self.db.execute(text("update model_clock set now = :now"), {"now": now})

    # Facts.

    async def put_session(self, key: str, said: Mapping[str, Any]) -> None:
        values = {
            name: said[name]
            for name in ("zone", "starts_at", "ends_at", "stage", "mode", "category", "center")
        }
        modules = [Module(name, name, **module) for name, module in said["modules"].items()]
        slots = [Slot(name, name, **slot) for name, slot in said["slots"].items()]
        put = await put_session(
            self.db, self._organization, key, name=key, modules=modules, slots=slots, **values
        )
        self._sessions[key] = put.id

    async def delete_session(self, key: str) -> None:
        await delete_session(self.db, self._organization, key)

    async def put_person(self, who: str, zone: str | None) -> None:
        await hold_directory(self.db, self._organization, {who: {"zone": zone}})
        await self._person(self.db, who, zone)

    async def enrol(self, session: str, role: str, who: str, said: Mapping[str, Any]) -> bool:
        known: dict[str, Any] = dict(said)
        if known.get("company") is not None:
            known["company"] = self._companies[known["company"]]
        if known.get("slots") is not None:
            known["slots"] = frozenset([await self._slot(session, key) for key in sorted(known["slots"])])
        try:
            await add_participant(
                self.db,
                self._sessions[session],
                self._people[who],
                cast("Said", known),
                role=Role(role),
            )
        except BackwardsError:
            return False
        return True

    async def _slot(self, session: str, key: str) -> UUID:
        found = text("select id from slots where session_id = :session and key = :key")
        values = {"session": self._sessions[session], "key": key}
        id: UUID = (await self.db.execute(found, values)).scalar_one()
        return id

    async def leave(self, session: str, role: str, who: str) -> None:
        await remove_participant(self.db, self._sessions[session], who, role=Role(role))

    # Rules.

    async def put_rule(
        self,
        name: str,
        key: str,
        says: Mapping[str, Any],
        template: str,
        *,
        new: bool,
        apply_to_existing: bool,
    ) -> None:
        said = {"name": key, "template": self._templates[template], "definition": definition(says)}
        if new:
            rule = await insert_rule(self.db, self._organization, key, **said)  # type: ignore[arg-type]
            self._rules[name] = rule.id
        else:
            await replace_rule(
                self.db,
                self._organization,
                key,
                apply_to_existing=apply_to_existing,
                **said,  # type: ignore[arg-type]
            )

    async def switch_rule(self, name: str, *, active: bool) -> None:
        await (activate_rule if active else deactivate_rule)(self.db, self._rules[name])

    async def delete_rule(self, name: str) -> None:
        await delete_rule(self.db, self._rules[name])

    async def contact_again(self, name: str) -> None:
        await contact_again(self.db, self._rules[name])

    async def override(self, session: str, name: str, said: Mapping[str, Any] | None) -> None:
        id, rule = self._sessions[session], self._rules[name]
        await change_facts(self.db, id)
        if said is None:
            await delete_override(self.db, id, rule)
        else:
            await put_overrides(self.db, id, {rule: OverrideBody.model_validate(said)}, self._templates)

    async def put_own_rule(
        self, name: str, session: str, key: str, says: Mapping[str, Any], template: str, *, active: bool
    ) -> None:
        id, made = self._sessions[session], self._templates[template]
        await change_facts(self.db, id)
        await put_own_rule(
            self.db, id, key, name=key, template=made, definition=definition(says), active=active
        )
        found = text("select id from rules where session_id = :session and key = :key and deleted_at is null")
        self._rules[name] = (await self.db.execute(found, {"session": id, "key": key})).scalar_one()

    async def delete_own_rule(self, name: str, session: str) -> None:
        await change_facts(self.db, self._sessions[session])
        await delete_own_rule(self.db, self._rules[name])

    # Planning.

    async def plan(self, *, rules_first: bool = True) -> None:
        """Plan whatever is dirty, as the activities do."""
        for rules in (rules_first, not rules_first):
            await (self._roll_out() if rules else self._plan_sessions())

    async def _roll_out(self) -> None:
        for rule in (
            (await self.db.execute(text("select id from rules where version > planned_version")))
            .scalars()
            .all()
        ):
            version = await fetch_rule_version(self.db, rule)
            for session in await list_session_ids(self.db, rule, None, 100):
                await self._plan(session, rule)
            await mark_rolled_out(self.db, rule, version)

    async def _plan_sessions(self) -> None:
        dirty = text("""
            select id from sessions where version > planned_version
            union select session_id from participations where version > planned_version
        """)
        for session in (await self.db.execute(dirty)).scalars().all():
            await self._plan(session)

    async def _plan(self, session: UUID, rule: UUID | None = None) -> int:
        loaded = await load_snapshot(self.db, session, rule)
        changes = plan(loaded.snapshot)
        if rule is None:
            await mark_planned(self.db, loaded)
        return await write_changes(self.db, loaded.organization, session, changes)

    async def plan_all_anew(self) -> int:
        """Plan every session as a whole, whatever is dirty; return how many rows would change. Nothing lasts."""
        async with self.taken_back():
            await self.db.execute(text("update sessions set version = version + 1"))
            return sum([await self._plan(session) for session in self._sessions.values()])

    async def dirty(self) -> set[tuple[str, ...]]:
        """Return what has changed since it was planned, as the world names it."""
        names = {str(id): name for name, id in self._rules.items()}
        rows = [tuple(filter(None, row)) for row in await self.db.execute(_DIRTY)]
        return {(kind, names[rest[0]]) if kind == "rule" else (kind, *rest) for kind, *rest in rows}

    # Rows.

    async def read(self) -> dict[Key, Row]:
        """Return the rows as the world has them."""
        names = {id: name for name, id in self._rules.items()}
        templates = {id: key for key, id in self._templates.items()}
        parts = {row.id: row.key for row in await self.db.execute(_PARTS)}
        found = {}
        for row in await self.db.execute(_READ):
            occurrence = _UUID.sub(lambda match: parts.get(UUID(match[0]), match[0]), row.occurrence)
            key = names[row.rule_id], row.session, row.place, row.recipient, occurrence
            self._sends[key] = row.id
            found[key] = Row(
                row.status,
                row.role,
                row.due_at,
                row.latest_at,
                row.anchor_at,
                row.anchor,
                row.template_id and templates[row.template_id],
                None if row.covers is None else tuple(parts[id] for id in row.covers),
                row.reason,
                by_hand=row.by_hand,
                retry_at=row.next_attempt_at,
                lease_until=row.lease_until,
                handed_at=row.handed_at,
                ended_at=row.ended_at,
            )
        return found

    async def cancel(self, key: Key) -> bool:
        return await cancel_send(self.db, self._organization, self._sends[key]) is not None

    async def reactivate(self, key: Key) -> bool:
        return await reactivate_send(self.db, self._organization, self._sends[key]) is not None

    async def send_now(self, key: Key) -> bool:
        return await send_now(self.db, self._organization, self._sends[key]) is not None

    async def resolve(self, key: Key, decision: Decision) -> bool:
        return await resolve_send(self.db, self._organization, self._sends[key], decision) is not None

    async def correct(self, session: str, name: str, template: str) -> int:
        """Have corrections written by hand; return how many."""
        id, rule = self._sessions[session], self._rules[name]
        found = await find_corrections(self.db, id, rule, self._templates[template])
        return await write_corrections(self.db, id, found)

    # Deliveries.

    async def settle(self, key: Key) -> None:
        await settle(self.db, self._sends[key])

    async def claim(self, key: Key) -> Claim | None:
        send = self._sends[key]
        version = (await self.db.execute(_SEND, {"send": send})).one().version
        return await claim(self.db, send, version, uuid4(), LEASE)

    async def fence(self, key: Key, claimed: Claim, *, again: bool) -> Reason | None:
        """Pass the point of no return; return why that was not to be."""
        row = (await self.db.execute(_SEND, {"send": claimed.send})).one()
        facts = Fenced(
            people={},
            companies={},
            template=row.template,
            template_version=row.template_version,
            scope=row.scope_id,
            recipient=row.recipient_id,
            address_digest=key[3],
            allow_resend=again,
            message_id=f"<{claimed.send}@x>",
        )
        savepoint = await self.db.begin_nested()
        try:
            await fence(self.db, claimed, facts, LEASE)
        except NotFencedError as error:
            await savepoint.rollback()
            return error.reason or Reason.RULE_EDITED
        await savepoint.commit()
        return None

    async def record(self, claimed: Claim, status: str, reason: str | None, retry_after: timedelta) -> None:
        outcome = Outcome(claimed.send, claimed.token, Status(status), reason, retry_after=retry_after)
        recorded = await record(self.db, outcome)
        assert recorded is not None


def definition(says: Mapping[str, Any]) -> RuleDefinition:
    """Return what a rule of the world says, as a rule."""
    trigger = {name: value for name, value in says["trigger"].items() if value is not None}
    late = says["late"]
    more = {name: value for name, value in says.items() if name not in ("trigger", "late", "correction")}
    return RuleDefinition.model_validate(
        {
            "trigger": {"type": "date", **trigger},
            "late": "skip" if late is None else {"send_within": late},
            "correction": says["correction"] and {"template": says["correction"]},
            **more,
        }
    )
