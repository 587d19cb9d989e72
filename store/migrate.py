"""Bring a database to the present schema."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import driver_url

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(url: str) -> None:
    """Run the missing migrations, one process at a time; may be repeated."""
    config = _config()
    config.attributes["url"] = driver_url(url)
    command.upgrade(config, "head")


def pending(url: str) -> list[str]:
    """Return the revisions that this database still lacks."""
    script = ScriptDirectory.from_config(_config())
    engine = create_engine(driver_url(url), hide_parameters=True)
    try:
        with engine.connect() as db:
            current = MigrationContext.configure(db).get_current_revision()
    finally:
        engine.dispose()
    missing = script.iterate_revisions("head", current or "base")
    return [revision.revision for revision in missing if revision.revision != current]


async def is_up_to_date(db: AsyncConnection) -> bool:
    """Return whether this database lacks no migration that we know; one of a release to come is not ours to judge."""
    current = await db.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    return current not in _outdated()


@cache
def _outdated() -> set[str | None]:
    revisions = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    return {None, *revisions[1:]}  # from the newest to the oldest


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
