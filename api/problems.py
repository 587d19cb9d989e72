"""Errors as problem details (RFC 9457): a stable `type`, and for bad input the field and the cure."""

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain import complaints
from domain.failures import codes, place

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_WRONG_FORM = "The request does not have the right form; nothing was changed."

_PARTS = {"body", "query", "path", "header"}  # of a request, as FastAPI names them


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
        field, message = _told(wrong)
        messages.setdefault(field, []).append(message)
    errors = [{"field": field, "message": "; or: ".join(said)} for field, said in messages.items()]
    return respond(422, "invalid", _WRONG_FORM, {"errors": errors})


def _unreadable(why: BaseException) -> JSONResponse:
    """What FastAPI could not parse at all, and answers 400 to: this is bad input as any other."""
    match why:
        case UnicodeError():
            message = "This is not UTF-8: write the JSON in that encoding."
        case RecursionError():
            message = (
                "This is nested too deeply: no route takes more than a few objects and lists within another."
            )
        case _:
            message = "This cannot be read as JSON: see that no number has thousands of digits."
    return respond(422, "invalid", _WRONG_FORM, {"errors": [{"field": "body", "message": message}]})


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered above
    if error.status_code == HTTPStatus.BAD_REQUEST and error.__cause__ is not None:
        return _unreadable(error.__cause__)
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return respond(error.status_code, kind, str(error.detail), headers=error.headers)


def _told(wrong: Mapping[str, Any]) -> tuple[str, str]:
    """Return which field pydantic finds wrong, and how to mend it."""
    if complaints.is_no_json(wrong):
        return "body", complaints.explain(wrong)
    *above, last = wrong["loc"]
    its_callers = wrong["type"] == "extra_forbidden"  # a name that we do not know
    named = [part for part in above if _ours(part)] + [last] * (its_callers or _ours(last))
    return _field(named), complaints.explain(wrong)


def _ours(part: object) -> bool:
    """Return whether this is the name of a field or the number of an item; pydantic names what it tried, too."""
    return isinstance(part, int) or re.fullmatch("[a-z_]+", str(part)) is not None


def _field(location: Sequence[object]) -> str:
    """Return a path as the caller wrote it: `trigger.offset`, not `body.trigger.offset`; `body` for the whole of it."""
    inside = location[1:] if location and location[0] in _PARTS else location
    return ".".join(str(part) for part in inside) or "body"


class _Contained:
    """Answers for what no route foresaw, and logs its name and place: its text may hold an address."""

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
            away = isinstance(error, OperationalError | InterfaceError)
            level = logging.WARNING if away else logging.ERROR
            log.log(level, "%s %s: %s in %s", scope.get("method"), _route(scope), codes(error), place(error))
            if not begun:  # else the server cuts the answer off, which is all that can still be said
                await (_unavailable() if away else _unforeseen())(scope, receive, send)


def _unavailable() -> JSONResponse:
    """PostgreSQL is away, starting, or busy with a lock: nothing was changed, and the caller may try again."""
    detail = "The database does not answer now. Try again in a moment."
    return respond(503, "unavailable", detail, headers={"Retry-After": "5"})


def _unforeseen() -> JSONResponse:
    return respond(500, "unforeseen", "Something went wrong here; the log of the API says where.")


def _route(scope: Scope) -> str:
    """Return the route's own pattern: the path that was asked for may hold an address."""
    return str(getattr(scope.get("route"), "path", "?"))
