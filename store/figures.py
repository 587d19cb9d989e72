"""How the house is, in a few figures without a name in them."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.sends import Status
from domain.upkeep import Repair
from store.upkeep import list_repairs


@dataclass(frozen=True, slots=True)
class Figures:
    """What stands in the tables at one moment."""

    repairs: dict[Repair, int]  # since the tables were made
    dirty: dict[str, int]  # rows of sessions, participations and rules that planning is behind
    unsignalled: int  # sends whose workflow is behind its row
    sends: dict[str, int]  # by status
    overdue_seconds: float  # of the mail that could have left longest ago; 0 where there is none


_BEHIND = text("""
    select (select count(*) from sessions where version > planned_version) as sessions,
           (select count(*) from participations where version > planned_version) as participations,
           (select count(*) from rules where version > planned_version) as rules,
           (select count(*) from sends where signalled_version < version) as unsignalled,
           (select coalesce(max(extract(epoch from relance_now() - greatest(due_at, next_attempt_at, turn_at))), 0)
            from sends where status in ('scheduled', 'claimed') and due_at < relance_now()
                         and greatest(due_at, next_attempt_at, turn_at) < relance_now()) as overdue_seconds
""")

_SENDS = text("select status, count(*) from sends group by status")


async def read_figures(db: AsyncConnection) -> Figures:
    """Return the figures, in three statements."""
    behind = (await db.execute(_BEHIND)).one()
    found: dict[str, int] = dict((await db.execute(_SENDS)).all())
    return Figures(
        repairs=await list_repairs(db),
        dirty={
            "sessions": behind.sessions,
            "participations": behind.participations,
            "rules": behind.rules,
        },
        unsignalled=behind.unsignalled,
        sends={status.value: found.get(status, 0) for status in Status},
        overdue_seconds=float(behind.overdue_seconds),
    )
