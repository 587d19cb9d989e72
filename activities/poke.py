"""Have planning look, once something is committed."""

from typing import Protocol
from uuid import UUID


class Poke(Protocol):
    """Starts planning, or tells the one under way; False when Temporal is away. May be repeated."""

    async def session_changed(self, organization: str, key: str, session: UUID) -> bool: ...

    async def rule_changed(self, organization: str, key: str, rule: UUID) -> bool: ...
