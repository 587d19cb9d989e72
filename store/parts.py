"""What is known of somebody's part in a session, as it is written: many at once, in one statement."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.participations import Attendance, Role

Who = tuple[UUID, Role, UUID]  # session, role, person


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody's part, and which version of its source says so."""

    present: bool = False
    company: UUID | None = None
    slots: frozenset[UUID] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    deadline_at: datetime | None = None
    enrolled_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    attendance: Attendance | None = None
    status: str | None = None
    answered: frozenset[str] = frozenset()
    source_version: int | None = None
    enrols: bool = False  # enrolled at the moment in which it is written

    @property
    def attends(self) -> tuple[object, ...]:
        """What makes it one of those that a company comes with."""
        return self.present, self.company, self.slots

    @property
    def planned(self) -> tuple[object, ...]:
        """What planning reads of it."""
        return *self.attends, *(getattr(self, name) for name in _INSTANTS)

    @property
    def said(self) -> tuple[object, ...]:
        return *self.planned, self.attendance, self.status, self.answered


_FACTS = ("enrolled", "started", "completed")
_INSTANTS = ("starts_at", "ends_at", "deadline_at", *(f"{fact}_at" for fact in _FACTS))

# What planning reads makes a participation dirty; the rest is read when a mail is to leave (DESIGN 4, two grains).
_PLANNED = {"company_id": "uuid", "slots": "uuid[]", **dict.fromkeys(_INSTANTS, "timestamptz")}
_TOLD = {"attendance": "text", "status": "text", "answered": "text[]"}
_SAID = {**_PLANNED, **_TOLD}
_GIVEN = {
    "session_id": "uuid",
    "role": "text",
    "person_id": "uuid",
    "present": "boolean",
    "enrols": "boolean",
    "source_version": "bigint",
    **_SAID,
}


_MADE = {"slots", "answered", "enrolled_at"}  # not given as they are written


def _of(table: str, columns: Collection[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in columns)


def _array(name: str, kind: str) -> str:
    """Lists come written in text, since those of two people differ in length."""
    return f"cast(:{name} as {'text' if kind.endswith('[]') else kind}[])"


def _each(form: str) -> str:
    return ", ".join(form.format(fact=fact) for fact in _FACTS)


# A fact has two instants: when it happened, and when that was first written down here. Put right, it is no news.
_RECORDED = """
    {fact}_recorded_at = case when excluded.{fact}_at is not null
                              then coalesce(p.{fact}_recorded_at, excluded.{fact}_recorded_at) end"""

# Rows are locked in the order of `store.locks`.
_WRITE = text(f"""
    with clock as (select relance_now() as now),
    given as (
        select * from unnest({", ".join(_array(name, kind) for name, kind in _GIVEN.items())})
            as listed ({", ".join(_GIVEN)})
    ),
    said as (
        select {_of("given", [name for name in _GIVEN if name not in _MADE])}, clock.now,
               cast(given.slots as uuid[]) as slots, cast(given.answered as text[]) as answered,
               case when given.enrols then clock.now else given.enrolled_at end as enrolled_at
        from given cross join clock
    )
    insert into participations as p (
        session_id, role, person_id, {", ".join(_SAID)}, {_each("{fact}_recorded_at")}, source_version,
        removed_at, said_at, changed_at)
    select said.session_id, said.role, said.person_id, {_of("said", _SAID)},
           {_each("case when said.{fact}_at is not null then said.now end")}, said.source_version,
           case when not said.present then said.now end, said.now, said.now
    from said left join participations known using (session_id, role, person_id)
    order by known.id
    on conflict (session_id, role, person_id) do update
    set {", ".join(f"{name} = excluded.{name}" for name in _SAID)},
        source_version = excluded.source_version,
        {_each(_RECORDED)},
        removed_at = case when excluded.removed_at is not null then coalesce(p.removed_at, excluded.removed_at) end,
        (version, said_at, changed_at, read_version) = (
            select case when moved then p.version + 1 else p.version end,
                   case when moved then excluded.said_at else p.said_at end,
                   case when moved then excluded.changed_at else p.changed_at end,
                   case when reworded then p.read_version + 1 else p.read_version end
            from (select (p.removed_at is null, {_of("p", _PLANNED)}) is distinct from
                         (excluded.removed_at is null, {_of("excluded", _PLANNED)}),
                         ({_of("p", _TOLD)}) is distinct from ({_of("excluded", _TOLD)})
                 ) as compared (moved, reworded))
    returning p.id, p.version
""")

_PART = f"""
    p.session_id, p.role, p.person_id, p.removed_at is null as present, p.company_id as company, p.source_version,
    {_of("p", [name for name in _SAID if name != "company_id"])}
"""

_READ = text(f"""
    select {_PART} from participations p
    join unnest(cast(:sessions as uuid[]), cast(:roles as text[]), cast(:people as uuid[]))
        as asked (session_id, role, person_id) using (session_id, role, person_id)
""")

_READ_ALL = text(f"""
    select {_PART} from participations p
    join unnest(cast(:sessions as uuid[]), cast(:roles as text[])) as asked (session_id, role)
        using (session_id, role)
    where p.removed_at is null
""")


async def read_parts(db: AsyncConnection, whom: Collection[Who]) -> dict[Who, Part]:
    """Return the parts of those of these people who ever had one."""
    sessions, roles, people = ([who[place] for who in whom] for place in range(3))
    asked = {"sessions": sessions, "roles": roles, "people": people}
    return _parts((await db.execute(_READ, asked)).all())


async def read_all_parts(db: AsyncConnection, of: Collection[tuple[UUID, Role]]) -> dict[Who, Part]:
    """Return everybody present in these sessions and roles."""
    if not of:
        return {}
    asked = {"sessions": [session for session, _ in of], "roles": [role for _, role in of]}
    return _parts((await db.execute(_READ_ALL, asked)).all())


async def write_parts(db: AsyncConnection, parts: Mapping[Who, Part]) -> dict[UUID, int]:
    """Make or replace these parts; return the versions of their rows, by id."""
    columns = [_columns(who, part) for who, part in parts.items()]
    arrays = {name: [values[name] for values in columns] for name in _GIVEN}
    return {row.id: row.version for row in await db.execute(_WRITE, arrays)}


def literal(values: Collection[UUID] | Collection[str] | None) -> str | None:
    """Return an array as PostgreSQL writes it, in an order of its own."""
    if values is None:
        return None
    quoted = (f'"{str(value).translate(_ESCAPED)}"' for value in sorted(map(str, values)))
    return f"{{{','.join(quoted)}}}"


_ESCAPED = str.maketrans({'"': r"\"", "\\": r"\\"})


def _columns(who: Who, part: Part) -> dict[str, object]:
    session, role, person = who
    return {
        **{name: getattr(part, name) for name in (*_INSTANTS, *_TOLD, "present", "enrols", "source_version")},
        "session_id": session,
        "role": role,
        "person_id": person,
        "company_id": part.company,
        "slots": literal(part.slots),
        "answered": literal(part.answered or None),
    }


def _parts(rows: Sequence[Any]) -> dict[Who, Part]:
    parts = {}
    for row in rows:
        values = dict(row._mapping)
        who = values.pop("session_id"), Role(values.pop("role")), values.pop("person_id")
        slots, answered = values.pop("slots"), values.pop("answered")
        some = None if slots is None else frozenset(slots)
        parts[who] = Part(slots=some, answered=frozenset(answered or ()), **values)
    return parts
