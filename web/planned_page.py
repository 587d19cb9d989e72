"""The Planned page: filters, order, a chart, the list, and the mail that is looked at beside it."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from domain.sends import Reason, Status
from store.send_filters import SendOrigin
from web.asked import Asked, Order, read_asked
from web.days import DAYS, draw, first_day
from web.doors import read_form, visitor_of
from web.planned import Act, Page, PlannedSend, PlannedSends
from web.rendering import Renderer, asked_part
from web.safety import CAPTURED_MAIL, SafeRoute, without_ways_out
from web.why_page import WhyPage

ROWS = 50
MOST = 10_000  # mails that are counted; beyond, "or more" says enough
_WHOLE, _LIST = "planned", "sends"  # ids of the elements that the browser fills anew
_TO_CHOOSE = {
    "statuses": tuple(Status),
    "reasons": tuple(Reason),
    "kinds": tuple(SendOrigin),
    "orders": tuple(Order),
}


def planned_routes(sends: PlannedSends, renderer: Renderer, route_class: type[SafeRoute]) -> APIRouter:
    router = APIRouter(route_class=route_class, include_in_schema=False)
    page = _PlannedPage(sends, renderer)
    router.add_api_route("/", page.show)
    router.add_api_route("/sends/{id}/mail", page.show_mail)
    router.add_api_route("/sends/{id}/why", WhyPage(sends, renderer).show)
    router.add_api_route("/sends/{id}/{act}", page.act, methods=["POST"])
    return router


class _PlannedPage:
    """Its routes."""

    def __init__(self, sends: PlannedSends, renderer: Renderer) -> None:
        self._sends = sends
        self._renderer = renderer

    async def show(self, request: Request) -> Response:
        parameters = request.query_params.multi_items()
        asked, surplus = read_asked(pair for pair in parameters if pair[0] != "lang")
        is_part = asked_part(request) is not None
        if is_part or not surplus:
            try:
                response = await self._render(request, asked)
            except ValueError:
                if asked.after is None:
                    raise
                asked = replace(asked, after=None)  # it was not of this list
            else:
                if surplus:
                    response.headers["HX-Replace-Url"] = asked.address()
                return response
        return RedirectResponse(_in_language(asked.address(), request), status_code=303)

    async def show_mail(self, id: UUID) -> Response:
        """Return the HTML of a mail as it would leave now, for a frame."""
        preview = await self._sends.find_preview(id)
        if preview is None or preview.html is None:
            return Response(status_code=404)
        html = without_ways_out(preview.html)
        return HTMLResponse(html, headers={"Content-Security-Policy": CAPTURED_MAIL})

    async def act(self, request: Request, id: UUID, act: Act) -> Response:
        """Do it, and show the page again; `back` in the form is the address of the page that it stands on."""
        asked = _read_back((await read_form(request)).get("back", ""))
        if await self._sends.act(id, act, visitor_of(request)) is False:
            return await self._render(request, replace(asked, told=id), act)
        return RedirectResponse(asked.address(told=id), status_code=303)

    async def _render(self, request: Request, asked: Asked, refused: Act | None = None) -> Response:
        context: dict[str, Any] = {"here": "planned", "asked": asked, "refused": refused, **_TO_CHOOSE}
        context |= await _listed(self._sends, asked, self._renderer.now())
        if asked_part(request) != _LIST:
            context |= await _beside(self._sends, asked)
        if refused is not None:
            context["own_address"] = asked.address()
        status_code = 200 if refused is None else 409
        return self._renderer.page(
            request, "planned.html", context, parts=(_WHOLE, _LIST), status_code=status_code
        )


async def _listed(sends: PlannedSends, asked: Asked, now: datetime) -> dict[str, Any]:
    """Return what the list and the chart above it show."""
    page = await sends.list_planned(asked, ROWS)
    to_come = [send for send in page.items if not send.is_over]
    leads = asked.sort is None and asked.after is None
    next_send = min(
        (send for send in to_come if send.status == Status.SCHEDULED),
        key=lambda send: send.due_at,
        default=None,
    )
    looked_at = asked.due_from or asked.due_to
    if looked_at is None and leads and next_send is not None:
        looked_at = next_send.due_at.astimezone(sends.zone).date()
    today = now.astimezone(sends.zone).date()
    first = first_day(today, looked_at)
    counted = await sends.count_by_day(asked, first, DAYS)
    return {
        "groups": _groups(page, asked),
        "count": await sends.count_planned(asked, MOST),
        "most": MOST,
        "next": page.next,
        "next_send": next_send if leads else None,
        "today": today,
        "zone": sends.zone,
        "days": draw(first, counted),
        "elsewhere": None if counted else await sends.find_day_outside(asked, first, DAYS),
    }


def _groups(page: Page[PlannedSend], asked: Asked) -> list[tuple[str, list[PlannedSend]]]:
    if asked.sort is not None:
        return [("all", list(page.items))]
    return [
        ("to_come", [send for send in page.items if not send.is_over]),
        ("over", [send for send in page.items if send.is_over]),
    ]


async def _beside(sends: PlannedSends, asked: Asked) -> dict[str, Any]:
    """Return what the filters and the pane show."""
    opened = await sends.find_planned(asked.open) if asked.open else None
    told = await sends.find_planned(asked.told) if asked.told else None
    return {
        "told": told,
        "told_at": _line_of(told) if told else None,
        "choices": await sends.list_choices(),
        "opened": opened,
        "preview": await sends.find_preview(opened.id) if opened else None,
    }


def _line_of(send: PlannedSend) -> str:
    """Return where a send is listed, whatever it became, and few others are."""
    where = Asked(recipient=send.recipient_address, session=send.session_key, rule=send.rule_key)
    return where.address()


def _in_language(address: str, request: Request) -> str:
    """Return an address with the language that was asked for beside it, if any."""
    language = request.query_params.get("lang")
    if not language:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'lang': language})}"


def _read_back(address: str) -> Asked:
    return read_asked(parse_qsl(urlsplit(address).query))[0]
