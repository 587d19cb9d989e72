"""A house into which schedules are imported: what its API, its timers and its mailbox say, by rule, session and recipient."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row
from temporalio.client import WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError

from activities.together import together
from control.patience import is_missing, is_silence
from domain.sends import SendStatus
from tests.e2e.conftest import RELANCE
from tests.e2e.expectation import CONVOCATION, NEWS, REMINDER, SURVEY, Key, Plan, Times
from tests.e2e.processes import HouseApart, until

RULES: dict[str, dict[str, Any]] = {
    CONVOCATION: {
        "audience": "trainers",
        "trigger": {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"},
    },
    REMINDER: {"trigger": {"type": "date", "anchor": "session.start", "offset": "-PT2H"}},
    SURVEY: {"trigger": {"type": "date", "anchor": "session.end", "offset": "P1D", "at": "10:00"}},
}

PAGE = 1000

# The SDK's code for a worker that got no processor for two seconds; the query is asked again.
STARVED = "TMPRL1101"

Item = Mapping[str, Any]  # a send as the API shows it


@dataclass(frozen=True, slots=True)
class Timer:
    """What Temporal says of one send: its workflow runs and waits until then, or has ended, or never was."""

    runs: bool
    due_at: datetime | None = None


class ScheduleHouse:
    """What a test does by hand."""

    def __init__(self, house: HouseApart, patience: float) -> None:
        self.house, self._patience = house, patience

    async def bring(self, path: Path, *options: str) -> str:
        """Run `relance import` in a process of its own; return what it said."""
        process = await asyncio.create_subprocess_exec(
            RELANCE,
            "import",
            path,
            *options,
            env=self.house.parts.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()
        return told.decode()

    async def activate(self, key: str, rule: Mapping[str, Any]) -> None:
        audience = rule.get("audience", "participants")
        template = {"audience": audience, "subject": f"{key}: {{{{ session.name }}}}", "html": "<p>Hello</p>"}
        await self.house.call("PUT", f"/v1/templates/{key}", template)
        await self.house.call("POST", "/v1/rules", {"id": key, "name": key, "template": key, **rule})
        await self.house.call("POST", f"/v1/rules/{key}/activate")

    async def activate_news(self, track: str, after: timedelta) -> datetime:
        """Make a rule for the participants of one track, due so long from now; return when."""
        due_at = datetime.now(UTC).replace(microsecond=0) + after
        trigger = {"type": "date", "anchor": "date", "date": due_at.isoformat()}
        await self.activate(NEWS, {"trigger": trigger, "conditions": {"categories": [track]}})
        return due_at

    async def planned(self) -> datetime:
        """Wait until planning has caught up and every workflow has been told; return when, by the database's clock."""

        async def caught_up() -> bool:
            return not await self.house.behind()

        await until(caught_up, self._patience, say=lambda: self.house.behind())
        ((now,),) = await self.house.execute("select relance_now()")
        assert isinstance(now, datetime)
        return now

    async def written_at(self) -> datetime:
        """Return when the last change of a session, or of somebody's part, was written."""
        ((at,),) = await self.house.execute(
            "select greatest((select max(changed_at) from sessions), (select max(changed_at) from participations))"
        )
        assert isinstance(at, datetime)
        return at

    async def sends(self) -> dict[Key, Item]:
        """Return all sends, through the API and its cursors."""
        found: dict[Key, Item] = {}
        count = 0
        cursor: dict[str, str] = {}
        while True:
            answer = await self.house.http.get("/v1/sends", params={"limit": PAGE, **cursor})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found |= {(one["rule"], one["session"], one["recipient"]): one for one in page["items"]}
            count += len(page["items"])
            if page["next"] is None:
                assert count == len(found), "two sends of one rule, session and recipient"
                return found
            cursor = {"cursor": page["next"]}

    async def timers(self, keys: Collection[Key] | None = None) -> dict[Key, Timer]:
        """Ask the workflow of every send, or of some, one by one, what it waits for."""
        sends = [send for send in await self.house.sends() if keys is None or key_of(send) in keys]
        return dict(zip(map(key_of, sends), await together(self._timer, sends), strict=True))

    async def last_timer_set_at(self, keys: Collection[Key]) -> datetime:
        """Return when the last of these timers was set or ended, as Temporal wrote it down."""
        sends = [send for send in await self.house.sends() if key_of(send) in keys]
        return max(await together(self._last_event_at, sends))

    async def running(self) -> int:
        """Return how many sends wait in Temporal, by its own count."""
        count = await self.house.client.count_workflows(
            "WorkflowType = 'SendWorkflow' AND ExecutionStatus = 'Running'"
        )
        return count.count

    def mailbox(self, sends: Mapping[Key, Item]) -> Counter[tuple[Key, str]]:
        """Return whose mails the mail server took and under which address, each as often as it came."""
        keys = {one["id"]: key for key, one in sends.items()}
        return Counter(
            (keys[line["message_id"].strip("<>").partition("@")[0]], address)
            for line in self.house.parts.accepted()
            for address in line["recipients"]
        )

    async def _timer(self, send: Row[Any]) -> Timer:
        handle = self.house.workflow(send)
        while True:
            try:
                if (await handle.describe()).status != WorkflowExecutionStatus.RUNNING:
                    return Timer(runs=False)
                status: SendStatus = await handle.query("status", result_type=SendStatus)
            except WorkflowQueryFailedError as error:
                if STARVED not in str(error):
                    raise
                continue
            except RPCError as error:
                if is_silence(error):  # the worker is busy with what it was told before
                    continue
                if not is_missing(error):
                    raise
                return Timer(runs=False)
            return Timer(True, status.due_at)

    async def _last_event_at(self, send: Row[Any]) -> datetime:
        last = [event.event_time async for event in self.house.workflow(send).fetch_history_events()][-1]
        return last.ToDatetime(UTC)


def key_of(send: Row[Any]) -> Key:
    return send.rule, send.session, send.person


def times(items: Mapping[Key, Item]) -> Plan:
    """Return when each is due, and until when it may leave."""
    return {
        key: Times(datetime.fromisoformat(one["due_at"]), datetime.fromisoformat(one["latest_at"]))
        for key, one in items.items()
    }


def said(text: str, what: str) -> str:
    """Return the one line of what a command said that begins so."""
    (line,) = [line.strip() for line in text.splitlines() if line.strip().startswith(what)]
    return line
