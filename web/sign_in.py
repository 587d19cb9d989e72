"""Signing in: pages hold personal data, so they ask for a token of the API once, and then for a cookie."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from store.visits import VisitToken

COOKIE = "relance_visit"
LASTS = timedelta(hours=12)  # a working day; then the token is asked for again
_PURPOSE = b"relance: a visit to the pages"  # the digest of a token signs nothing else


class Tokens(Protocol):
    """The API's tokens that nobody has revoked."""

    async def find_id(self, words: str) -> UUID | None: ...

    async def find(self, id: UUID) -> VisitToken | None: ...


class SignIn:
    """Makes and checks the cookie of a visit: a token's id, an end, and their signature.

    What signs is derived from the digest kept of the token, which is read anew for each page: a revoked token ends
    its visits, and there is no secret more to keep.
    """

    def __init__(self, tokens: Tokens, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._tokens = tokens
        self._now = now

    async def begin(self, words: str) -> str | None:
        """Return the cookie of a new visit, None for words that are no token's."""
        id = await self._tokens.find_id(words.strip())
        token = await self._tokens.find(id) if id else None
        if id is None or token is None:
            return None
        ends = int((self._now() + LASTS).timestamp())
        return f"{id}.{ends}.{_signature(token.digest, id, ends)}"

    async def find_name(self, cookie: str | None) -> str | None:
        """Return the name of the token that a visit was signed in with, None unless the visit goes on."""
        try:
            id_text, ends_text, signature = (cookie or "").split(".")
            id, ends = UUID(id_text), int(ends_text)
        except ValueError:
            return None
        if ends <= self._now().timestamp():
            return None
        token = await self._tokens.find(id)
        if token is None:
            return None
        own = _signature(token.digest, id, ends)
        return token.name if hmac.compare_digest(signature.encode(), own.encode()) else None


def _signature(digest: str, id: UUID, ends: int) -> str:
    key = hmac.new(digest.encode(), _PURPOSE, sha256).digest()
    return hmac.new(key, f"{id}.{ends}".encode(), sha256).hexdigest()
