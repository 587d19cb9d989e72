"""The Planned page's sends, read from the store."""

from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from domain.identity import send_workflow_id
from domain.sends import FINAL, Reason, Status
from domain.zones import find_zone
from store.database import Store
from store.organizations import Organization
from store.sends import Cursor, Send, list_sends
from web.planned import Page, PlannedSend

_TO_COME = frozenset(Status) - FINAL


class StoredSends:
    """Sends of one organization: those to come, the next one first; then the others, the latest first."""

    def __init__(self, store: Store, organization: Organization, workflows_url: str | None) -> None:
        """`workflows_url` is where the Temporal UI shows the workflows of our namespace."""
        self._store = store
        self._organization = organization
        self._workflows_url = workflows_url

    async def list_planned(self, limit: int, after: str | None) -> Page[PlannedSend]:
        """Return a page; `after` is the `next` of the page before. Raises ValueError when it is not one."""
        over, cursor = _read(after) if after else (False, None)
        found = await self._list(over, cursor, limit + 1)
        if not over and len(found) <= limit:
            found += await self._list(True, None, limit + 1 - len(found))
        page = found[:limit]
        next = _write(page[-1]) if len(found) > limit else None
        return Page([self._planned(send) for send in page], next)

    async def _list(self, over: bool, after: Cursor | None, limit: int) -> list[Send]:
        statuses = FINAL if over else _TO_COME
        async with self._store.transaction() as db:
            return await list_sends(
                db, self._organization.id, limit=limit, after=after, statuses=statuses, latest_first=over
            )

    def _planned(self, send: Send) -> PlannedSend:
        return PlannedSend(
            id=str(send.id),
            due_at=send.due_at,
            zone=find_zone(send.zone),
            rule_key=send.rule,
            rule_name=send.rule_name,
            trigger=send.definition.trigger,
            session_key=send.session,
            session_name=send.session_name,
            recipient_name=send.recipient_name,
            recipient_address=send.recipient_address,
            template_key=send.template,
            subject=None,
            status=send.status,
            reason=Reason(send.reason) if send.reason else None,
            workflow_url=self._workflow_url(send),
        )

    def _workflow_url(self, send: Send) -> str | None:
        if not self._workflows_url:
            return None
        workflow = send_workflow_id(self._organization.key, send.rule, send.session, send.id)
        return f"{self._workflows_url}/{quote(workflow, safe='')}"


def _write(last: Send) -> str:
    return f"{'over' if last.status in FINAL else 'to-come'}~{last.due_at.isoformat()}~{last.id}"


def _read(after: str) -> tuple[bool, Cursor]:
    phase, due_at, id = after.split("~")
    return phase == "over", Cursor(datetime.fromisoformat(due_at), UUID(id))
