"""The API over a real database, with nobody behind it who plans: what it answers, writes, and asks to be planned."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import httpx
from sqlalchemy import text

from api.app import create_app
from api.house import House
from control.plans import Plans
from store.database import Store
from store.tables import metadata
from store.tokens import create_token
from tests.organizations import example_organization


class Pokes:
    """Stands where Temporal begins, and keeps what it was poked for."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.away = False

    async def reachable(self) -> bool:
        return not self.away

    async def session_changed(self, organization: str, key: str, session: UUID) -> bool:
        self.seen.append(f"session {key}")
        return True

    async def rule_changed(self, organization: str, key: str, rule: UUID) -> bool:
        self.seen.append(f"rule {key}")
        return True

    def take(self) -> list[str]:
        seen, self.seen = self.seen, []
        return seen


class Door:
    """What a test does by hand."""

    def __init__(self, store: Store, http: httpx.AsyncClient, pokes: Pokes) -> None:
        self.store, self.http, self.pokes = store, http, pokes

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the API; an answer of 400 or more fails the test."""
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    async def put(self, path: str, **body: Any) -> Any:
        return await self.call("PUT", f"/v1/{path}", body)

    async def get(self, path: str) -> Any:
        return await self.call("GET", f"/v1/{path}")

    async def versions(self, table: str) -> list[int]:
        async with self.store.transaction() as db:
            found = await db.execute(text(f"select version from {table} order by id"))  # noqa: S608 - a test's own word
            return [row.version for row in found]

    async def blocked(self) -> None:
        """Return when a statement waits for a lock."""
        waiting = text("""
            select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        """)
        give_up_at = time.monotonic() + 30
        while True:
            async with self.store.transaction() as db:
                if (await db.execute(waiting)).scalar_one():
                    return
            assert time.monotonic() < give_up_at, "nothing waited within 30 s"
            await asyncio.sleep(0.005)

    async def everything(self) -> dict[str, list[Any]]:
        """Return all rows there are."""
        async with self.store.transaction() as db:
            return {
                table.name: list(await db.execute(table.select().order_by(*table.primary_key)))
                for table in metadata.sorted_tables
            }


@asynccontextmanager
async def open_door(database_url: str) -> AsyncIterator[Door]:
    store, pokes = Store(database_url), Pokes()
    async with store.transaction() as db:
        organization = await example_organization(db)
        _, token = await create_token(db, organization.id, "tests")
    app = create_app(House(store, cast("Plans", pokes), organization))
    shown = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://relance", headers=shown) as http:
        yield Door(store, http, pokes)
    await store.close()
