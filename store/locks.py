"""Who waits for whom, everywhere, so that no two transactions ever wait for each other.

First the directory, then sessions that are new, by key: whoever meets one that another is making waits for the end of
that transaction, and must not hold yet what it may still want. Then the facts: of sessions, then of rules; who changes
those of several sessions takes hold of all of them at once. Then rows: session, rule, participation, person, company,
receipt, send; participations, people, companies and sends among themselves by id, companies' participations after all
others. People and companies that are new come by key, before those that are known: whoever writes some and touches
others later locks all of them together. Planning, which locks no rule but in share mode, may do that first; people may
come before the participations of sessions whose facts are held, since then only planning shares these, which waits for
nobody.

**The directory** is who is known: people and companies. Whoever writes down a reference to one holds it together with
others, whoever deletes one holds it alone, so that nobody comes to a session, or is a contact, who is not there.

**Facts** are what planning reads of a session (and of everybody in it) and of a rule. Whoever changes them holds them
alone; a claim and a fence hold them together with others. These locks are PostgreSQL's advisory ones, not `FOR SHARE`
on rows: their queue is fair, so that a thousand claims do not keep one deactivation waiting, and they write nothing.
A statement's snapshot is older than the lock it waits for: read in the next statement.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_KEEP_DIRECTORY = text("select pg_advisory_xact_lock_shared(hashtextextended(:organization, 2))")
_CHANGE_DIRECTORY = text("select pg_advisory_xact_lock(hashtextextended(:organization, 2))")

_CHANGE = text("""
    select pg_advisory_xact_lock(hashtextextended(id::text, 1))
    from (select id from unnest(cast(:ids as uuid[])) as given (id) order by id) as ordered
""")

_TRUST = """
    select {more} pg_advisory_xact_lock_shared(hashtextextended(session_id::text, 1)),
           pg_advisory_xact_lock_shared(hashtextextended(rule_id::text, 1))
    from sends where id = :send
"""
_TRUST_ONLY = text(_TRUST.format(more=""))
# PostgreSQL takes longer to plan a claim, what its mail is written from, and a fence, than to execute them: it plans each
# once, in the order in which it is written and along its indexes, and goes by that.
_PLANNED_ONCE = """
    set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
    set_config('join_collapse_limit', '1', true),
"""
_TRUST_TO_CLAIM = text(_TRUST.format(more=_PLANNED_ONCE))
_TRUST_TO_FENCE = text(_TRUST.format(more=f"set_config('synchronous_commit', 'on', true), {_PLANNED_ONCE}"))

_KEEP = text("""
    select pg_advisory_xact_lock_shared(hashtextextended(id::text, 1))
    from (select id from unnest(cast(:ids as uuid[])) as given (id) order by id) as ordered
""")

_AWAIT = text("""
    select pg_advisory_lock_shared(hashtextextended(:session, 1)), pg_advisory_unlock_shared(hashtextextended(:session, 1))
""")

# A statement of its own: as a part of the update that follows, PostgreSQL's generic plan joins each row with each.
_SENDS = text("""
    select count(*) filter (where status = 'cancelled') from (
        select id, status from sends where id = any(cast(:ids as uuid[])) order by id for no key update
    ) as locked
""")


async def keep_directory(db: AsyncConnection, organization: UUID) -> None:
    """Have nobody deleted until the transaction ends; call it before looking up whom a row is to refer to."""
    await db.execute(_KEEP_DIRECTORY, {"organization": str(organization)})


async def change_directory(db: AsyncConnection, organization: UUID) -> None:
    """Have nobody refer to people or companies anew until the transaction ends; call it before deleting one.

    A rehearsal holds the directory together with others: nobody is deleted.
    """
    held = _KEEP_DIRECTORY if rehearses(db) else _CHANGE_DIRECTORY
    await db.execute(held, {"organization": str(organization)})


# How a connection is marked whose transaction is taken back (`store.rehearsals`).
REHEARSAL = "rehearsal"


def rehearses(db: AsyncConnection) -> bool:
    """Return whether nothing of this transaction will last."""
    marks = db.sync_connection.get_execution_options() if db.sync_connection else {}
    return bool(marks.get(REHEARSAL))


async def change_facts(db: AsyncConnection, *ids: UUID) -> None:
    """Hold the facts of these sessions, or of these rules, alone until the transaction ends.

    Call it before the first statement that writes what planning reads. Claims and fences that already trust these
    facts are waited for; those that come later wait, and see what was changed.

    A rehearsal, of which nobody will see anything, holds them together with those: it waits for whoever changes them
    as well, since rows are locked in an order that goes by the facts, and for no mail.
    """
    await db.execute(_KEEP if rehearses(db) else _CHANGE, {"ids": list(ids)})


async def await_changes(db: AsyncConnection, session: UUID) -> None:
    """Wait for whoever is changing the facts of a session, and hold nothing, so that nobody waits for this.

    A roll-out does, before it locks anything: what others write depends on which rules there are
    (`store.company_parts`), and those who began before this one was there have not seen it.
    """
    await db.execute(_AWAIT, {"session": str(session)})


async def keep_facts(db: AsyncConnection, *ids: UUID) -> None:
    """Have nobody change the facts of these rules until the transaction ends: what it writes must go with them."""
    await db.execute(_KEEP, {"ids": list(ids)})


async def trust_facts(db: AsyncConnection, send: UUID) -> None:
    """Keep the facts that this send was planned from as they are until the transaction ends."""
    await db.execute(_TRUST_ONLY, {"send": send})


async def trust_to_claim(db: AsyncConnection, send: UUID) -> None:
    """As `trust_facts`, for what every mail asks of its row and of all that it is written from."""
    await db.execute(_TRUST_TO_CLAIM, {"send": send})


async def trust_to_fence(db: AsyncConnection, send: UUID) -> None:
    """As `trust_facts`, for a commit that survives a crash of the server, whatever the database's own setting."""
    await db.execute(_TRUST_TO_FENCE, {"send": send})


async def lock_sends(db: AsyncConnection, ids: Sequence[UUID]) -> int:
    """Lock the rows that are about to be written together; return how many of them are cancelled by now."""
    return int((await db.execute(_SENDS, {"ids": list(ids)})).scalar_one())
