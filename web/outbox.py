"""The Outbox page: the mails that were caught instead of sent, as their readers would have seen them."""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from mail.outbox import CapturedMail, Outbox
from web.rendering import Renderer
from web.safety import CAPTURED_MAIL, DOWNLOAD, SafeRoute, without_ways_out

_ROWS = 50


def outbox_routes(outbox: Outbox, renderer: Renderer, route_class: type[SafeRoute]) -> APIRouter:
    """Plain functions, since the outbox reads files: FastAPI runs them in a thread."""
    router = APIRouter(prefix="/outbox", route_class=route_class, include_in_schema=False)

    def show(
        request: Request, name: str | None, mail: CapturedMail | None, view: str, before: str | None
    ) -> Response:
        mails = outbox.list(_ROWS, before)
        context = {
            "here": "outbox",
            "address": f"{request.url.path}?{request.url.query}",
            "mails": mails,
            "older": mails[-1].name if len(mails) == _ROWS else None,
            "before": before,
            "name": name,
            "mail": mail,
            "views": _views(mail) if mail else [],
            "view": view,
        }
        return renderer.page(request, "outbox.html", context, parts=("mails",))

    def not_found(request: Request) -> Response:
        return renderer.page(request, "no_such_mail.html", {"here": "outbox"}, status_code=404)

    @router.get("")
    def list_mails(request: Request, before: str | None = None) -> Response:
        return show(request, None, None, "", before)

    @router.get("/{name}")
    def read_mail(
        request: Request, name: str, view: str | None = None, before: str | None = None
    ) -> Response:
        mail = outbox.read(name)
        if mail is None:
            return not_found(request)
        views = _views(mail)
        return show(request, name, mail, view if view in views else views[0], before)

    @router.get("/{name}/html")
    def read_html(request: Request, name: str) -> Response:
        mail = outbox.read(name)
        if mail is None or mail.html is None:
            return not_found(request)
        return HTMLResponse(without_ways_out(mail.html), headers={"Content-Security-Policy": CAPTURED_MAIL})

    @router.get("/{name}/raw")
    def download(request: Request, name: str) -> Response:
        mail = outbox.read(name)
        if mail is None:
            return not_found(request)
        return Response(
            mail.raw,
            media_type="message/rfc822",
            headers={
                "Content-Security-Policy": DOWNLOAD,
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            },
        )

    return router


def _views(mail: CapturedMail) -> list[str]:
    """Return the ways a mail can be looked at, the best one first."""
    parts = {"html": mail.html is not None, "text": mail.text is not None, "headers": True}
    return [view for view, present in parts.items() if present]
