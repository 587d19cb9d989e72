"""The Planned page's sends, read from the store and written to it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from control.plans import Plans
from domain.cursors import read_cursor, write_cursor
from domain.identity import send_workflow_id
from domain.occurrences import Occurrence
from domain.sends import FINAL, REVOCABLE, Reason, Status
from domain.zones import find_zone
from store.choices import list_choices
from store.database import Store
from store.explanations import Story, explain_send
from store.organizations import Organization
from store.send_decisions import SENDABLE
from store.send_filters import BY_DUE_TIME, SendColumn, SendFilter, SendOrder
from store.sends import Cursor, Send, count_sends, count_sends_by_day, find_send, list_sends
from web.asked import Asked
from web.days import DayCount
from web.planned import Act, Choices, Page, PlannedSend, Preview
from web.stored_acts import SETTLING, do
from web.stored_previews import preview

_TO_COME = frozenset(Status) - FINAL
_COLUMNS = {
    "due": SendColumn.DUE_AT,
    "recipient": SendColumn.RECIPIENT,
    "rule": SendColumn.RULE,
    "session": SendColumn.SESSION,
    "status": SendColumn.STATUS,
}


class StoredSends:
    """Sends of one organization."""

    def __init__(
        self,
        store: Store,
        organization: Organization,
        workflows_url: str | None,
        plans: Plans | None = None,
    ) -> None:
        """`workflows_url` is where the Temporal UI shows the workflows of our namespace. Without `plans`, what is
        changed here waits for the sweep.
        """
        self._store = store
        self._organization = organization
        self._workflows_url = workflows_url
        self._plans = plans
        self.zone: ZoneInfo = find_zone(organization.zone)

    async def list_planned(self, asked: Asked, limit: int) -> Page[PlannedSend]:
        where = self._filter(asked)
        if asked.sort is None:
            return await self._list_to_come_first(where, asked.after, limit)
        order = SendOrder(_COLUMNS[asked.sort.column], asked.sort.is_last_first)
        after = _read(asked.after, order) if asked.after else None
        found = await self._list(where, order, after, limit + 1)
        page = found[:limit]
        return Page([self._planned(send) for send in page], _write(page[-1]) if len(found) > limit else None)

    async def count_planned(self, asked: Asked, most: int) -> int:
        async with self._store.transaction() as db:
            return await count_sends(db, self._organization.id, self._filter(asked), most=most)

    async def count_by_day(self, asked: Asked, first: date, days: int) -> Sequence[DayCount]:
        where = self._filter(asked, with_days=False)
        end = first + timedelta(days=days)
        async with self._store.transaction() as db:
            found = await count_sends_by_day(db, self._organization.id, where, self.zone, first, end)
        by_day: dict[date, dict[Status, int]] = defaultdict(dict)
        for one in found:
            by_day[one.day][one.status] = one.count
        return [DayCount(day, counts) for day, counts in by_day.items()]

    async def find_day_outside(self, asked: Asked, first: date, days: int) -> date | None:
        where = self._filter(asked, with_days=False)
        after = replace(where, due_from=self._midnight(first + timedelta(days=days)))
        before = replace(where, due_to=self._midnight(first))
        found = await self._list(after, BY_DUE_TIME, None, 1)
        found = found or await self._list(before, SendOrder(descending=True), None, 1)
        return found[0].due_at.astimezone(self.zone).date() if found else None

    async def list_choices(self) -> Choices:
        async with self._store.statement() as db:
            found = await list_choices(db, self._organization.id)
        return Choices(found["rule"], found["template"])

    async def find_planned(self, id: UUID) -> PlannedSend | None:
        send = await self._find(id)
        return self._planned(send) if send else None

    async def find_story(self, id: UUID) -> Story | None:
        async with self._store.transaction() as db:
            return await explain_send(db, self._organization.id, id)

    async def find_preview(self, id: UUID) -> Preview | None:
        send = await self._find(id)
        return await preview(self._store, id) if send else None

    async def act(self, id: UUID, act: Act, by: str | None = None) -> bool | None:
        send = await self._find(id)
        if send is None:
            return None
        async with self._store.transaction() as db:
            session = await do(db, self._organization.id, id, act, by)
        if session is None:
            return act is Act.CANCEL and await self._is_cancelled(id)
        if self._plans is not None:
            await self._plans.session_changed(self._organization.key, send.session, session)
        return True

    async def _is_cancelled(self, id: UUID) -> bool:
        """Return whether somebody, or the same button pressed twice, was there before."""
        send = await self._find(id)
        return send is not None and send.status is Status.CANCELLED

    async def _find(self, id: UUID) -> Send | None:
        async with self._store.statement() as db:
            return await find_send(db, self._organization.id, id)

    async def _list_to_come_first(
        self, where: SendFilter, after: str | None, limit: int
    ) -> Page[PlannedSend]:
        """Return those to come, the next one first; then the others, the latest first."""
        over, cursor = _read_to_come_first(after) if after else (False, None)
        found: list[Send] = []
        if not over:
            found = await self._list(_among(where, _TO_COME), BY_DUE_TIME, cursor, limit + 1)
            cursor = None
        if len(found) <= limit:
            rest = limit + 1 - len(found)
            found += await self._list(_among(where, FINAL), SendOrder(descending=True), cursor, rest)
        page = found[:limit]
        next = None
        if len(found) > limit:
            next = write_cursor(int(page[-1].status in FINAL), page[-1].due_at, page[-1].id)
        return Page([self._planned(send) for send in page], next)

    async def _list(
        self, where: SendFilter, order: SendOrder, after: Cursor | None, limit: int
    ) -> list[Send]:
        async with self._store.transaction() as db:
            return await list_sends(db, self._organization.id, where, order=order, limit=limit, after=after)

    def _filter(self, asked: Asked, *, with_days: bool = True) -> SendFilter:
        first = asked.due_from if with_days else None
        last = asked.due_to if with_days else None
        return SendFilter(
            session=asked.session,
            rule=asked.rule,
            template=asked.template,
            recipient_text=asked.recipient,
            company=asked.company,
            center=asked.center,
            room=asked.room,
            statuses=frozenset(asked.status) if asked.status else None,
            reasons=frozenset({asked.reason}) if asked.reason else None,
            kind=asked.kind,
            due_from=self._midnight(first) if first else None,
            due_to=self._midnight(last + timedelta(days=1)) if last else None,
            subject=asked.subject,
        )

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def _planned(self, send: Send) -> PlannedSend:
        return PlannedSend(
            id=send.id,
            due_at=send.due_at,
            zone=find_zone(send.zone),
            rule_key=send.rule,
            rule_name=send.rule_name,
            definition=send.definition,
            session_key=send.session,
            session_name=send.session_name,
            recipient_name=send.recipient_name or send.recipient,
            recipient_address=send.recipient_address,
            template_key=send.template,
            subject=send.template_subject,
            status=send.status,
            reason=Reason(send.reason) if send.reason else None,
            workflow_url=self._workflow_url(send),
            ended_at=send.ended_at or send.handed_at,
            center=send.center,
            room=send.room,
            company=send.company,
            occurrence=Occurrence.parse(send.occurrence),
            acts=_possible(send.status),
        )

    def _workflow_url(self, send: Send) -> str | None:
        if not self._workflows_url:
            return None
        workflow = send_workflow_id(self._organization.key, send.rule, send.session, send.id)
        return f"{self._workflows_url}/{quote(workflow, safe='')}"


def _possible(status: Status) -> frozenset[Act]:
    acts = {
        Act.CANCEL: status in REVOCABLE,
        Act.REACTIVATE: status is Status.CANCELLED,
        Act.SEND_NOW: status in SENDABLE,
        **dict.fromkeys(SETTLING, status is Status.IN_DOUBT),
    }
    return frozenset(act for act, is_possible in acts.items() if is_possible)


def _among(where: SendFilter, statuses: frozenset[Status]) -> SendFilter:
    return replace(where, statuses=statuses if where.statuses is None else where.statuses & statuses)


def _read_to_come_first(after: str) -> tuple[bool, Cursor]:
    over, due_at, id = read_cursor(after, int, datetime, UUID)
    return bool(over), Cursor(due_at, id)


def _write(send: Send) -> str:
    """Return the cursor behind a send in a list of one order; there is no key in that of due times."""
    key = [] if send.sort_key is None else [send.sort_key]
    return write_cursor(*key, send.due_at, send.id)


def _read(after: str, order: SendOrder) -> Cursor:
    kinds = {SendColumn.DUE_AT: (), SendColumn.STATUS: (int,)}.get(order.by, (str,))
    *key, due_at, id = read_cursor(after, *kinds, datetime, UUID)
    return Cursor(due_at, id, *key)
