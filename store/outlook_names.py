"""The callers' ids of what an outlook tells one by one: three statements, however much it counts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.outlook import Effect
from domain.participations import Role


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who takes part: a person, or a company for itself; a participant's company too."""

    role: Role
    person: str | None
    company: str | None


@dataclass(frozen=True, slots=True)
class Where:
    """The module or slot that a mail is about; neither: the session."""

    module: str | None = None
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Callers' ids by ours: of rules, of participations, and of modules and slots."""

    rules: Mapping[UUID, str] = field(default_factory=dict)
    people: Mapping[UUID, Who] = field(default_factory=dict)
    places: Mapping[UUID, Where] = field(default_factory=dict)

    def merge(self, other: "Names") -> "Names":
        """Return the two together."""
        return Names(
            {**self.rules, **other.rules}, {**self.people, **other.people}, {**self.places, **other.places}
        )

    def with_rule(self, rule: UUID, key: str) -> "Names":
        """Return the same with a rule that need not be saved."""
        return replace(self, rules={**self.rules, rule: key})


_RULES = text("select id, key from rules where id = any(cast(:ids as uuid[]))")

_PEOPLE = text("""
    select p.id, p.role, people.key as person, companies.key as company
    from participations p
    left join people on people.id = p.person_id
    left join companies on companies.id = p.company_id
    where p.id = any(cast(:ids as uuid[]))
""")

_PLACES = text("""
    select id, key as module, null as slot from modules where id = any(cast(:ids as uuid[]))
    union all
    select slots.id, modules.key, slots.key from slots left join modules on modules.id = slots.module_id
    where slots.id = any(cast(:ids as uuid[]))
""")


async def read_names(db: AsyncConnection, effects: Collection[Effect]) -> Names:
    """Return what these effects speak of, by the callers' ids."""
    if not effects:
        return Names()
    rules = await db.execute(_RULES, _ids({effect.rule for effect in effects}))
    people = await db.execute(_PEOPLE, _ids({effect.participation for effect in effects}))
    places = await db.execute(_PLACES, _ids({effect.scope for effect in effects}))
    return Names(
        {row.id: row.key for row in rules},
        {row.id: Who(Role(row.role), row.person, row.company) for row in people},
        {row.id: Where(row.module, row.slot) for row in places},
    )


def _ids(ids: set[UUID]) -> dict[str, list[UUID]]:
    return {"ids": list(ids)}
