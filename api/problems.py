"""Errors as problem details (RFC 9457): a stable `type`, and for bad input the field and the cure."""

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.failures import codes, place

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """Answer with a problem; `kind` becomes the last word of its stable type."""

    def __init__(self, status: int, kind: str, detail: str, **more: object) -> None:
        super().__init__(kind)
        self.status, self.kind, self.detail, self.more = status, kind, detail, more


class NotFound(Problem):
    """There is nothing under this id."""

    def __init__(self, noun: str, key: object) -> None:
        super().__init__(404, "not-found", f"There is no {noun} {str(key)!r}.")


class Invalid(Problem):
    """Values that are well formed and make no sense here: a field and its cure, or several pairs of them."""

    def __init__(self, *wrong: tuple[str, str]) -> None:
        errors = [{"field": field, "message": message} for field, message in wrong]
        super().__init__(422, "invalid", "The request was understood, and refused.", errors=errors)


def install_problems(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for unavailable in (OperationalError, InterfaceError):
        app.add_exception_handler(unavailable, _unavailable)
    app.add_middleware(_Contained)


def respond(
    status: int,
    kind: str,
    detail: str,
    more: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem; `more` are further members of it."""
    title = HTTPStatus(status).phrase
    body = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail, **(more or {})}
    return JSONResponse(body, status, headers, MEDIA_TYPE)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - as registered above
    return respond(error.status, error.kind, error.detail, error.more)


async def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered above
    messages: dict[str, list[str]] = {}
    for wrong in error.errors():
        named = wrong["loc"] if wrong["type"] == "extra_forbidden" else [*filter(_ours, wrong["loc"])]
        messages.setdefault(_field(named), []).append(wrong["msg"].removeprefix("Value error, "))
    errors = [{"field": field, "message": "; or: ".join(said)} for field, said in messages.items()]
    detail = "The request does not have the right form; nothing was changed."
    return respond(422, "invalid", detail, {"errors": errors})


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered above
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return respond(error.status_code, kind, str(error.detail), headers=error.headers)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    """PostgreSQL is away, starting, or busy with a lock: nothing was changed, and the caller may try again."""
    log.warning("%s %s: %s in %s", request.method, _route(request.scope), codes(error), place(error))
    detail = "The database does not answer now. Try again in a moment."
    return respond(503, "unavailable", detail, headers={"Retry-After": "5"})


def _ours(part: object) -> bool:
    """Return whether this is the name of a field or the number of an item; pydantic names what it tried, too."""
    return isinstance(part, int) or re.fullmatch("[a-z_]+", str(part)) is not None


def _field(location: Sequence[object]) -> str:
    """Return a path as the caller wrote it: `trigger.offset`, not `body.trigger.offset`."""
    return ".".join(str(part) for part in location if part not in ("body", "query", "path"))


class _Contained:
    """Answers 500 for what nobody foresaw, and logs its name and place: its text may hold an address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            log.error("%s %s: %s in %s", scope.get("method"), _route(scope), codes(error), place(error))
            if not begun:  # else the server cuts the answer off, which is all that can still be said
                detail = "Something went wrong here; the log of the API says where."
                await respond(500, "unforeseen", detail)(scope, receive, send)


def _route(scope: Scope) -> str:
    """Return the route's own pattern: the path that was asked for may hold an address."""
    return str(getattr(scope.get("route"), "path", "?"))
