"""Record the histories of today's workflows: `python -m tests.histories.record NAME`.

Each release that changes a workflow keeps the shapes that ran before it; files are added, never rewritten.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

import store.delivery
from control import epoch
from control.search_attributes import ensure_search_attributes
from domain.identity import plan_workflow_id, roll_out_workflow_id, send_workflow_id
from embedded.mailbox import Mailbox
from embedded.postgres import Postgres
from store.migrate import upgrade
from store.organizations import MAIN
from tests.house import LivedInHouse, lived_in_house
from workflows import options
from workflows.sweep import SweepWorkflow

FOLDER = Path(__file__).parent


async def record(name: str) -> None:
    """Live through sends of every fate, a planning, a roll-out, a sweep and an epoch, and keep their histories."""
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
    await house.people("moved", "stopped", "asleep", "looked", "witness")
    await house.session("s", now + timedelta(days=40), "moved", "stopped")
    await house.session("t", now + timedelta(days=90), "asleep", "looked")
    await house.session("u", now + timedelta(days=35), "witness")
    with patch("activities.planning.PAGE", 2), patch("activities.planning.ENOUGH", 0):
        await house.rule("r", {"anchor": "session.start", "offset": "-P7D"})
    sends = {send["recipient"]: send for send in await house.sends()}
    await house.session("s", now + timedelta(days=50))
    await house.session("s", now + timedelta(days=30))
    await house.call("POST", f"/v1/sends/{sends['stopped']['id']}/cancel")
    await house.planned()
    await house.advance(timedelta(days=25))
    await house.mails(1)
    await _sleep_on(house, sends["looked"])
    await house.env.client.execute_workflow(SweepWorkflow.run, id="sweep", task_queue=options.PLANNING)
    await house.mails(2)
    with patch("activities.delivery.record", _AwayOnce()):
        await house.advance(timedelta(days=4))
        await house.mails(3)
    for person, send in sends.items():
        id = send_workflow_id(MAIN, send["rule"], send["session"], send["id"])
        await _keep(house.env.client, id, f"send-{person}-{name}")
    await _keep(house.env.client, plan_workflow_id(MAIN, "s"), f"plan-session-{name}")
    async with house.store.transaction() as db:
        rule = (await db.execute(text("select id from rules"))).scalar_one()
    await _keep(house.env.client, roll_out_workflow_id(MAIN, "r", rule), f"roll-out-{name}")
    await _keep(house.env.client, "sweep", f"sweep-{name}")
    await _keep(house.env.client, epoch.ID, f"epoch-{name}")


async def _sleep_on(house: LivedInHouse, send: Mapping[str, Any]) -> None:
    """Move a row into the past so that its workflow does not hear of it: the sweep will."""
    moved = "update sends set due_at = relance_now() - :ago, changed_at = relance_now() - :ago where id = :id"
    async with house.store.transaction() as db:
        await db.execute(text(moved), {"id": send["id"], "ago": timedelta(minutes=10)})


class _AwayOnce:
    """PostgreSQL, which does not take the first outcome, nor that outcome again at once: the second witness."""

    def __init__(self) -> None:
        self._left = 2

    async def __call__(self, *what: Any) -> object:
        self._left -= 1
        if self._left >= 0:
            raise OperationalError("", None, Exception())
        return await store.delivery.record(*what)


async def _keep(client: Client, id: str, name: str) -> None:
    history = await client.get_workflow_handle(id).fetch_history()
    (FOLDER / f"{name}.json").write_text(history.to_json())


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
