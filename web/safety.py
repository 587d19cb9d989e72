"""What every answer of the pages tells the browser to refuse."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

# Only our own files, and no inline script or style: text that escaped its escaping stays text.
_PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# A mail is a stranger's page: it may style itself and show what it carries, nothing else.
CAPTURED_MAIL = (
    "sandbox; default-src 'none'; img-src data: cid:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)

DOWNLOAD = "sandbox; default-src 'none'"

_HEADERS = {
    "Content-Security-Policy": _PAGE,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",  # pages hold personal data
}


# Chromium connects to the address of a frame, or of a link under the mouse, before it asks the policy.
_FRAMES = re.compile(r"<(?=/?(?:iframe|frame|frameset|fencedframe|object|embed)\b)", re.IGNORECASE)
_DEAD_LINKS = "<style>a, area { pointer-events: none !important }</style>"


def without_ways_out(html: str) -> str:
    """Return the HTML of a mail, to be served under `CAPTURED_MAIL`: frames become text, links do nothing."""
    return _FRAMES.sub("&lt;", html) + _DEAD_LINKS  # at the end: in front it would change the layout mode


class SafeRoute(APIRoute):
    """A route whose answers carry the headers above, unless they set stricter ones themselves."""

    async def refuse(self, request: Request) -> Response | None:
        """Return what is answered instead, to whom the route is not for."""
        return None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_safely(request: Request) -> Response:
            response = await self.refuse(request) or await handle(request)
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle_safely
