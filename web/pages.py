"""All pages, as one router."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter, Response

from mail.outbox import Outbox
from web.assets import Assets
from web.outbox import outbox_routes
from web.planned import PlannedSends, planned_routes
from web.rendering import Renderer
from web.safety import SafeRoute


def create_pages(
    sends: PlannedSends,
    outbox: Outbox | None = None,
    temporal_ui: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> APIRouter:
    """Return the routes of the pages.

    `outbox` is the mailbox of the one-machine stack: without one there is no Outbox page. `temporal_ui` is the
    address of the Temporal UI, linked from every page. `now` is what distances such as "in 3 days" are told from.
    """
    assets = Assets(Path(__file__).parent / "static")
    renderer = Renderer(assets, now, has_outbox=outbox is not None, temporal_ui=temporal_ui)
    router = APIRouter(route_class=SafeRoute, include_in_schema=False)

    @router.get("/static/{name}")
    def static(name: str, v: str | None = None) -> Response:
        return assets.serve(name, v)

    router.include_router(planned_routes(sends, renderer))
    if outbox is not None:
        router.include_router(outbox_routes(outbox, renderer))
    return router
