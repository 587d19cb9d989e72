"""A database of our own with sessions and people in it, as many as are asked for, and nothing planned."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.rules import RuleDefinition
from embedded.postgres import Postgres
from migrate import migrate
from settings import Settings
from store.database import Store
from store.organizations import MAIN, fetch_organization
from store.rules import activate_rule, insert_rule
from store.templates import put_template

A_WEEK_BEFORE = {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"}

_SESSIONS = text("""
    insert into sessions (organization_id, key, name, zone, starts_at, planned_version)
    select cast(:organization as uuid), 's' || n, 'Managing a project', 'Europe/Paris', :starts_at, 1
    from generate_series(1, :sessions) as n
    returning id
""")

_PEOPLE = text("""
    with made as (
        insert into people (organization_id, key, email)
        select cast(:organization as uuid), session || '-' || n, session || '-' || n || '@example.org'
        from unnest(cast(:sessions as uuid[])) as session, generate_series(1, :people) as n
        returning id, key
    )
    insert into participations (session_id, role, person_id, planned_version)
    select cast(left(key, 36) as uuid), 'participant', id, 1 from made
""")


@dataclass(frozen=True, slots=True)
class Filled:
    """A store, and the sessions in it."""

    url: str
    store: Store
    organization: UUID
    sessions: Sequence[UUID]

    async def activate(self, key: str, trigger: Mapping[str, Any]) -> UUID:
        """Make a rule for participants and switch it on; nobody plans it."""
        async with self.store.transaction() as db:
            template = await put_template(
                db,
                self.organization,
                key,
                audience="participants",
                subject="Hello",
                html="<p>Hello</p>",
                text=None,
                allow_resend=False,
            )
            definition = RuleDefinition.model_validate({"trigger": trigger})
            rule = await insert_rule(
                db, self.organization, key, name=key, template=template.id, definition=definition
            )
            await activate_rule(db, rule.id)
        return rule.id


@asynccontextmanager
async def filled(sessions: int, people: int) -> AsyncIterator[Filled]:
    """Start a PostgreSQL with so many sessions a year ahead, each with so many people; end it with the block."""
    with tempfile.TemporaryDirectory(prefix="relance-bench-") as folder:
        postgres = Postgres(Path(folder))
        settings = Settings()
        settings.database_url = await postgres.start()
        await migrate(settings)
        store = Store(settings.database_url)
        try:
            yield await _fill(settings.database_url, store, sessions, people)
        finally:
            await store.close()
            await postgres.stop()


async def _fill(url: str, store: Store, sessions: int, people: int) -> Filled:
    async with store.transaction() as db:
        organization = (await fetch_organization(db, MAIN)).id
        starts_at = datetime.now(UTC) + timedelta(days=365)
        asked = {"organization": organization, "starts_at": starts_at, "sessions": sessions}
        ids = list((await db.execute(_SESSIONS, asked)).scalars())
        await db.execute(_PEOPLE, {"organization": organization, "sessions": ids, "people": people})
    async with store.transaction() as db:
        await db.execute(text("analyze"))
    return Filled(url, store, organization, ids)
