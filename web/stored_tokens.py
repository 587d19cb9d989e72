"""The tokens that pages are signed in to with, read from the store."""

from uuid import UUID

from store.database import Store
from store.organizations import Organization
from store.visits import VisitToken, find_token_id, find_visit_token


class StoredTokens:
    """Tokens of one organization."""

    def __init__(self, store: Store, organization: Organization) -> None:
        self._store = store
        self._organization = organization

    async def find_id(self, words: str) -> UUID | None:
        async with self._store.statement() as db:
            return await find_token_id(db, self._organization.id, words)

    async def find(self, id: UUID) -> VisitToken | None:
        async with self._store.statement() as db:
            return await find_visit_token(db, self._organization.id, id)
