"""Planning one large session, beside a bare `INSERT … SELECT` of the same rows."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from rich.console import Console

from benchmarks.measure import compare
from domain.planning import plan
from domain.rules import RuleDefinition
from embedded.postgres import Postgres
from migrate import migrate
from settings import Settings
from store.database import Store
from store.organizations import MAIN, fetch_organization
from store.planning import load_snapshot, mark_planned, write_changes
from store.rules import activate_rule, insert_rule
from store.sessions import put_session
from store.templates import put_template

PEOPLE = 10_000

_ENROL = """
    with made as (
        insert into people (organization_id, key, email)
        select '{organization}', 'p' || n, 'p' || n || '@example.org' from generate_series(1, {people}) as n
        returning id
    )
    insert into participations (session_id, role, person_id) select '{session}', 'participant', id from made
"""

_BARE = """
    insert into bare_sends
    select gen_random_uuid(), s.organization_id, s.rule_id, s.session_id, s.scope_id, s.participation_id,
           s.recipient_id, s.occurrence, s.status, s.rule_version, s.due_at, s.latest_at, s.due_local, s.due_zone,
           s.zone_data, s.trace
    from kept_sends s
"""

_COLUMNS = """
    id, organization_id, rule_id, session_id, scope_id, participation_id, recipient_id, occurrence, status,
    rule_version, due_at, latest_at, due_local, due_zone, zone_data, trace
"""


async def run(console: Console) -> None:
    """Print how fast a session of 10,000 participants is planned for the first time."""
    with tempfile.TemporaryDirectory() as var:
        postgres = Postgres(Path(var))
        settings = Settings()
        settings.database_url = await postgres.start()
        await migrate(settings)
        store = Store(settings.database_url)
        try:
            session = await _enrol(store)
            await _plan(store, session)
            async with store.transaction() as db:
                await db.exec_driver_sql(f"create table kept_sends as select {_COLUMNS} from sends")
                await db.exec_driver_sql("create table bare_sends (like kept_sends)")
                await db.exec_driver_sql("alter table bare_sends add primary key (id)")

            async def ours() -> None:
                await _plan(store, session)

            async def bare() -> None:
                async with store.transaction() as db:
                    await db.exec_driver_sql(_BARE)
                    await db.exec_driver_sql("truncate bare_sends")

            await compare(console, f"Sends planned, {PEOPLE:,} people in one session", PEOPLE, ours, bare)
        finally:
            await store.close()
            await postgres.stop()


async def _enrol(store: Store) -> UUID:
    trigger = {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"}
    definition = RuleDefinition.model_validate({"trigger": trigger})
    async with store.transaction() as db:
        organization = (await fetch_organization(db, MAIN)).id
        session = await put_session(
            db,
            organization,
            "s",
            name="S",
            zone="Europe/Paris",
            starts_at=datetime.now(UTC) + timedelta(days=365),
            ends_at=None,
        )
        template = await put_template(
            db,
            organization,
            "t",
            audience="participants",
            subject="Hello",
            html="<p>Hello</p>",
            text=None,
            allow_resend=False,
        )
        rule = await insert_rule(db, organization, "r", name="R", template=template.id, definition=definition)
        await activate_rule(db, rule.id)
        values = {"organization": organization, "session": session.id, "people": PEOPLE}
        await db.exec_driver_sql(_ENROL.format(**values))
    return session.id


async def _plan(store: Store, session: UUID) -> None:
    """Plan the session as if for the first time."""
    async with store.transaction() as db:
        await db.exec_driver_sql("truncate sends cascade")
        await db.exec_driver_sql("update sessions set planned_version = 0")
        loaded = await load_snapshot(db, session)
        changes = plan(loaded.snapshot)
        await mark_planned(db, loaded)
        await write_changes(db, loaded.organization, session, changes)
