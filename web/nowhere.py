"""What a browser is told where there is no page; programs hear it from the API, as a problem."""

from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from web.rendering import Renderer
from web.safety import SafeRoute


class _Nowhere(SafeRoute):
    """Stands behind every other route, for a browser that asks for a page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if _wants_page(scope) else (Match.NONE, {})


def nowhere_routes(renderer: Renderer) -> APIRouter:
    """Return the route to include last. An address with a slash too many stays the router's, which takes it away."""
    router = APIRouter(route_class=_Nowhere, include_in_schema=False)

    @router.get("/{anywhere:path}")
    def show(request: Request) -> Response:
        return renderer.page(request, "no_such_page.html", {"here": "nowhere"}, status_code=404)

    return router


def _wants_page(scope: Scope) -> bool:
    path = scope.get("path", "")
    is_of_api = path == "/v1" or path.startswith("/v1/")
    accepted = Headers(scope=scope).get("accept", "") if scope["type"] == "http" else ""
    return (
        scope.get("method") == "GET" and "text/html" in accepted and not is_of_api and not path.endswith("/")
    )
