"""What it means for the companies of a session that their people come, go, or have other dates."""

from collections.abc import Mapping, Sequence
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
_CONCERN = text("""
    with counts_from_own as (
        select true from rules r
        where r.active and r.deleted_at is null
          and r.organization_id in (select organization_id from sessions where id = any(cast(:sessions as uuid[])))
          and exists (
              select from (select r.definition
                           union all select definition from rule_editions where rule_id = r.id) as said
              where said.definition ->> 'audience' = :companies_only
                and said.definition -> 'trigger' ->> 'anchor' = any(cast(:own_anchors as text[])))
        limit 1
    )
    insert into participations as p (session_id, role, company_id)
    select concerned.session_id, 'company', concerned.company_id
    from unnest(cast(:sessions as uuid[]), cast(:companies as uuid[]), cast(:slots as text[]),
                cast(:attended as boolean[])) as concerned (session_id, company_id, slots, attended)
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
    set version = p.version + 1, said_at = relance_now(), changed_at = relance_now()
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
    arrays = {
        "sessions": [session for session, _ in concerned],
        "companies": [company for _, company in concerned],
        "slots": [literal(attended.get(where)) for where in concerned],
        "attended": [where in attended for where in concerned],
        "written": written,
    }
    await db.execute(_ALONG_THE_INDEX)
    dirty = {row.id: row.version for row in await db.execute(_CONCERN, {**arrays, **_FIXED})}
    await db.execute(_AS_IT_LIKES)
    return dirty


_Where = tuple[UUID, UUID]  # session and company


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


def _redated(moves: Moves) -> set[_Where]:
    """Return the companies somebody of whom has other dates, or did something."""
    return {
        (session, after.company)
        for (session, _, _), (before, after) in moves.items()
        if after.present and after.company is not None and before.planned != after.planned
    }
