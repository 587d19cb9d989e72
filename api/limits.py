"""How much a caller may send."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import respond

LARGEST_BODY = 4 * 1024 * 1024  # bytes; templates, the largest we are sent, stay far below


class BodyLimit:
    """Answers 413 to a body that is too large, whatever its Content-Length says.

    Every route reads its body whole, so it is read here, before a route runs.
    """

    def __init__(self, app: ASGIApp, most: int = LARGEST_BODY) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = await self._read(scope, receive)
        if read is None:
            detail = f"A body holds at most {self._most} bytes; nothing was changed."
            cure = f"at most {self._most} bytes: split it over several requests, or leave some of it out"
            errors = [{"field": "body", "message": cure}]
            await respond(413, "too-large", detail, {"errors": errors})(scope, receive, send)
            return
        first: list[Message] = [read]

        async def again() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, again, send)

    async def _read(self, scope: Scope, receive: Receive) -> Message | None:
        """Return the whole body as one message, the caller's leaving if he left, or None when it is too large."""
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._most:
            return None
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            body += message.get("body", b"")
            if len(body) > self._most:
                return None
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(body), "more_body": False}
