"""What planning would make of sessions as they stand, or of a rule in another form: read, and never written.

Nothing here takes a lock that anybody waits for.
"""

from asyncio import to_thread
from bisect import bisect
from collections.abc import AsyncIterator, Collection, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.effects import (
    News,
    WrongDate,
    effects_of_facts,
    effects_of_rule,
    effects_of_told,
    late_sends,
    wrong_of_facts,
)
from domain.outlook import Effect, Outlook
from domain.planning import RuleFacts
from domain.rules import RuleDefinition
from domain.snapshots import Snapshot
from domain.told_dates import true_dates
from store.outlook_names import Names, read_names
from store.snapshot_pages import load_page
from store.snapshot_parts import load_parts
from store.told_dates import load_told
from store.written import look_anew

# So many sessions at a time, and so many people, unless one session alone has more.
PAGE, PEOPLE = 100, 10_000

_DEFINITION = TypeAdapter(RuleDefinition)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """An outlook, and the callers' ids of everything in it that is told one by one."""

    outlook: Outlook = field(default_factory=Outlook)
    names: Names = field(default_factory=Names)

    def merge(self, other: "Foreseen") -> "Foreseen":
        """Return the two together; no session is in both."""
        return Foreseen(self.outlook.merge(other.outlook), self.names.merge(other.names))


@dataclass(frozen=True, slots=True)
class Held:
    """What would become of the mails of a session, some of which have told a date that would not be the date."""

    effects: Sequence[Effect]
    wrong: Sequence[WrongDate]


@dataclass(frozen=True, slots=True)
class Looked:
    """What planning would make of sessions, seen from among what is written: see `settle`."""

    foreseen: Foreseen  # but for the sessions that are held back
    held: Mapping[UUID, Held] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edition:
    """What a rule says for the sessions made since then."""

    since: datetime
    template: UUID
    definition: RuleDefinition


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A rule in some form, saved or not."""

    organization: UUID
    key: str
    template: UUID
    facts: RuleFacts  # but for its editions
    editions: Sequence[Edition] = ()  # by `since`

    @property
    def scope(self) -> dict[str, UUID]:
        """What tells its sessions from those of others."""
        return {"organization": self.organization, "rule": self.facts.id}

    @property
    def is_active(self) -> bool:
        return self.facts.active and not self.facts.deleted

    def as_of(self, created_at: datetime, given: bool = False, given_at: datetime | None = None) -> RuleFacts:
        """Return the rule as a session goes by it that was made then, or `given` the rule by hand (C1, `store.effective`)."""
        if self.facts.definition.existing_sessions:
            return self.facts
        edition = self._newest(created_at)
        facts = replace(self.facts, too_new=edition is None)
        if edition is None and given and self.editions:
            edition = (given_at and self._newest(given_at)) or self.editions[0]
        if edition is None:
            return facts
        other = None if edition.template == self.template else edition.template
        return replace(facts, definition=edition.definition, template=other)

    def _newest(self, at: datetime) -> Edition | None:
        return next((one for one in reversed(self.editions) if one.since <= at), None)


# Its waiting sends are removed where it is deleted; of those that are gone already nothing more is to be told.
_PAGE = text("""
    select id, key, created_at, coalesce(override.active, false) as given, override.active_since as given_at,
           (select count(*) from participations where session_id = sessions.id) as people
    from sessions left join session_rules override on override.session_id = id and override.rule_id = :rule
    where organization_id = :organization and key > :after
      and (deleted_at is null
           or exists (select from sends where session_id = sessions.id and rule_id = :rule
                      and status in ('scheduled', 'claimed', 'handing_over')))
    order by key limit :limit
""")

# How many people are read of each: all, or those who are dirty.
_DIRTY = text("""
    select id, key, organization_id,
           (select count(*) from participations p
            where p.session_id = s.id and (s.version > s.planned_version or p.version > p.planned_version)) as people
    from sessions s where id = any(cast(:sessions as uuid[])) order by key
""")

# Whoever has never been planned: what comes too late for them comes so because of this write.
_NEW = text("""
    select id from participations
    where session_id = any(cast(:sessions as uuid[])) and version > planned_version and planned_version = 0
""")

_RULES = text("""
    select organization_id, key, template_id, id, version, definition, active, deleted_at is not null as deleted,
           changed_at, memory, corrects_since
    from rules where id = any(cast(:ids as uuid[])) order by key
""")

_EDITIONS = text("""
    select rule_id, since, template_id, definition from rule_editions
    where rule_id = any(cast(:ids as uuid[])) order by since
""")


async def foresee_sessions(
    db: AsyncConnection, sessions: Collection[UUID], since: datetime, outlook: Outlook
) -> Looked:
    """Return what planning would make of what is dirty in these sessions, beside an outlook.

    `since` is when the transaction began that made them so. Have it settled once that is taken back.
    """
    held: dict[UUID, Held] = {}
    left: Sequence[Any] = (await db.execute(_DIRTY, {"sessions": list(sessions)})).all()
    while left:
        page = _cut(left[:PAGE])
        ids = [session.id for session in page]
        snapshots = await load_parts(db, page[0].organization_id, ids)
        news = News(frozenset((await db.execute(_NEW, {"sessions": ids})).scalars()), since)
        seen, wrong = await to_thread(_of_facts, page, snapshots, news)
        outlook, held = outlook.merge(seen), held | wrong
        left = left[len(page) :]
    named = [effect for one in held.values() for effect in Outlook.of(one.effects).named]
    told = [wrong.effect for one in held.values() for wrong in one.wrong]
    return Looked(Foreseen(outlook, await read_names(db, [*outlook.named, *named, *told])), held)


def _of_facts(
    page: Sequence[Any], snapshots: Mapping[UUID, Snapshot], news: News
) -> tuple[Outlook, dict[UUID, Held]]:
    effects, held = list[Effect](), dict[UUID, Held]()
    for session in page:
        snapshot = snapshots[session.id]
        found, wrong = effects_of_facts(session.key, snapshot, news), wrong_of_facts(session.key, snapshot)
        if wrong:
            held[session.id] = Held([*found], wrong)
        else:
            effects += found
    return Outlook.of(effects), held


async def settle(engine: AsyncEngine, looked: Looked) -> Foreseen:
    """Return the whole, once what was written is taken back: of dates that mails have told, those that were true before."""
    if not looked.held:
        return looked.foreseen
    sends = {wrong.effect.send for one in looked.held.values() for wrong in one.wrong}
    async with _reading(engine) as db:
        before = await load_told(db, looked.held.keys(), sends)
    was_true = {one for snapshot in before for one in true_dates(snapshot)}
    effects = [
        effect
        for one in looked.held.values()
        for effect in (*one.effects, *effects_of_told(one.wrong, was_true))
    ]
    return replace(looked.foreseen, outlook=looked.foreseen.outlook.merge(Outlook.of(effects)))


async def foresee_rule(engine: AsyncEngine, form: RuleForm) -> Foreseen:
    """Return what planning would make of every session by a rule in this form, page by page."""
    outlook, after = Outlook(), ""
    async with _reading(engine) as db:
        before = next(iter(await read_rule_forms(db, [form.facts.id])), None)
    while True:
        async with _reading(engine) as db:
            page = _cut((await db.execute(_PAGE, {**form.scope, "after": after, "limit": PAGE})).all())
            if not page:
                names = await read_names(db, outlook.named)
                return Foreseen(outlook, names.with_rule(form.facts.id, form.key))
            outlook = outlook.merge(await _foresee_page(db, form, before, page))
        after = page[-1].key


async def _foresee_page(
    db: AsyncConnection, form: RuleForm, before: RuleForm | None, page: Sequence[Any]
) -> Outlook:
    snapshots = await _load(db, form, page)
    told = {id: _told_in_full(snapshot, before or form) for id, snapshot in snapshots.items()}
    late = await _late_before(db, before, page, snapshots) if before and before.is_active else {}
    return await to_thread(_of_rule, page, told, late)


async def _load(db: AsyncConnection, form: RuleForm, page: Sequence[Any]) -> dict[UUID, Snapshot]:
    rules = {session.id: form.as_of(session.created_at, session.given, session.given_at) for session in page}
    in_full = {id: replace(facts, template=facts.template or form.template) for id, facts in rules.items()}
    return await load_page(db, form.organization, in_full)


def _told_in_full(snapshot: Snapshot, before: RuleForm) -> Snapshot:
    """Return it with the template of each of its sends, as the rule stands: its own may be another in another form."""
    return replace(
        snapshot,
        sends=[replace(send, template=send.template or before.template) for send in snapshot.sends],
    )


async def _late_before(
    db: AsyncConnection, before: RuleForm, page: Sequence[Any], snapshots: Mapping[UUID, Snapshot]
) -> dict[UUID, Set[UUID]]:
    """Return what comes too late by the rule as it stands, of the sessions where anything does in the other form."""
    late = await to_thread(_late, snapshots)
    those = [session for session in page if late[session.id]]
    return await to_thread(_late, await _load(db, before, those)) if those else {}


def _late(snapshots: Mapping[UUID, Snapshot]) -> dict[UUID, Set[UUID]]:
    return {id: late_sends(snapshot) for id, snapshot in snapshots.items()}


def _of_rule(
    page: Sequence[Any], snapshots: Mapping[UUID, Snapshot], late: Mapping[UUID, Set[UUID]]
) -> Outlook:
    return Outlook.of(
        effect
        for session in page
        for effect in effects_of_rule(session.key, snapshots[session.id], late.get(session.id, frozenset()))
    )


def _cut(page: Sequence[Any]) -> Sequence[Any]:
    """Return the first sessions of a page, so many that not too many people are read at once."""
    people = [*accumulate(session.people for session in page)]
    return page[: max(1, bisect(people, PEOPLE))]


async def read_rule_forms(db: AsyncConnection, rules: Collection[UUID]) -> list[RuleForm]:
    """Return rules as this transaction sees them, by id."""
    ids = {"ids": list(rules)}
    editions: dict[UUID, list[Edition]] = {}
    for row in await db.execute(_EDITIONS, ids):
        says = _DEFINITION.validate_python(row.definition)
        editions.setdefault(row.rule_id, []).append(Edition(row.since, row.template_id, says))
    return [_form(row, editions.get(row.id, [])) for row in await db.execute(_RULES, ids)]


@asynccontextmanager
async def _reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection that sees one moment, and can write nothing."""
    async with engine.connect() as db:
        await db.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        async with db.begin():
            await look_anew(db)
            yield db


def _form(row: Any, editions: Sequence[Edition]) -> RuleForm:
    says = _DEFINITION.validate_python(row.definition)
    facts = RuleFacts(
        row.id,
        row.version,
        says,
        row.active,
        row.deleted,
        row.changed_at,
        memory=row.memory,
        corrects_since=row.corrects_since,
    )
    return RuleForm(row.organization_id, row.key, row.template_id, facts, editions)
