"""All pages, as one router."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter, Response

from mail.outbox import Outbox
from web.assets import Assets
from web.doors import closed_route, open_route
from web.nowhere import nowhere_routes
from web.outbox import outbox_routes
from web.planned import PlannedSends
from web.planned_page import planned_routes
from web.rendering import Renderer
from web.safety import SafeRoute
from web.sign_in import SignIn
from web.visitors import open_door_routes, visitor_routes


def create_pages(
    sends: PlannedSends,
    outbox: Outbox | None = None,
    temporal_ui: str | None = None,
    sign_in: SignIn | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    host: str = "localhost",
) -> APIRouter:
    """Return the routes of the pages.

    `outbox` is the mailbox of the one-machine stack: without one there is no Outbox page. `temporal_ui` is the
    address of the Temporal UI, linked from every page. Without `sign_in` the pages are open to whoever reaches them,
    under a loopback address or the name `host`: right on a loopback address, nowhere else. `now` is what distances
    such as "in 3 days" are told from.
    """
    assets = Assets(Path(__file__).parent / "static")
    renderer = Renderer(
        assets, now, has_outbox=outbox is not None, has_sign_in=sign_in is not None, temporal_ui=temporal_ui
    )
    closed = open_route(host) if sign_in is None else closed_route(sign_in)
    router = APIRouter(route_class=SafeRoute, include_in_schema=False)

    @router.get("/static/{name}")
    def static(name: str, v: str | None = None) -> Response:
        return assets.serve(name, v)

    if sign_in is not None:
        router.include_router(visitor_routes(sign_in, renderer, now))
    else:
        router.include_router(open_door_routes())
    router.include_router(planned_routes(sends, renderer, closed))
    if outbox is not None:
        router.include_router(outbox_routes(outbox, renderer, closed))
    router.include_router(nowhere_routes(renderer))  # the last one: it takes what no other does
    return router
