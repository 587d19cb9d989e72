"""How Alembic runs here: online only, under an advisory lock, the whole way in one transaction."""

from alembic import context
from sqlalchemy import create_engine, text

from store.tables import metadata

ONE_AT_A_TIME = 0x52454C41  # any number, the same in every process


def run() -> None:
    engine = create_engine(context.config.attributes["url"], hide_parameters=True)
    with engine.begin() as db:
        db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        context.configure(connection=db, target_metadata=metadata)
        context.run_migrations()
    engine.dispose()


run()
