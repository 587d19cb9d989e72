"""Our side: Relance as it is deployed, worker, API, PostgreSQL, Temporal and mail server each in a process."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from benchmarks.processes import Meter, settled, until
from benchmarks.server_file import ServerFile
from embedded.apart import apart
from embedded.demo import TEMPLATES
from embedded.processes import Child, serve
from store.database import Store

RULE = "rule"

_ENROL = text("""
    with organization as (select id from organizations),
    session as (
        insert into sessions (organization_id, key, name, zone, starts_at, planned_version)
        select organization.id, 's' || n, 'Managing a project', 'Europe/Paris', starts_at, 1
        from organization, unnest(cast(:starts_at as timestamptz[])) with ordinality as given (starts_at, n)
        returning id, key
    ),
    person as (
        insert into people (organization_id, key, email, first_name, last_name)
        select organization.id, session.key || '-' || n, session.key || '-' || n || '@example.org', 'Claire', 'Martin'
        from organization, session, generate_series(1, :people) as n
        returning id, key
    )
    insert into participations (session_id, role, person_id, planned_version)
    select session.id, 'participant', person.id, 1
    from person join session on session.key = split_part(person.key, '-', 1)
""")

_TOLD = text("select count(*) from sends where signalled_version = version")
_SENT = text("select count(*) from sends where status = 'sent'")


class Relance:
    """Sessions, one rule, and what becomes of its sends."""

    def __init__(
        self, folder: Path, processes: dict[str, int], http: httpx.AsyncClient, store: Store
    ) -> None:
        self.processes = processes
        self._folder, self._http, self._store = folder, http, store
        self._server = ServerFile(folder)
        self.count = 0

    async def enrol(self, starts_at: Sequence[datetime], people: int) -> None:
        """Make sessions, each with so many people, planned as far as there is anything to plan."""
        async with self._store.transaction() as db:
            await db.execute(_ENROL, {"starts_at": list(starts_at), "people": people})
            await db.execute(text("analyze"))
        self.count = len(starts_at) * people

    async def make_rule(self, **trigger: str) -> None:
        """Make an inactive rule."""
        await self._call("PUT", "/v1/templates/convocation", TEMPLATES["convocation"])
        rule = {"id": RULE, "name": RULE, "template": "convocation", "trigger": {"type": "date", **trigger}}
        await self._call("POST", "/v1/rules", rule)

    async def activate(self) -> float:
        """Switch the rule on; return when the last workflow had set its timer and every row knew so."""
        await self._call("POST", f"/v1/rules/{RULE}/activate")
        return await until(lambda: self._told(timer=1))

    async def move(self, starts_at: datetime) -> float:
        """Move the first session; return when the last workflow had replaced its timer and every row knew so."""
        body = {"name": "Managing a project", "timezone": "Europe/Paris", "starts_at": starts_at.isoformat()}
        await self._call("PUT", "/v1/sessions/s1", body)
        return await until(lambda: self._told(timer=2))

    async def sent(self) -> float:
        """Return when every row says so and every workflow has ended."""
        return await until(self._is_sent)

    async def meter(self) -> Meter:
        """Return a meter of all our processes, once they rest."""
        await settled(self.processes)
        return Meter(self.processes)

    def handed_over_at(self) -> list[datetime]:
        """Return when the mail server took each mail, in order."""
        mails = [line.split() for line in _taken(self._folder).read_text().splitlines()]
        assert len({message_id for _, message_id in mails}) == len(mails), "a mail came twice"
        return [datetime.fromisoformat(at) for at, _ in mails]

    def history_lengths(self) -> list[int]:
        """Return how many events each send left in its history, the shortest first."""
        return self._server.history_lengths()

    async def _told(self, timer: int) -> bool:
        return self._server.timers(timer) == self.count and await self._count(_TOLD) == self.count

    async def _is_sent(self) -> bool:
        return self._server.closed() == self.count and await self._count(_SENT) == self.count

    async def _count(self, statement: Any) -> int:
        async with self._store.transaction() as db:
            return int((await db.execute(statement)).scalar_one())

    async def _call(self, method: str, path: str, body: object = None) -> None:
        answer = await self._http.request(method, path, json=body)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")


@asynccontextmanager
async def relance(folder: Path) -> AsyncIterator[Relance]:
    """Start all of it in `folder`; end it with the block."""
    async with _sink(folder) as (sink, smtp_url), apart(folder) as house:
        worker = await house.worker(SMTP_URL=smtp_url)
        api, address = await house.api()
        temporal, postgres = house.temporal.child, house.postgres.child
        assert temporal
        assert postgres
        processes = {
            "worker": worker.pid,
            "API": api.pid,
            "Temporal": temporal.pid,
            "PostgreSQL": postgres.pid,
            "mail server": sink.pid,
        }
        store = Store(house.environment["DATABASE_URL"], pool_size=1)
        try:
            shown = {"Authorization": f"Bearer {house.token}"}
            async with httpx.AsyncClient(base_url=address, timeout=60, headers=shown) as http:
                yield Relance(folder, processes, http, store)
        finally:
            await store.close()


@asynccontextmanager
async def _sink(folder: Path) -> AsyncIterator[tuple[Child, str]]:
    """Start a mail server that costs next to nothing; return it and its URL."""
    log = folder / "log" / "sink.log"
    command = [sys.executable, "-m", "benchmarks.sink", str(_taken(folder))]

    async def is_ready() -> bool:
        return log.read_text().strip().isdigit()

    child = await serve(lambda: command, log, is_ready, [])
    try:
        yield child, f"smtp://127.0.0.1:{int(log.read_text())}"
    finally:
        await child.stop()


def _taken(folder: Path) -> Path:
    return folder / "taken"
