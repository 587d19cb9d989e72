"""Tables of people and of companies: rows under their callers' own ids, written many at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.written import Written, look_anew

Said = Mapping[str, Any]
"""What is said of one row, by column, and perhaps its `source_version`; what is left out stays as it was."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that callers write."""

    name: str
    type: str
    default: object = None


class Register:
    """The statements of one table; its name and columns are ours, never a caller's."""

    def __init__(self, table: str, *columns: Column) -> None:
        self._columns = columns
        names = [column.name for column in columns]
        own, said = ", ".join(names), ", ".join(f"said.{name}" for name in names)
        given = ", ".join(f"cast(:{one.name} as {one.type}[])" for one in columns)
        # New ones by key, known ones by id, in two statements: no two who write many ever wait for each other.
        self._make = text(f"""
            insert into {table} (organization_id, key, {own}, source_version)
            select :organization, said.key, {said}, said.source_version
            from unnest(cast(:key as text[]), {given}, cast(:source_version as bigint[]))
                as said (key, {own}, source_version)
            -- With `not exists` PostgreSQL reads the whole organization for one row.
            where (select id from {table} where organization_id = :organization and key = said.key) is null
            order by said.key
            on conflict (organization_id, key) do nothing
            returning key, id
        """)
        self._lock = text(f"""
            select id, key, {own}, source_version, deleted_at is not null as deleted from {table}
            where organization_id = :organization and key = any(cast(:keys as text[]))
               or id = any(cast(:others as uuid[]))
            order by id for no key update
        """)
        # Planning reads none of this but a person's zone (store.moves): nothing becomes dirty; the version tells a fence
        # that the mail would be another.
        self._write = text(f"""
            update {table} as known
            set {", ".join(f"{name} = said.{name}" for name in names)}, deleted_at = null,
                source_version = said.source_version,
                version = case when known.deleted_at is null and ({", ".join(f"known.{name}" for name in names)})
                                    is not distinct from ({said})
                               then known.version else known.version + 1 end
            from unnest(cast(:id as uuid[]), {given}, cast(:source_version as bigint[]))
                as said (id, {own}, source_version)
            where known.id = said.id
        """)
        self._find = text(f"""
            select key, id from {table}
            where organization_id = :organization and deleted_at is null and key = any(cast(:keys as text[]))
        """)

    async def put(
        self, db: AsyncConnection, organization: UUID, rows: Mapping[str, Said], others: Collection[UUID] = ()
    ) -> Written:
        """Create or edit rows, in a few statements, however many; the same again writes none.

        Rows stay locked until the transaction ends, and with them `others`, which it writes later. A deleted one
        comes back.
        """
        await look_anew(db)
        new = {key: {**self._defaults(), **said} for key, said in rows.items()}
        made = await db.execute(self._make, {"organization": organization, **self._arrays(new)})
        ids = {row.key: row.id for row in made}
        changed, ignored, writes = set(ids), set[str](), dict[str, dict[str, Any]]()
        for known in await self._locked(db, organization, rows.keys() - ids.keys(), others):
            key, said = known["key"], rows[known["key"]]
            ids[key] = known["id"]
            if _is_older(said, known):
                ignored.add(key)
                continue
            after = {**known, **_without_none_version(said)}
            if self._words(after) != self._words(known) or known["deleted"]:
                changed.add(key)
            if key in changed or after["source_version"] != known["source_version"]:
                writes[key] = after
        if writes:
            arrays = self._arrays(writes)
            await db.execute(self._write, {**arrays, "id": [one["id"] for one in writes.values()]})
        return Written(ids, frozenset(changed), frozenset(ignored))

    async def find_ids(
        self, db: AsyncConnection, organization: UUID, keys: Collection[str]
    ) -> dict[str, UUID]:
        """Return the internal ids of those of these that are known, and not deleted."""
        if not keys:
            return {}
        found = await db.execute(self._find, {"organization": organization, "keys": list(keys)})
        return {row.key: row.id for row in found}

    async def _locked(
        self, db: AsyncConnection, organization: UUID, keys: Collection[str], others: Collection[UUID]
    ) -> list[dict[str, Any]]:
        """Return the rows of these keys, locked; lock the others together with them."""
        if not keys and not others:
            return []
        whom = {"organization": organization, "keys": list(keys), "others": list(others)}
        return [row._asdict() for row in await db.execute(self._lock, whom) if row.key in keys]

    def _defaults(self) -> dict[str, object]:
        return {column.name: column.default for column in self._columns}

    def _words(self, row: Said) -> list[object]:
        return [row[column.name] for column in self._columns]

    def _arrays(self, rows: Mapping[str, Said]) -> dict[str, list[object]]:
        columns = {one.name: [row[one.name] for row in rows.values()] for one in self._columns}
        return {
            "key": list(rows),
            "source_version": [row.get("source_version") for row in rows.values()],
            **columns,
        }


def is_older(said: int | None, stands: int | None) -> bool:
    """Return whether a write comes from before what stands there, as their own system counts."""
    return said is not None and stands is not None and said < stands


def _is_older(said: Said, known: Said) -> bool:
    return is_older(said.get("source_version"), known["source_version"])


def _without_none_version(said: Said) -> dict[str, Any]:
    """A write that tells no version leaves the one that stands."""
    return {name: value for name, value in said.items() if (name, value) != ("source_version", None)}
