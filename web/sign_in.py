"""Signing in: pages hold personal data, so they ask for a token of the API once, and then for a cookie."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol
from uuid import UUID

COOKIE = "relance_visit"
LASTS = timedelta(hours=12)  # a working day; then the token is asked for again
_PURPOSE = b"relance: a visit to the pages"  # the digest of a token signs nothing else


class Tokens(Protocol):
    """The API's tokens that nobody has revoked."""

    async def find_id(self, words: str) -> UUID | None: ...

    async def find_digest(self, id: UUID) -> str | None: ...


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
        digest = await self._tokens.find_digest(id) if id else None
        if id is None or digest is None:
            return None
        ends = int((self._now() + LASTS).timestamp())
        return f"{id}.{ends}.{_signature(digest, id, ends)}"

    async def is_valid(self, cookie: str | None) -> bool:
        """Return whether a visit goes on."""
        try:
            id_text, ends_text, signature = (cookie or "").split(".")
            id, ends = UUID(id_text), int(ends_text)
        except ValueError:
            return False
        if ends <= self._now().timestamp():
            return False
        digest = await self._tokens.find_digest(id)
        return digest is not None and hmac.compare_digest(
            signature.encode(), _signature(digest, id, ends).encode()
        )


def _signature(digest: str, id: UUID, ends: int) -> str:
    key = hmac.new(digest.encode(), _PURPOSE, sha256).digest()
    return hmac.new(key, f"{id}.{ends}".encode(), sha256).hexdigest()
