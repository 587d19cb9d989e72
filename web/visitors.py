"""The pages to sign in and out."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from web.doors import OwnFormRoute, own_path, read_form
from web.guesses import Guesses
from web.rendering import Renderer
from web.sign_in import COOKIE, LASTS, SignIn


def open_door_routes() -> APIRouter:
    """Return what stands there instead where nobody signs in: an old link leads on."""
    router = APIRouter(route_class=OwnFormRoute, include_in_schema=False)

    @router.get("/sign-in")
    async def lead_on() -> Response:
        return RedirectResponse("/", status_code=303)

    return router


def visitor_routes(sign_in: SignIn, renderer: Renderer, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(route_class=OwnFormRoute, include_in_schema=False)
    guesses = Guesses(now)

    def door(request: Request, to: str, status_code: int = 200) -> Response:
        context = {"here": "sign-in", "to": to, "wrong": status_code == 403, "too_often": status_code == 429}
        return renderer.page(request, "sign_in.html", context, status_code=status_code)

    @router.get("/sign-in")
    async def ask(request: Request, to: str = "/") -> Response:
        return door(request, own_path(to))

    @router.post("/sign-in")
    async def sign_in_with(request: Request) -> Response:
        form = await read_form(request)
        to = own_path(form.get("to", "/"))
        address = request.client.host if request.client else ""
        if wait := guesses.begin(address):
            response = door(request, to, 429)
            response.headers["Retry-After"] = str(wait)
            return response
        cookie = await sign_in.begin(form.get("token", ""))
        if cookie is None:
            return door(request, to, 403)
        guesses.was_right(address)
        response = RedirectResponse(to, status_code=303)
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    @router.post("/sign-out")
    async def sign_out() -> Response:
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    return router
