"""Who else has a part in a mail, besides the person it is about: read in one statement, only where somebody has."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.conditions import Standing
from domain.mail_facts import MOST_NAMED, Addressee, Attendee, Candidates
from domain.participations import Attendance, Role
from domain.rules import CcRole, ToRole

# What part somebody has, besides their role in the session.
_CONTACT, _FIXED, _MANAGER, _SESSION_MANAGER = "contact", "fixed", "manager", "session_manager"

# Which part a role of a rule means.
_PARTS: Mapping[str, str] = {
    "company_contact": _CONTACT,
    "manager": _MANAGER,
    "session_manager": _SESSION_MANAGER,
    "trainers": Role.TRAINER,
}

# A module or slot is for those who come to its slots; what has no slots is for everybody.
_OTHERS = text(f"""
    with asked (part, place, person, email, company_name, participation) as (
        select '{_CONTACT}', 1, contact_id, null, null, cast(null as uuid) from participations
        where session_id = :session and company_id = :company and role = '{Role.COMPANY}'
        union all
        select '{_CONTACT}', 2, contact_id, null, null, null from companies where id = :company
        union all
        select '{_CONTACT}', 3, null, email, name, null from companies where id = :company
        union all
        select '{_MANAGER}', 1, manager_id, null, null, null from people where id = :person
        union all
        select '{_SESSION_MANAGER}', 1, manager_id, null, null, null from sessions where id = :session
        union all
        select '{_FIXED}', place, null, address, null, null
        from unnest(cast(:fixed as text[])) with ordinality as fixed (address, place)
        union all
        select p.role, row_number() over (partition by p.role order by x.last_name, x.first_name, x.id), x.id, null,
               null, p.id
        from (select array_agg(id) as slots from slots
              where session_id = :session and (id = :scope or module_id = :scope) and removed_at is null) as here
        join participations p on p.slots is null or here.slots is null or p.slots && here.slots
        join people x on x.id = p.person_id
        where p.session_id = :session and p.removed_at is null
          and (p.role <> '{Role.PARTICIPANT}'
               or (cast(:company as uuid) is null or p.company_id = :company)
                  and (cast(:covers as uuid[]) is null or p.id = any(cast(:covers as uuid[]))))
    )
    select asked.part, x.id as person, coalesce(x.version, 0) as version, coalesce(x.email, asked.email) as email,
           coalesce(x.first_name, '') as first_name, coalesce(x.last_name, '') as last_name,
           coalesce(asked.company_name, '') as company_name, x.language,
           exists (select from suppressions where organization_id = :organization
                   and address = lower(coalesce(x.email, asked.email))) as suppressed,
           p.id as participation, p.version + p.read_version as of_participation, p.attendance,
           p.started_at is not null as started, p.completed_at is not null as completed, p.status, p.answered
    from asked
    left join people x on x.id = asked.person and x.deleted_at is null
    left join participations p on p.id = asked.participation
    where asked.part = any(:parts) and (asked.place <= {MOST_NAMED} or :judged and asked.part = '{Role.PARTICIPANT}')
    order by asked.place
""")


class Others:
    """Those who have the parts that were asked for."""

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self._by_part = defaultdict[str, list[Mapping[str, Any]]](list)
        for row in rows:
            self._by_part[row["part"]].append(row)

    @cached_property
    def contacts(self) -> Candidates:
        """Whoever stands for the company, in the order of F057."""
        return self._addressees(_CONTACT)

    @property
    def attendees(self) -> list[Attendee]:
        """The participants, by name."""
        return [_attendee(row) for row in self._by_part[Role.PARTICIPANT]]

    def to(self, role: ToRole) -> Candidates:
        """Whom this role means."""
        return self._addressees(_PARTS[role])

    def copies(self, cc: Sequence[str]) -> list[Candidates]:
        """Who gets a copy: first who stands for the company and who manages, then the trainers, then addresses."""
        alone = (CcRole.COMPANY_CONTACT, CcRole.MANAGER, CcRole.SESSION_MANAGER)
        found: list[Candidates] = [self._addressees(_PARTS[role]) for role in alone if role in cc]
        each = (*self._addressees(Role.TRAINER), *self._addressees(_FIXED))
        return [*found, *([one] for one in each)]

    def _addressees(self, part: str) -> list[Addressee]:
        return [addressee(row) for row in self._by_part[part]]


async def fetch_others(
    db: AsyncConnection,
    about: Mapping[str, Any],
    *,
    to: ToRole | None,
    cc: Sequence[str],
    names: bool,
    judges: bool,
) -> Others:
    """Return who else has a part in the mail that is `about` this.

    `names`: it names the participants (of a company its own); `judges`: all of them are needed, since it is decided
    by how things stand with them.
    """
    parts = {_PARTS[role] for role in cc if role in _PARTS}
    if to is not None:
        parts.add(_PARTS[to])
    elif about["role"] == Role.COMPANY:
        parts.add(_CONTACT)
    fixed = [copy for copy in cc if copy not in _PARTS]
    if fixed:
        parts.add(_FIXED)
    if names or judges:
        parts.add(Role.PARTICIPANT)
    if not parts:
        return Others()
    values = {
        "organization": about["organization"],
        "session": about["session_id"],
        "scope": about["scope"],
        "company": about["company_id"],
        "person": about["person"],
        "covers": about["covers"],
        "fixed": fixed,
        "parts": list(parts),
        "judged": judges,
    }
    return Others(row._asdict() for row in await db.execute(_OTHERS, values))


_ADDRESSEE = (
    "email",
    "suppressed",
    "person",
    "version",
    "first_name",
    "last_name",
    "company_name",
    "language",
)


def addressee(row: Mapping[str, Any]) -> Addressee:
    """Return whom a row names, with an address or without one."""
    return Addressee(**{name: row[name] for name in _ADDRESSEE})


def _attendee(row: Mapping[str, Any]) -> Attendee:
    known = standing(row), row["participation"], row["of_participation"]
    return Attendee(row["first_name"], row["last_name"], *known)


def standing(row: Mapping[str, Any]) -> Standing:
    """Return how things stand with whoever a row is of."""
    return Standing(
        attendance=None if row["attendance"] is None else Attendance(row["attendance"]),
        started=row["started"],
        completed=row["completed"],
        status=row["status"],
        answered=frozenset(row["answered"] or ()),
    )
