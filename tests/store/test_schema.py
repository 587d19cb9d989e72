"""Do migrations build what the code reads, once, whoever runs them?"""

import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from store.migrate import MIGRATIONS, pending, upgrade
from store.tables import metadata

ROOT = Path(__file__).parents[2]
REVISIONS = {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}

DESCRIBED = text("""
    select 'column', table_name || '.' || column_name,
           concat_ws(' ', data_type, is_nullable, column_default)
    from information_schema.columns where table_schema = 'public' and table_name <> 'alembic_version'
    union all
    select 'index', indexname, indexdef from pg_indexes
    where schemaname = 'public' and tablename <> 'alembic_version'
    union all
    select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace and conrelid::regclass::text <> 'alembic_version'
""")


def described(db: Connection) -> set[tuple[str, str, str]]:
    """Return every column, index and constraint in PostgreSQL's own words."""
    return {(row[0], row[1], row[2]) for row in db.execute(DESCRIBED)}


def test_migrations_build_what_the_code_reads(empty_url: str) -> None:
    upgrade(empty_url)
    engine = create_engine(empty_url)

    with engine.connect() as db:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(db, opts=options), metadata) == []
    engine.dispose()


def test_migrations_build_every_condition_and_check_as_the_code_says(empty_url: str) -> None:
    """Alembic's own comparison looks at neither checks nor the conditions of indexes."""
    upgrade(empty_url)
    engine = create_engine(empty_url)

    with engine.begin() as db:
        migrated = described(db)
        metadata.drop_all(db)
        metadata.create_all(db)
        assert migrated == described(db)
        assert {"ck_sends_token", "ix_sessions_dirty"} <= {name.rpartition(".")[2] for _, name, _ in migrated}
    engine.dispose()


def test_the_clock_of_decisions_is_the_servers(empty_url: str) -> None:
    upgrade(empty_url)
    engine = create_engine(empty_url)

    with engine.connect() as db:
        before, decides, after = db.execute(
            text("select clock_timestamp(), relance_now(), clock_timestamp()")
        ).one()
    assert before <= decides <= after  # of the moment, not of the transaction's start
    engine.dispose()


def test_a_database_says_which_migrations_it_lacks(empty_url: str) -> None:
    assert set(pending(empty_url)) == REVISIONS
    upgrade(empty_url)
    assert pending(empty_url) == []


def test_upgrading_twice_changes_nothing(empty_url: str) -> None:
    upgrade(empty_url)
    engine = create_engine(empty_url)
    with engine.connect() as db:
        once = described(db)

    upgrade(empty_url)

    with engine.connect() as db:
        assert described(db) == once
    engine.dispose()


def test_two_processes_upgrade_at_once(empty_url: str) -> None:
    code = "import sys; from store.migrate import upgrade; upgrade(sys.argv[1])"
    both = [subprocess.Popen([sys.executable, "-c", code, empty_url], cwd=ROOT) for _ in range(2)]

    assert [process.wait() for process in both] == [0, 0]
    assert pending(empty_url) == []
