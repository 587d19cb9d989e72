"""Have planning look, once something is committed."""

from typing import Protocol
from uuid import UUID

from store.database import Store
from store.sweep import find_session_behind


class Poke(Protocol):
    """Starts planning, or tells the one under way; False when Temporal is away. May be repeated."""

    async def session_changed(self, organization: str, key: str, session: UUID) -> bool: ...

    async def rule_changed(self, organization: str, key: str, rule: UUID) -> bool: ...


async def catch_up(store: Store, poke: Poke, send: UUID) -> None:
    """Poke planning where what was written of a send has left it behind: a series may go on. May be repeated."""
    async with store.statement() as db:
        left = await find_session_behind(db, send)
    if left is not None:
        await poke.session_changed(left.organization, left.key, left.id)
