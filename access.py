"""Tokens, for those who run Relance: made, listed and revoked at the database itself."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.markup import escape
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.complaints import explain
from domain.keys import Key
from settings import Settings
from store.database import Store
from store.organizations import MAIN, Organization, fetch_organization
from store.tokens import create_token, is_token, list_tokens, revoke_token

MOST_LISTED = 1000

_CENTERS = TypeAdapter(list[Key])


async def create(settings: Settings, name: str, centers: Sequence[str], console: Console) -> None:
    """Make a token and print it, alone on its line: whoever runs this keeps it, nobody else can."""
    words = await make_token(settings, name, centers)
    console.print(words)


async def list_all(settings: Settings, console: Console) -> None:
    async with _house(settings) as (db, organization):
        tokens = await list_tokens(db, organization.id, MOST_LISTED)
    for token in tokens:
        until = f", revoked {token.revoked_at:%Y-%m-%d %H:%M} UTC" if token.revoked_at else ""
        of = f", for {', '.join(token.centers)}" if token.centers else ""
        made = f"made {token.created_at:%Y-%m-%d %H:%M} UTC"
        console.print(f"{token.id}  {escape(token.name)}{of}, {made}{until}")


async def revoke(settings: Settings, id: UUID) -> None:
    """Let nobody in with this token from now on; raise LookupError where there is none."""
    async with _house(settings) as (db, organization):
        if not await revoke_token(db, organization.id, id):
            raise LookupError(f"there is no token {id}; `relance token list` names them")


async def make_token(settings: Settings, name: str, centers: Sequence[str] = ()) -> str:
    """Make a token, limited to centers where any are named, and return its words."""
    limits = _checked(centers)
    async with _house(settings) as (db, organization):
        _, words = await create_token(db, organization.id, name, limits)
    return words


def _checked(centers: Sequence[str]) -> list[str] | None:
    """Return ids of centers, None for none of them; raise ValueError for what cannot be one."""
    try:
        return _CENTERS.validate_python(list(centers)) or None
    except ValidationError as error:
        (wrong, *_) = error.errors()
        raise ValueError(f"{wrong['input']!r} is no center: {explain(wrong)}") from None


async def ensure_token(settings: Settings, file: Path, name: str) -> str:
    """Return the token in a file that its owner alone may read; make one where there is none, or one that opens nothing.

    May be repeated; the file is there before this returns.
    """
    words = _read(file)
    async with _house(settings) as (db, organization):
        if await is_token(db, organization.id, words):
            return words
        _, words = await create_token(db, organization.id, name)
    _write(file, words)
    return words


def _read(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _write(file: Path, words: str) -> None:
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(words + "\n")
    new.replace(file)


@asynccontextmanager
async def _house(settings: Settings) -> AsyncIterator[tuple[AsyncConnection, Organization]]:
    """Give one transaction, and the organization it is about."""
    store = Store(settings.database_url, pool_size=1)
    try:
        async with store.transaction() as db:
            yield db, await fetch_organization(db, MAIN)
    finally:
        await store.close()
