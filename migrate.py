"""Bring a database up to date: its tables, and the first organization."""

import asyncio

from settings import Settings
from store.database import Store
from store.migrate import upgrade
from store.organizations import MAIN, ensure_organization


async def migrate(settings: Settings) -> None:
    """Run what is missing; may be repeated, by many processes at once."""
    await asyncio.to_thread(upgrade, settings.database_url)
    store = Store(settings.database_url)
    try:
        async with store.transaction() as db:
            await ensure_organization(
                db,
                MAIN,
                name=settings.organization_name,
                zone=settings.organization_zone,
                language=settings.organization_language,
                sender_address=settings.sender_address,
                sender_name=settings.sender_name,
            )
    finally:
        await store.close()
