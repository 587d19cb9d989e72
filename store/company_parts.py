"""What it means for the companies of a session that their people come, go, or have other dates."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.anchors import Anchor
from domain.rules import Audience
from store.parts import Part, Who, literal

# Nothing changes for a company where one of its people, of whom nothing was said, comes to all that those come to, or
# did, of whom something was: `slots`, as arrays written in text since those of two companies differ in length, or null
# for all. With `not exists` PostgreSQL reads all of them into a hash.
#
# Unless its mails count from its people's own dates: then those of one date share a mail, and anybody's date matters.
# A session may still go by what such a rule said before.
#
# Its own word is that it comes, or comes back, or comes to slots to which nobody of it came (`new`), where a rule writes
# about those: whoever joins others makes none of its mails past that planning has not come to (docs/decisions/0012).
_CONCERN = text("""
    with said as (
        select said.definition from rules r
        cross join lateral (select r.definition
                            union all select definition from rule_editions where rule_id = r.id) as said
        where r.active and r.deleted_at is null
          and r.organization_id in (select organization_id from sessions where id = any(cast(:sessions as uuid[])))
          and said.definition ->> 'audience' = :companies_only
    ),
    counts_from_own as (
        select true from said where definition -> 'trigger' ->> 'anchor' = any(cast(:own_anchors as text[])) limit 1
    ),
    writes_of_slots as (select true from said where definition ->> 'scope' <> 'session' limit 1)
    insert into participations as p (session_id, role, company_id, said_at)
    select concerned.session_id, 'company', concerned.company_id,
           case when theirs.id is not null and (
                    concerned.was_there and (concerned.new = '{}' or not exists (select from writes_of_slots))
                    or (select true from participations other
                        where other.session_id = concerned.session_id and other.company_id = concerned.company_id
                          and other.role = 'participant' and other.removed_at is null
                          and other.id <> all(cast(:written as uuid[]))
                          and (other.slots is null or other.slots @> cast(concerned.new as uuid[])
                               or not exists (select from writes_of_slots))
                        limit 1))
                then theirs.said_at else relance_now() end
    from unnest(cast(:sessions as uuid[]), cast(:companies as uuid[]), cast(:slots as text[]),
                cast(:attended as boolean[]), cast(:was_there as boolean[]), cast(:new as text[]))
        as concerned (session_id, company_id, slots, attended, was_there, new)
    left join participations theirs
        on theirs.session_id = concerned.session_id and theirs.company_id = concerned.company_id
       and theirs.role = 'company'
    where concerned.attended and (
        select true from participations other
        where other.session_id = concerned.session_id and other.company_id = concerned.company_id
          and other.role = 'participant' and other.removed_at is null and other.id <> all(cast(:written as uuid[]))
          and (other.slots is null or other.slots @> cast(concerned.slots as uuid[]))
        limit 1) is null
       or exists (select from counts_from_own)
    order by theirs.id
    on conflict (session_id, company_id) where role = 'company' do update
    set version = p.version + 1, said_at = greatest(p.said_at, excluded.said_at), changed_at = relance_now()
    returning p.id, p.version
""")

_FIXED = {
    "companies_only": Audience.COMPANIES.value,
    "own_anchors": [anchor.value for anchor in Anchor if anchor.is_own],
}

# PostgreSQL believes that one of them lies at the beginning of the table, and reads it: those of a new session lie at
# its end.
_ALONG_THE_INDEX = text("set local enable_seqscan = off")
_AS_IT_LIKES = text("set local enable_seqscan = on")

Moves = Mapping[Who, tuple[Part, Part]]  # before, and after


async def concern_companies(db: AsyncConnection, moves: Moves, written: Sequence[UUID]) -> dict[UUID, int]:
    """Make dirty the companies for which planning would read something else now, and enrol the new ones.

    `written` are the rows of all who moved. Returns the versions of theirs, by id.
    """
    attended = _attended(moves)
    redated = _redated(moves) - attended.keys()
    if not attended and not redated:
        return {}
    concerned = [*attended, *redated]
    before = _slots((session, part) for (session, _, _), (part, _) in moves.items())
    after = _slots((session, part) for (session, _, _), (_, part) in moves.items())
    arrays = {
        "sessions": [session for session, _ in concerned],
        "companies": [company for _, company in concerned],
        "slots": [literal(attended.get(where)) for where in concerned],
        "attended": [where in attended for where in concerned],
        "was_there": [where in before for where in concerned],
        "new": [literal(_new(before.get(where, _NONE), after.get(where, _NONE))) for where in concerned],
        "written": written,
    }
    await db.execute(_ALONG_THE_INDEX)
    dirty = {row.id: row.version for row in await db.execute(_CONCERN, {**arrays, **_FIXED})}
    await db.execute(_AS_IT_LIKES)
    return dirty


_Where = tuple[UUID, UUID]  # session and company
_Slots = frozenset[UUID] | None  # None: all
_NONE: frozenset[UUID] = frozenset()


def _attended(moves: Moves) -> dict[_Where, frozenset[UUID] | None]:
    """Return the companies that somebody joins, leaves, or comes for to other slots, and those slots; None: all."""
    attended: dict[_Where, frozenset[UUID] | None] = {}
    for (session, _, _), (before, after) in moves.items():
        if before.attends == after.attends:
            continue
        for part in (before, after):
            if part.present and part.company is not None:
                others = attended.get((session, part.company), part.slots)
                both = None if others is None or part.slots is None else others | part.slots
                attended[session, part.company] = both
    return attended


def _slots(parts: Iterable[tuple[UUID, Part]]) -> dict[_Where, _Slots]:
    """Return the slots that companies come to with these, each in a session; None: all."""
    found: dict[_Where, _Slots] = {}
    for session, part in parts:
        if part.present and part.company is not None:
            others = found.get((session, part.company), _NONE)
            both = None if others is None or part.slots is None else others | part.slots
            found[session, part.company] = both
    return found


def _new(before: _Slots, after: _Slots) -> _Slots:
    """Return the slots among these that are not among those before."""
    if before is None:
        return _NONE
    return None if after is None else after - before


def _redated(moves: Moves) -> set[_Where]:
    """Return the companies somebody of whom has other dates, or did something."""
    return {
        (session, after.company)
        for (session, _, _), (before, after) in moves.items()
        if after.present and after.company is not None and before.planned != after.planned
    }
