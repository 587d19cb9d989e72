"""The organization that tests are about."""

from sqlalchemy.ext.asyncio import AsyncConnection

from store.organizations import MAIN, Organization, ensure_organization


async def example_organization(db: AsyncConnection) -> Organization:
    return await ensure_organization(
        db,
        MAIN,
        name="Example Training",
        zone="Europe/Paris",
        language="en",
        sender_address="training@example.org",
        sender_name="Example Training",
    )
