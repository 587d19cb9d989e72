"""A house whose parts are processes of their own, on the real clock: what a test does to it, and asks of it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Row, text
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from control.client import connect
from domain.identity import send_workflow_id
from domain.sends import FINAL, SendStatus, Status
from embedded.apart import Apart, apart
from embedded.processes import Child
from store.database import Store
from store.organizations import MAIN

Told = Callable[[str, object], None]

# A mail is planned however late: what a loaded machine does to the plan is not what these tests ask.
HOWEVER_LATE: dict[str, Any] = {"late": {"send_within": "PT1H"}}

# Calls to Temporal at once.
AT_ONCE = 20

# Sessions and people as the API would write them, except that no rule has been planned for them yet.
_CROWD = text("""
    with given as (
        select o.id as organization, n, :key || '-' || n as key,
               cast(:first as timestamptz) + n * cast(:apart as interval) as ends_at
        from organizations o, generate_series(0, :sessions - 1) as n
    ),
    session as (
        insert into sessions (organization_id, key, name, zone, starts_at, ends_at, planned_version)
        select organization, key, 'Session ' || key, 'UTC', ends_at - interval '1 day', ends_at, 1
        from given returning id, key
    ),
    person as (
        insert into people (organization_id, key, email)
        select organization, key || '-' || p, replace(:address, '#', key || '-' || p)
        from given, generate_series(0, :each - 1) as p returning id, key
    )
    insert into participations (session_id, role, person_id, planned_version)
    select session.id, 'participant', person.id, 1
    from session join person on person.key like session.key || '-%'
""")

_BEHIND = """
    select 'session ' || key from sessions where version <> planned_version
    union all select 'rule ' || key from rules where version <> planned_version
    union all select 'participation ' || id from participations where version <> planned_version
    union all select 'send ' || id || ' is not told' from sends where version <> signalled_version
"""

_SENDS = text("""
    select s.id, s.status, s.reason, s.version, s.due_at, s.handed_at, s.ended_at, s.message_id, s.lease_until,
           r.key as rule, session.key as session, session.changed_at as session_changed_at, people.key as person
    from sends s
    join rules r on r.id = s.rule_id
    join sessions session on session.id = s.session_id
    join people on people.id = s.recipient_id
    where (cast(:rule as text) is null or r.key = :rule)
    order by s.due_at, session.key, people.key
""")

_STATUSES = text("""
    select s.status, count(*) as sends from sends s join rules r on r.id = s.rule_id
    where (cast(:rule as text) is null or r.key = :rule) group by s.status
""")


@dataclass(frozen=True, slots=True)
class Mail:
    """One message that the mail server took: its log is the truth."""

    send: UUID  # by its Message-ID
    accepted_at: datetime
    nth: int  # how many times it was taken, this time included
    file: Path

    @property
    def subject(self) -> str:
        return str(message_from_bytes(self.file.read_bytes(), policy=modern)["Subject"])


class HouseApart:
    """PostgreSQL, Temporal and a mail server that run; workers and APIs as a test asks for them."""

    def __init__(self, parts: Apart, store: Store, client: Client, http: httpx.AsyncClient) -> None:
        self.parts, self.store, self.client, self.http = parts, store, client, http

    async def worker(self, **environment: str) -> Child:
        return await self.parts.worker(**environment)

    async def api(self, **environment: str) -> Child:
        """Start an API; from now on it is the one that is called."""
        child, address = await self.parts.api(**environment)
        self.http.base_url = httpx.URL(address)
        return child

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the API; an answer of 400 or more fails the test."""
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    async def session(self, key: str, starts_at: datetime, ends_at: datetime | None = None) -> None:
        dates = {"starts_at": starts_at.isoformat(), "ends_at": ends_at and ends_at.isoformat()}
        await self.call("PUT", f"/v1/sessions/{key}", {"name": f"Session {key}", "timezone": "UTC", **dates})

    async def bring_close(self, key: str) -> datetime:
        """Move a session so that mails an hour before its end are due in a moment, and return when.

        On a machine too busy to plan in time it is a later moment.
        """
        moment = 10
        while True:
            ends_at = soon(moment) + timedelta(hours=1)
            await self.session(key, ends_at - timedelta(days=1), ends_at)
            await self.planned()
            if set(await self.statuses()) == {Status.SCHEDULED}:
                return ends_at - timedelta(hours=1)
            moment *= 2

    async def person(self, key: str, email: str | None = None) -> None:
        await self.call("PUT", f"/v1/people/{key}", {"email": email or f"{key}@example.org"})

    async def participant(self, session: str, key: str) -> None:
        """Put somebody new into a session."""
        await self.person(key)
        await self.call("PUT", f"/v1/sessions/{session}/participants/{key}")

    async def rule(
        self,
        key: str,
        offset: str,
        *,
        subject: str = "{{ session.name }}",
        anchor: str = "session.start",
        **says: Any,
    ) -> None:
        """Put an inactive rule with a template of its own; `says` may make it HOWEVER_LATE."""
        await self.call("PUT", f"/v1/templates/{key}", {"subject": subject, "html": "<p>Hello</p>"})
        trigger = {"type": "date", "anchor": anchor, "offset": offset}
        await self.call(
            "POST", "/v1/rules", {"id": key, "name": key, "template": key, "trigger": trigger, **says}
        )

    async def activate(self, key: str) -> None:
        await self.call("POST", f"/v1/rules/{key}/activate")

    async def crowd(
        self,
        key: str,
        first: datetime,
        *,
        sessions: int = 1,
        each: int,
        apart: timedelta = timedelta(0),
        address: str = "#@example.org",
    ) -> None:
        """Write sessions `key-0`, `key-1`, … of a day, each with people `key-0-0`, `key-0-1`, … , straight into rows.

        The first ends at `first`, each one `apart` from the next. A # in `address` is the person's key. Rules that are
        already switched on ignore them until something changes.
        """
        values = {"key": key, "first": first, "apart": apart, "sessions": sessions, "each": each}
        async with self.store.transaction() as db:
            await db.execute(_CROWD, {**values, "address": address})

    async def execute(self, statement: str, **values: object) -> list[Row[Any]]:
        async with self.store.transaction() as db:
            done = await db.execute(text(statement), values)
            return list(done.all()) if done.returns_rows else []

    async def sends(self, rule: str | None = None) -> list[Row[Any]]:
        """Return the rows of all sends, by due time."""
        async with self.store.transaction() as db:
            return list((await db.execute(_SENDS, {"rule": rule})).all())

    async def statuses(self, rule: str | None = None) -> Counter[str]:
        async with self.store.transaction() as db:
            rows = await db.execute(_STATUSES, {"rule": rule})
            return Counter({row.status: row.sends for row in rows})

    async def waiting(self) -> int:
        """Return how many sends have not yet left."""
        statuses = await self.statuses()
        return statuses[Status.SCHEDULED] + statuses[Status.CLAIMED]

    async def planned(self) -> None:
        """Wait until planning has caught up and every workflow has been told."""
        await until(self._caught_up, say=self.behind)

    async def behind(self) -> list[str]:
        """Return every row that planning or telling has left behind."""
        return [said for (said,) in await self.execute(_BEHIND)]

    async def ended(self, rule: str | None = None) -> None:
        """Wait until every send has left, or is held, or will not leave."""

        async def ended() -> bool:
            return {*await self.statuses(rule)} <= {*FINAL, Status.IN_DOUBT}

        await until(ended, say=lambda: self.statuses(rule))

    async def disagreements(self) -> list[str]:
        """Return what rows and workflows, asked one by one, do not agree on (DESIGN 4)."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(send: Row[Any]) -> str | None:
            async with gate:
                return await self._disagreement(send)

        found = await asyncio.gather(*map(ask, await self.sends()))
        return await self.behind() + [said for said in found if said]

    def workflow(self, send: Row[Any]) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(send_workflow_id(MAIN, send.rule, send.session, send.id))

    def mails(self) -> list[Mail]:
        """Return what the mail server took, in order."""
        return [
            Mail(
                UUID(line["message_id"].strip("<>").partition("@")[0]),
                datetime.fromisoformat(line["accepted_at"]),
                line["nth"],
                self.parts.folder / "outbox" / line["file"],
            )
            for line in self.parts.accepted()
        ]

    async def mails_taken(self, count: int) -> None:
        """Wait until the mail server has taken so many."""

        async def taken() -> bool:
            return len(self.parts.accepted()) >= count

        await until(taken)

    async def let_leases_pass(self) -> list[UUID]:
        """End the lease of every hand-over that a killed worker left, by hand: it lasts minutes; return whose.

        Only to be called while no worker lives: these are then the mails that are truly in doubt.
        """
        rows = await self.execute("""
            update sends set lease_until = relance_now() where status = 'handing_over' returning id
        """)
        return [row.id for row in rows]

    async def _caught_up(self) -> bool:
        ((behind,),) = await self.execute(f"select exists ({_BEHIND})")
        return not behind

    async def _disagreement(self, send: Row[Any]) -> str | None:
        status, running = await self._of_workflow(send)
        where = f"send {send.id} is {send.status}, version {send.version}, due {send.due_at}"
        if send.status in FINAL:
            return f"{where}: its workflow still runs" if running else None
        if not running:
            return f"{where}: no workflow runs"
        waits = send.status in (Status.SCHEDULED, Status.CLAIMED)
        if waits and status and (status.due_at, status.version) != (send.due_at, send.version):
            return f"{where}: its workflow says {status}"
        return None

    async def _of_workflow(self, send: Row[Any]) -> tuple[SendStatus | None, bool]:
        """Return what the workflow of a send says, and whether it runs."""
        handle = self.workflow(send)
        try:
            running = (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
            asked = running and send.status not in FINAL
            return (await handle.query("status", result_type=SendStatus) if asked else None), running
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None, False


@asynccontextmanager
async def house_apart(folder: Path, **environment: str) -> AsyncIterator[HouseApart]:
    """Start PostgreSQL, Temporal and a mail server below `folder`; `environment` is that of every worker and API."""
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(apart(folder, environment, durable=False))
        store = Store(parts.environment["DATABASE_URL"])
        stack.push_async_callback(store.close)
        client = await connect(parts.environment["TEMPORAL_ADDRESS"])
        shown = {"Authorization": f"Bearer {parts.token}"}
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60, headers=shown))
        yield HouseApart(parts, store, client, http)


async def until(
    condition: Callable[[], Awaitable[object]],
    seconds: float = 90,
    pause: float = 0.1,
    say: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Wait for something that other processes do; fail when it takes longer than `seconds`, and `say` how it is then."""
    give_up_at = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > give_up_at:
            pytest.fail(f"it did not happen within {seconds} s: {await say() if say else 'nobody knows why'}")
        await asyncio.sleep(pause)


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
