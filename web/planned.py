"""The Planned page: every send, when it leaves, to whom, and why it stands where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from domain.sends import FINAL, Reason, Status
from domain.triggers import DateTrigger
from web.rendering import Renderer
from web.safety import SafeRoute

_ROWS = 50
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """A stretch of a long list. `next` is what to ask for to go on, None at the end."""

    items: Sequence[_Item]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedSend:
    """One send as its row tells it, with the names of what it belongs to."""

    id: str
    due_at: datetime
    zone: ZoneInfo  # of the session
    rule_key: str
    rule_name: str
    trigger: DateTrigger | None  # None: written by hand
    session_key: str
    session_name: str
    recipient_name: str
    recipient_address: str | None
    template_key: str
    subject: str | None  # known once rendered
    status: Status
    reason: Reason | None
    workflow_url: str | None  # in the Temporal UI

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.status in FINAL


class PlannedSends(Protocol):
    """What the page asks for."""

    async def list_planned(self, limit: int, after: str | None) -> Page[PlannedSend]:
        """Return up to `limit` sends: those still to come first, the next one due leading; then the others,
        the latest one leading. `after` is the `next` of another page; ValueError if it is not one.
        """
        ...


def planned_routes(sends: PlannedSends, renderer: Renderer) -> APIRouter:
    router = APIRouter(route_class=SafeRoute, include_in_schema=False)

    @router.get("/")
    async def planned(request: Request, after: str | None = None) -> Response:
        try:
            page = await sends.list_planned(_ROWS, after)
        except ValueError:
            return RedirectResponse("/", status_code=303)
        to_come = [send for send in page.items if not send.is_over]
        waiting = [send for send in to_come if send.status == Status.SCHEDULED]
        context = {
            "here": "planned",
            "after": after,
            "next": page.next,
            "groups": [("to_come", to_come), ("over", [send for send in page.items if send.is_over])],
            "next_send": min(waiting, key=lambda send: send.due_at, default=None) if after is None else None,
        }
        return renderer.living_page(request, "planned.html", context)

    return router
