"""`relance simulate`: what a rule would do to the mails; nothing is changed, and nobody waits."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.outlook import Kind, Outlook
from importer import find_settings
from store.database import Store
from store.organizations import MAIN, fetch_organization
from store.rehearsals import Rehearsal, rehearse
from store.rules import activate_rule, deactivate_rule, fetch_rule
from words.languages import load_languages
from words.outlooks import outlook_in_words


async def run(rule: str, *, off: bool, folder: Path, console: Console) -> None:
    """Say what switching a rule on, or off, would do; raise LookupError where there is none."""
    store = Store(find_settings(folder, "simulate on").database_url, pool_size=1)
    try:
        async with store.transaction() as db:
            organization = await fetch_organization(db, MAIN)

        async def switch(rehearsal: Rehearsal, db: AsyncConnection) -> None:
            try:
                found = await fetch_rule(db, organization.id, rule)
            except LookupError:
                raise LookupError(f"there is no rule {rule!r}") from None
            await (deactivate_rule if off else activate_rule)(db, found.id)
            rehearsal.look_at(found.id)

        outlook = (await rehearse(store, switch)).outlook
        languages = load_languages()
        language = languages.get(organization.language, languages["en"])
        console.print(escape(outlook_in_words(outlook, language=language)))
        for line in _sessions(outlook):
            console.print(escape(line))
    finally:
        await store.close()


def _sessions(outlook: Outlook) -> list[str]:
    lines = []
    for key, mails in sorted(outlook.sessions.items()):
        counts = ", ".join(f"{kind.value.replace('_', ' ')} {mails[kind]}" for kind in Kind if kind in mails)
        lines.append(f"  {key}: {counts}")
    more = outlook.concerned - len(outlook.sessions)
    return [*lines, f"  … and {more} more sessions"] if more > 0 else lines
