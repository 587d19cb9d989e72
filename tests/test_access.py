"""Tokens as those who run Relance handle them: at the database, and in a file of their own."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from access import ensure_token
from migrate import migrate
from settings import Settings
from store.database import Store
from store.organizations import MAIN, fetch_organization
from store.tokens import is_token, list_tokens, revoke_token

RELANCE = Path(sys.executable).parent / "relance"


@pytest.fixture
async def settings(database_url: str) -> Settings:
    settings = Settings()
    settings.database_url = database_url
    await migrate(settings)
    return settings


@pytest.fixture
def masked() -> Iterator[None]:
    """Be somebody whose files everybody may read."""
    before = os.umask(0)
    yield
    os.umask(before)


async def opens(settings: Settings, words: str) -> bool:
    store = Store(settings.database_url)
    async with store.transaction() as db:
        found = await is_token(db, (await fetch_organization(db, MAIN)).id, words)
    await store.close()
    return found


async def revoke_all(settings: Settings) -> None:
    store = Store(settings.database_url)
    async with store.transaction() as db:
        organization = (await fetch_organization(db, MAIN)).id
        for token in await list_tokens(db, organization, 100):
            await revoke_token(db, organization, token.id)
    await store.close()


def relance(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `relance token …`, as in production."""
    environment = {**os.environ, "DATABASE_URL": settings.database_url}
    return subprocess.run(
        [RELANCE, "token", *words], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


async def test_a_first_token_is_made_once_and_only_its_owner_reads_it(
    settings: Settings, tmp_path: Path, masked: None
) -> None:
    file = tmp_path / "token"

    words = await ensure_token(settings, file, "first")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() == words == await ensure_token(settings, file, "first")
    assert await opens(settings, words)


async def test_a_token_that_opens_nothing_any_more_is_replaced(settings: Settings, tmp_path: Path) -> None:
    """Another database than the one it was made for, or a revoked one."""
    first = await ensure_token(settings, tmp_path / "token", "first")
    await revoke_all(settings)

    second = await ensure_token(settings, tmp_path / "token", "first")

    assert second != first
    assert [await opens(settings, words) for words in (first, second)] == [False, True]


async def test_tokens_are_made_listed_and_revoked_by_command(settings: Settings) -> None:
    made = relance(settings, "create", "Learning [platform]")
    words = made.stdout.strip()
    assert await opens(settings, words)

    listed = relance(settings, "list").stdout
    assert "Learning [platform]" in listed
    assert words not in listed
    revoked = relance(settings, "revoke", listed.split()[0])

    assert (made.returncode, revoked.returncode, revoked.stdout) == (0, 0, "")
    assert not await opens(settings, words)
    assert ", revoked 20" in relance(settings, "list").stdout


async def test_a_token_that_is_not_there_is_told_in_one_line(settings: Settings) -> None:
    refused = relance(settings, "revoke", "00000000-0000-4000-8000-000000000000")

    assert refused.returncode == 1
    assert refused.stdout.splitlines() == [
        "✗ there is no token 00000000-0000-4000-8000-000000000000; `relance token list` names them"
    ]


async def test_a_token_can_be_limited_to_centers(settings: Settings) -> None:
    """F047"""
    made = relance(settings, "create", "Lyon", "--center", "lyon", "--center", "annecy")
    wrong = relance(settings, "create", "Lyon", "--center", "no center")

    listed = relance(settings, "list").stdout
    assert made.returncode == 0, made.stderr
    assert "Lyon, for lyon, annecy, made" in listed
    assert wrong.returncode == 1
    assert "'no center' is no center: an id holds 1 to 64" in wrong.stdout
    assert len(listed.splitlines()) == 1
