"""Who may open a page: whoever signed in; and from where a form may come: from our own pages."""

from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from web.safety import SafeRoute
from web.sign_in import COOKIE, SignIn

_VISITOR = "relance.visitor"
_MOST_BYTES = 20_000  # of a form of ours; the longest holds the address of a page


class OwnFormRoute(SafeRoute):
    """A safe route that refuses forms of other sites."""

    async def refuse(self, request: Request) -> Response | None:
        if request.method == "POST" and not is_from_here(request):
            return PlainTextResponse("This form was not sent by one of our own pages.", 403)
        return None


def closed_route(sign_in: SignIn) -> type[SafeRoute]:
    """Return the kind of route that sends whoever has not signed in there first."""

    class ClosedRoute(OwnFormRoute):
        async def refuse(self, request: Request) -> Response | None:
            name = await sign_in.find_name(request.cookies.get(COOKIE))
            if name is None:
                return _to_sign_in(request)
            request.scope[_VISITOR] = name
            return await super().refuse(request)

    return ClosedRoute


def visitor_of(request: Request) -> str | None:
    """Return the name of the token of whoever asks, None where nobody signs in."""
    name: str | None = request.scope.get(_VISITOR)
    return name


def open_route(host: str) -> type[SafeRoute]:
    """Return the kind of route that whoever reaches it may open, under a loopback address or the name `host`.

    Another site may have a name of its own lead here (DNS rebinding): to the browser our pages would be that site's,
    which could read them and press their buttons.
    """

    class OpenRoute(OwnFormRoute):
        async def refuse(self, request: Request) -> Response | None:
            name = _asked_name(request)
            if name == host.lower() or _is_loopback(name):
                return await super().refuse(request)
            told = "These pages are open on this machine alone: ask for them at localhost, on the same port."
            return PlainTextResponse(told, 421)

    return OpenRoute


def _asked_name(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:  # half of an IPv6 address
        return ""


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def is_from_here(request: Request) -> bool:
    """Return whether the browser says that one of our own pages sent this.

    Sec-Fetch-Site says it outright; browsers leave it out where a page came over plain http from another machine,
    and then Origin must name this host. Neither header can be set by a page.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host")


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; what is longer than any form of ours is not read, and has none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return {}
    return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=20))


def own_path(address: str) -> str:
    """Return an address of one of our own pages, and the first page for everything else."""
    parts = urlsplit(address)
    away = parts.scheme or parts.netloc or not address.startswith("/") or address.startswith(("//", "/\\"))
    return "/" if away or any(ord(sign) < 32 for sign in address) else address


def _to_sign_in(request: Request) -> Response:
    """A form that came too late is not repeated: its page is where the reader goes on."""
    place = "/"
    if request.method == "GET" and "hx-request" not in request.headers:
        place = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    address = "/sign-in" if place == "/" else f"/sign-in?to={quote(place, safe='')}"
    if "hx-request" in request.headers:  # a redirect would put the form into a corner of the page
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)
