"""Idempotency-Key: a POST that is sent again is answered again, and done once."""

import logging
import re
from collections.abc import MutableMapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.authentication import is_closed
from api.callers import caller_of
from api.dry_run import is_dry_run
from api.house import House
from api.problems import respond
from domain.failures import codes
from store.answers import Attempt, Kept, begin_answer, find_answer, forget_answer, keep_answer

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[!-~]{1,255}")
_KEEP_INSTEAD = "relance.keep_instead"


def keep_instead(request: Request, answer: BaseModel) -> None:
    """Have another answer kept than the one given: what is shown only once must not be kept."""
    request.scope[_KEEP_INSTEAD] = answer.model_dump_json().encode()


class Idempotency:
    """Keeps the first answer to a POST with a key for a day, and gives it again to the same request.

    A dry run is no answer to keep: it does nothing, and the next one may say something else.
    Stands behind the limit of bodies, since it reads them whole. An answer of 500 or more is not kept: nothing was
    done, and the same request may be tried again.
    """

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app, self._house = app, house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        keys = _keys(scope)
        if not keys or is_dry_run(scope):
            await self._app(scope, receive, send)
        elif len(keys) > 1 or not _KEY.fullmatch(keys[0]):
            await _malformed()(scope, receive, send)
        else:
            await self._once(keys[0], scope, receive, send)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if message["type"] != "http.request":
            return  # the caller has left, and nobody waits for an answer
        digest = _digest(scope, message.get("body", b""))
        async with self._house.store.transaction() as db:
            attempt = await begin_answer(db, self._house.organization.id, key, digest)
            kept = None if attempt else await find_answer(db, self._house.organization.id, key)
        if attempt is None:
            await _again(kept, digest)(scope, receive, send)
            return
        messages = [message]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        await self._first(attempt, scope, again, send)

    async def _first(self, attempt: Attempt, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, once the answer is kept: whoever gets none may ask again and will."""
        answer = _Answer()
        try:
            await self._app(scope, receive, answer.take)
        except Exception:
            with suppress(SQLAlchemyError):  # then it can be tried again in a minute
                await self._forget(attempt)
            raise
        try:
            await self._keep(attempt, answer, scope)
        except SQLAlchemyError as error:  # what was done was done: that is said, though not kept
            log.warning("an answer was not kept: %s", codes(error))
        for message in answer.messages:
            await send(message)

    async def _keep(self, attempt: Attempt, answer: "_Answer", scope: MutableMapping[str, Any]) -> None:
        if answer.status >= 500:
            await self._forget(attempt)
            return
        body = scope.get(_KEEP_INSTEAD, answer.body)
        async with self._house.store.transaction() as db:
            await keep_answer(db, attempt, answer.status, answer.media_type, body)

    async def _forget(self, attempt: Attempt) -> None:
        async with self._house.store.transaction() as db:
            await forget_answer(db, attempt)


class _Answer:
    """An answer as a route gives it, held back."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def take(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def media_type(self) -> str:
        return Headers(raw=self.messages[0]["headers"]).get("content-type", "")

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])


def _keys(scope: Scope) -> list[str]:
    if scope["type"] != "http" or scope["method"] != "POST" or not is_closed(scope["path"]):
        return []
    return Headers(scope=scope).getlist(HEADER)


def _digest(scope: Scope, body: bytes) -> str:
    path = scope.get("raw_path") or scope["path"].encode()
    # Whoever may do less asks for something else: no answer to others is given again to them.
    centers = caller_of(scope).centers
    limits = b"" if centers is None else b" " + ",".join(sorted(centers)).encode()
    asked = (scope["method"].encode(), path, scope["query_string"], limits, body)
    return sha256(b"%b %b?%b%b\n%b" % asked).hexdigest()


def _again(kept: Kept | None, digest: str) -> Response:
    if kept is not None and kept.request_digest != digest:
        detail = "Another request was sent under this key within the last 24 hours: give each one of its own."
        return respond(
            422, "idempotency-key-reused", detail, {"errors": [{"field": HEADER, "message": detail}]}
        )
    if kept is None or kept.status is None:  # the attempt ended this very moment, or is not over
        detail = "The first request under this key is being answered: ask again in a moment."
        return respond(409, "idempotency-key-in-use", detail, headers={"Retry-After": "1"})
    headers = {"Idempotency-Replayed": "true"} | (
        {"Content-Type": kept.media_type} if kept.media_type else {}
    )
    return Response(kept.body, kept.status, headers)


def _malformed() -> Response:
    message = "One key of 1 to 255 visible ASCII characters, such as a UUID."
    detail = "The request was understood, and refused."
    return respond(422, "invalid", detail, {"errors": [{"field": HEADER, "message": message}]})
