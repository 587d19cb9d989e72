"""A whole house in one test: the API in process, workers, PostgreSQL, a Temporal and a mail server, all real.

Time moves only by `advance`; the database's clock follows Temporal's.
"""

import asyncio
import json
import re
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.delivery import Leases
from api.app import create_app
from api.house import House
from control.plans import Plans
from control.sweep import build_sweeper
from domain.identity import send_workflow_id
from domain.sends import SendStatus
from domain.upkeep import Repair
from embedded.mailbox import Mailbox
from mail.transport import Relay
from store.database import Store
from store.organizations import MAIN
from store.tokens import create_token
from store.upkeep import list_repairs
from tests.organizations import example_organization
from worker import build_workers

# As JSON, a history holds what crossed to it in base64.
_PAYLOAD = re.compile(r'(?<="data": )"([A-Za-z0-9+/=]*)"')

MOVABLE_CLOCK = """
    create table if not exists test_clock (ahead interval not null);
    insert into test_clock select '0' where not exists (select from test_clock);
    create or replace function relance_now() returns timestamptz language sql volatile
        as 'select clock_timestamp() + (select ahead from test_clock)';
"""


class LivedInHouse:
    """What a test does by hand."""

    def __init__(
        self, env: WorkflowEnvironment, store: Store, sink: Mailbox, http: httpx.AsyncClient
    ) -> None:
        self.env, self.store, self.sink, self.http = env, store, sink, http

    async def now(self) -> datetime:
        return await self.env.get_current_time()

    async def advance(self, by: timedelta) -> None:
        """Let time pass, and with it everything that comes due.

        Day by day: to this server, a call that takes half a minute looks like a client that calls too often.
        """
        while by > timedelta(0):
            await self.env.sleep(min(by, timedelta(days=1)))
            by -= timedelta(days=1)
        await self.follow_clock()

    async def follow_clock(self) -> None:
        """Set the database's clock to Temporal's."""
        now = await self.env.get_current_time()
        async with self.store.transaction() as db:
            await db.execute(text("update test_clock set ahead = :now - clock_timestamp()"), {"now": now})

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the API; an answer of 400 or more fails the test."""
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    async def people(self, *keys: str) -> None:
        for key in keys:
            await self.call("PUT", f"/v1/people/{key}", {"email": f"{key}@example.org", "first_name": key})

    async def session(self, key: str, starts_at: datetime, *people: str, **more: Any) -> None:
        """Put a session and its participants, and wait until it is planned."""
        body = {"name": f"Session {key}", "starts_at": starts_at.isoformat(), **more}
        await self.call("PUT", f"/v1/sessions/{key}", body)
        for person in people:
            await self.call("PUT", f"/v1/sessions/{key}/participants/{person}")
        await self.planned()

    async def rule(self, key: str, trigger: Mapping[str, Any], **more: Any) -> None:
        """Put a template and an active rule, and wait until it is rolled out."""
        template = {
            "audience": more.get("audience", "participants"),
            "subject": f"{key}: {{{{ session.name }}}}",
            "html": "<p>Hello {{ recipient.first_name }}</p>",
        }
        await self.call("PUT", f"/v1/templates/{key}", template)
        body = {"id": key, "name": key, "template": key, "trigger": {"type": "date", **trigger}, **more}
        await self.call("POST", "/v1/rules", body)
        await self.call("POST", f"/v1/rules/{key}/activate")
        await self.planned()

    async def sends(self, **filters: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.http.get("/v1/sends", params=filters)).json()["items"]
        return items

    async def send(self, **filters: str) -> dict[str, Any]:
        """Return the one send there is."""
        (send,) = await self.sends(**filters)
        return send

    async def status(self, send: Mapping[str, Any]) -> SendStatus:
        """Ask the workflow of a send what it waits for."""
        status: SendStatus = await self.workflow(send).query("status", result_type=SendStatus)
        return status

    def workflow(self, send: Mapping[str, Any]) -> WorkflowHandle[Any, Any]:
        id = send_workflow_id(MAIN, send["rule"], send["session"], send["id"])
        return self.env.client.get_workflow_handle(id)

    async def history(self, send: Mapping[str, Any]) -> str:
        """Return all that Temporal keeps of a send, as JSON, what crossed to it in clear."""
        history = (await self.workflow(send).fetch_history()).to_json()
        return _PAYLOAD.sub(lambda found: b64decode(found[1]).decode(), history)

    async def until_status(self, status: str) -> None:
        """Wait until some send stands there."""

        async def stands() -> bool:
            return any(send["status"] == status for send in await self.sends())

        await self.until(stands)

    async def planned(self) -> None:
        """Wait until planning has caught up and every workflow has been told."""
        await self.until(self._all_told)

    async def mails(self, count: int) -> list[dict[str, Any]]:
        """Wait until `count` mails were accepted and their sends have ended; return them in the order they came."""

        async def ended() -> bool:
            sent = [send for send in await self.sends() if send["status"] == "sent"]
            return len(self.accepted()) == count == len(sent)

        await self.until(ended)
        return self.accepted()

    def accepted(self) -> list[dict[str, Any]]:
        """Return what the mail server took, in order: its log is the truth."""
        log = self.sink.folder / "accepted.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    async def sweep(self, grace: timedelta = timedelta(minutes=1)) -> dict[Repair, int]:
        """Sweep once and return what was repaired."""
        return dict(await build_sweeper(self.env.client, self.store).sweep(grace))

    async def repairs(self) -> dict[Repair, int]:
        """Return what was ever repaired and counted."""
        async with self.store.transaction() as db:
            return {kind: count for kind, count in (await list_repairs(db)).items() if count}

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for something that happens in real time; fail after half a minute."""
        give_up_at = time.monotonic() + 30
        while not await condition():
            assert time.monotonic() < give_up_at, "it did not happen within 30 s"
            await asyncio.sleep(0.02)

    async def _all_told(self) -> bool:
        async with self.store.transaction() as db:
            behind = await db.execute(
                text("""
                    select exists (select from sessions where version > planned_version)
                        or exists (select from participations where version > planned_version)
                        or exists (select from rules where version > planned_version)
                        or exists (select from sends where version > signalled_version)
                """)
            )
            return not behind.scalar_one()


class _FollowClock(Interceptor):
    """Sets the database's clock to Temporal's before every activity."""

    def __init__(self, house: LivedInHouse) -> None:
        self._house = house

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        house = self._house

        class Inbound(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:
                await house.follow_clock()
                return await super().execute_activity(input)

        return Inbound(next)


@asynccontextmanager
async def lived_in_house(
    env: WorkflowEnvironment,
    database_url: str,
    sink: Mailbox,
    *,
    leases: Leases | None = None,
    relay: Relay | None = None,
) -> AsyncIterator[LivedInHouse]:
    """Build a house and its workers; leave nothing behind."""
    async with AsyncExitStack() as stack:
        store = Store(database_url, pool_size=20)
        stack.push_async_callback(store.close)
        async with store.transaction() as db:
            await db.exec_driver_sql(MOVABLE_CLOCK)
            organization = await example_organization(db)
            _, token = await create_token(db, organization.id, "tests")
        relay = relay or Relay.from_url(f"smtp://127.0.0.1:{sink.port}")
        stack.push_async_callback(relay.aclose)
        app = create_app(House(store, Plans(env.client), organization))
        transport = httpx.ASGITransport(app)
        shown = {"Authorization": f"Bearer {token}"}
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://relance", headers=shown)
        )
        house = LivedInHouse(env, store, sink, http)
        workers = build_workers(
            env.client,
            store,
            relay,
            leases,
            interceptors=[_FollowClock(house)],
            workflow_runner=SandboxedWorkflowRunner(),
        )
        for worker in workers:
            await stack.enter_async_context(worker)
        yield house
