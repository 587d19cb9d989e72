"""Record the histories of today's workflows: `python -m tests.histories.record NAME`.

Each release that changes a workflow keeps the shapes that ran before it; files are added, never rewritten.
"""

import asyncio
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from control.search_attributes import ensure_search_attributes
from domain.identity import plan_workflow_id, roll_out_workflow_id, send_workflow_id
from embedded.mailbox import Mailbox
from embedded.postgres import Postgres
from store.migrate import upgrade
from store.organizations import MAIN
from tests.house import LivedInHouse, lived_in_house

FOLDER = Path(__file__).parent


async def record(name: str) -> None:
    """Live through one send that was moved, one that was stopped and one that sleeps, and keep their histories."""
    with tempfile.TemporaryDirectory() as var:
        postgres, sink = Postgres(Path(var), durable=False), Mailbox(Path(var) / "outbox")
        url = await postgres.start()
        await asyncio.to_thread(upgrade, url)
        await sink.start("127.0.0.1", 0)
        server = str(Path(sys.executable).parent / "temporal-test-server")
        env = await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=server, data_converter=pydantic_data_converter
        )
        async with env:
            with env.auto_time_skipping_disabled():
                await ensure_search_attributes(env.client)
                async with lived_in_house(env, url, sink) as house:
                    await _live(house, name)
        await sink.stop()
        await postgres.stop()


async def _live(house: LivedInHouse, name: str) -> None:
    now = await house.now()
    await house.people("moved", "stopped", "asleep")
    await house.session("s", now + timedelta(days=40), "moved", "stopped")
    await house.session("t", now + timedelta(days=90), "asleep")
    await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    sends = {send["recipient"]: send for send in await house.sends()}
    await house.session("s", now + timedelta(days=50))
    await house.session("s", now + timedelta(days=30))
    await house.call("POST", f"/v1/sends/{sends['stopped']['id']}/cancel")
    await house.planned()
    await house.advance(timedelta(days=25))
    await house.mails(1)
    for person, send in sends.items():
        id = send_workflow_id(MAIN, send["rule"], send["session"], send["id"])
        await _keep(house.env.client, id, f"send-{person}-{name}")
    await _keep(house.env.client, plan_workflow_id(MAIN, "s"), f"plan-session-{name}")
    async with house.store.transaction() as db:
        rule = (await db.execute(text("select id from rules"))).scalar_one()
    await _keep(house.env.client, roll_out_workflow_id(MAIN, "r", rule), f"roll-out-{name}")


async def _keep(client: Client, id: str, name: str) -> None:
    history = await client.get_workflow_handle(id).fetch_history()
    (FOLDER / f"{name}.json").write_text(history.to_json())


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
