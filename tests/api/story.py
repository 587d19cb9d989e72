"""The examples of the API, asked one after the other behind a real door, on a day on which they make sense."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
from sqlalchemy import text

from api.examples import ids_of, read_examples
from domain.suppressions import SuppressionReason
from store.organizations import MAIN, fetch_organization
from store.suppressions import suppress
from tests.api.door import Door
from tests.store.store_rows import Rows

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def said(answer: httpx.Response) -> Any:
    """Return what an answer says: JSON, or plain text, or nothing."""
    if not answer.content:
        return None
    is_json = answer.headers["content-type"] == "application/json"
    return answer.json() if is_json else answer.text


class Story:
    """What has been asked so far; sends and tokens have the ids that the house gave them."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.ids = dict[str, str]()

    async def begin(self) -> None:
        """Have the database live on a day on which the examples make sense."""
        ahead = (NOW - datetime.now(UTC)).total_seconds()
        await self._execute(f"""
            create or replace function relance_now() returns timestamptz language sql volatile
                as $$ select clock_timestamp() + interval '{ahead} seconds' $$
        """)

    def ids_in(self, path: str) -> dict[str, str]:
        """Return the ids to ask for."""
        noun = path.split("/")[2] if path.count("/") > 1 else ""
        return ids_of(path) | ({"id": self.ids[noun]} if noun in self.ids and "{id}" in path else {})

    async def ask(self, name: str) -> httpx.Response:
        """Ask an example, once what it needs has happened, and remember the ids that the answer gives."""
        method, path = name.split(" ")
        if name in _BEFORE:
            await _BEFORE[name](self)
        url = path
        for part, id in self.ids_in(path).items():
            url = url.replace(f"{{{part}}}", quote(id))
        answer = await self.door.http.request(method, url, json=read_examples()[name].request)
        if name == "POST /v1/tokens":
            self.ids["tokens"] = answer.json()["id"]
        return answer

    async def plan(self) -> None:
        """Plan what was asked; the send to the person of the examples is the one they speak of."""
        async with self.door.store.transaction() as db:
            organization = await fetch_organization(db, MAIN)
            sessions = [row.id for row in await db.execute(text("select id from sessions"))]
        rows = Rows(self.door.store, organization)
        for session in sessions:
            await rows.plan(session)
        (send,) = await self._execute("""
            select s.id from sends s join people on people.id = s.recipient_id where people.key = 'p-104'
        """)
        self.ids["sends"] = str(send.id)

    async def doubt(self) -> None:
        """Have the mail be handed over, and nobody know how that ended."""
        await self._execute("""
            update sends set status = 'in_doubt', reason = 'lease_over', attempts = 1, handed_at = relance_now(),
                ended_at = relance_now(), due_override_at = null
        """)

    async def refuse(self) -> None:
        """Have a mail server say that it knows nobody of an address."""
        async with self.door.store.transaction() as db:
            organization = await fetch_organization(db, MAIN)
            await suppress(db, organization.id, "nobody@example.org", SuppressionReason.BOUNCED)

    async def _execute(self, statement: str) -> list[Any]:
        async with self.door.store.transaction() as db:
            done = await db.execute(text(statement))
            return list(done.all()) if done.returns_rows else []


_BEFORE: Mapping[str, Callable[[Story], Awaitable[None]]] = {
    "GET /v1/sends": Story.plan,
    "POST /v1/sends/{id}/resolve": Story.doubt,
    "GET /v1/suppressions": Story.refuse,
}
