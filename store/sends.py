"""Sends as people see them: lists, one by one, and how many."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rules import RuleDefinition, Scope
from domain.sends import Status
from store.effective import DEFINITION, EFFECTIVE, OVERRIDE, effective_definition
from store.send_filters import (
    BY_DUE_TIME,
    EVERYTHING,
    SendColumn,
    SendFilter,
    SendOrder,
    ids_of_page,
    resolve,
)


class Kind(StrEnum):
    """What a mail goes to; a person and a company may have the same id."""

    PERSON = "person"
    COMPANY = "company"


@dataclass(frozen=True, slots=True)
class Send:
    """A row of `sends` with the names of what it is about."""

    id: UUID
    status: Status
    reason: str | None
    due_at: datetime
    due_local: datetime
    zone: str
    latest_at: datetime
    rule: str
    rule_name: str
    definition: RuleDefinition
    session: str
    session_name: str
    center: str | None
    room: str | None  # of what it is about
    module: str | None  # that it is about, or that the slot it is about belongs to
    slot: str | None
    recipient: str
    recipient_kind: Kind
    recipient_name: str
    recipient_address: str | None
    company: str | None  # the recipient, or the one it comes from
    participants: list[str] | None  # by id, that a company's mail is about; None: whoever comes from it
    occurrence: str
    template: str
    template_subject: str  # as it was saved
    attempts: int
    handed_at: datetime | None
    ended_at: datetime | None
    reply_code: int | None
    detail: str | None
    version: int
    trace: list[dict[str, object]]
    sort_key: str | int | None  # its place in a list that is not ordered by due time alone

    @property
    def place(self) -> "Cursor":
        """What to ask for the sends behind it."""
        return Cursor(self.due_at, self.id, self.sort_key)

    @property
    def scope(self) -> Scope:
        """What it is about; its rule may have been given another scope since."""
        return Scope.SLOT if self.slot else Scope.MODULE if self.module else Scope.SESSION


# The address of a company is that of whoever stands for it now (F057); the rule says what it says to this session.
_TELL = f"""
    select s.id, s.status, s.reason, s.due_at, s.due_local, s.due_zone as zone, s.latest_at,
           r.key as rule, r.name as rule_name, {DEFINITION} as definition, {OVERRIDE}, session.key as session, session.name as session_name,
           session.center, coalesce(slot.room, module.room, session.room) as room,
           module.key as module, slot.key as slot,
           coalesce(p.key, c.key) as recipient, case when p.id is null then 'company' else 'person' end as recipient_kind,
           coalesce(trim(p.first_name || ' ' || p.last_name), c.name) as recipient_name,
           case when p.id is null then coalesce(of_session.email, main.email, c.email) else p.email
           end as recipient_address,
           c.key as company, s.occurrence,
           (select array_agg(one.key order by one.key) from participations join people one on one.id = person_id
            where participations.id = any(s.covers)) as participants, t.key as template, t.subject as template_subject,
           s.attempts, s.handed_at, s.ended_at, s.reply_code, s.detail, s.version, s.trace, found.sort_key
    from found
    join sends s on s.id = found.id
    join rules r on r.id = s.rule_id
    join sessions session on session.id = s.session_id
    {EFFECTIVE}
    join templates t on t.id = coalesce(s.template_id, r.template_id)
    join participations part on part.id = s.participation_id
    left join people p on p.id = part.person_id
    left join companies c on c.id = part.company_id
    left join people of_session on of_session.id = part.contact_id
    left join people main on main.id = c.contact_id
    left join slots slot on slot.id = s.scope_id
    left join modules module on module.id = coalesce(slot.module_id, s.scope_id)
"""

_FIND = text(f"""
    with found as (
        select id, null as sort_key from sends where organization_id = :organization and id = :send
    )
    {_TELL}
""")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: behind this send, as it stood in the list."""

    due_at: datetime
    id: UUID
    sort_key: str | int | None = None  # where the list is not ordered by due time alone


async def list_sends(
    db: AsyncConnection,
    organization: UUID,
    where: SendFilter = EVERYTHING,
    *,
    limit: int,
    order: SendOrder = BY_DUE_TIME,
    after: Cursor | None = None,
) -> list[Send]:
    """Return a page of sends, in a transaction."""
    condition = await resolve(db, organization, where)
    # First the rows of one page, and only then what these few are about.
    statement = text(f"""
        with found as materialized ({ids_of_page(condition, order, begins=after is None)})
        {_TELL} order by found.sort_key {order.way}, s.due_at {order.way}, s.id {order.way}
    """)
    behind = {"after_due": after.due_at, "after_id": after.id, "after_key": after.sort_key} if after else {}
    if order.by is SendColumn.DUE_AT:
        behind.pop("after_key", None)
    found = await db.execute(statement, {**condition.values, **behind, "limit": limit})
    return [_send(row) for row in found]


async def count_sends(
    db: AsyncConnection, organization: UUID, where: SendFilter = EVERYTHING, *, most: int = 10_000
) -> int:
    """Return how many sends there are; `most` means so many, or more."""
    condition = await resolve(db, organization, where)
    statement = text(
        f"select count(*) from (select from sends s where {condition.sql} limit :most) as counted"
    )
    return int((await db.execute(statement, {**condition.values, "most": most})).scalar_one())


@dataclass(frozen=True, slots=True)
class DayCount:
    """So many sends of a status are due on a day, or were."""

    day: date
    status: Status
    count: int


MOST_DAYS = 400


async def count_sends_by_day(
    db: AsyncConnection, organization: UUID, where: SendFilter, zone: ZoneInfo, first: date, end: date
) -> list[DayCount]:
    """Return the counts of the days of a zone from `first` to before `end`, those without sends left out.

    Raises ValueError for more than `MOST_DAYS` days.
    """
    days = [first + timedelta(days=number) for number in range((end - first).days)]
    if len(days) > MOST_DAYS:
        raise ValueError(f"at most {MOST_DAYS} days")
    if not days:
        return []
    # The zone data are ours, not the database's, as for due times.
    bounds = [datetime.combine(day, time(), zone) for day in [*days, end]]
    condition = await resolve(db, organization, where)
    statement = text(f"""
        select width_bucket(s.due_at, cast(:bounds as timestamptz[])) as number, s.status, count(*) as total
        from sends s
        where {condition.sql} and s.due_at >= :first and s.due_at < :end
        group by 1, 2 order by 1, 2
    """)
    span = {"bounds": bounds, "first": bounds[0], "end": bounds[-1]}
    rows = await db.execute(statement, {**condition.values, **span})
    return [DayCount(days[row.number - 1], Status(row.status), row.total) for row in rows]


async def find_send(db: AsyncConnection, organization: UUID, send: UUID) -> Send | None:
    row = (await db.execute(_FIND, {"organization": organization, "send": send})).one_or_none()
    return _send(row) if row else None


def _send(row: object) -> Send:
    mapping = row._mapping  # type: ignore[attr-defined]
    values = {name: value for name, value in mapping.items() if not name.startswith("override_")}
    values["definition"] = effective_definition(row)
    kinds = {"status": Status(values["status"]), "recipient_kind": Kind(values["recipient_kind"])}
    return Send(**{**values, **kinds})
