"""Who may come in: whoever shows a token of this organization."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.callers import Caller, note_caller
from api.house import House
from api.problems import respond
from store.tokens import find_token

# What needs a token; health, metrics, the description of the API, and the pages need none, or know their own way.
CLOSED = "/v1"


class Authentication:
    """Answers 401, always the same, to whoever shows no token; each request asks the database, so a revoked
    token opens nothing from that moment on.

    The body is not read before.
    """

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app, self._house = app, house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_closed(scope["path"]) and not await self._lets_in(scope):
            detail = "Show a token of yours: `Authorization: Bearer relance_…`."
            headers = {"WWW-Authenticate": "Bearer"}
            await respond(401, "unauthorized", detail, headers=headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _lets_in(self, scope: Scope) -> bool:
        """Return whether the request shows a token, and have it know whose."""
        scheme, _, words = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        async with self._house.store.statement() as db:
            token = await find_token(db, self._house.organization.id, words.strip())
        if token is None:
            return False
        centers = None if token.centers is None else frozenset(token.centers)
        note_caller(scope, Caller(centers, token.name))
        return True


def is_closed(path: str) -> bool:
    return path == CLOSED or path.startswith(f"{CLOSED}/")
