"""The whole of an import: read, ask, write, have it planned."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from activities.together import together
from control.plans import Plans
from intake.contents import Contents, Wishes, read_contents
from intake.report import tell_missing, tell_moved, tell_outcome, tell_refused, tell_rejected
from intake.writing import Outcome, reject_strangers, write
from store.alive import list_session_keys
from store.database import Store
from store.organizations import MAIN, Organization, fetch_organization

Asks = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of `relance import` wishes."""

    guests: int = 0
    earliest: date | None = None
    remove_missing: bool = False
    skip_bad: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.remove_missing and self.skip_bad:
            raise ValueError(
                "--remove-missing and --skip-bad do not go together: a session whose row is refused would look as if "
                "it had vanished. Mend the rows first."
            )


class _Refused(Exception):  # noqa: N818 - nothing went wrong here
    """Rows are refused, and nothing is to be written."""


class _Rehearsed(Exception):  # noqa: N818 - as above
    """All was written that would be, and is taken back."""


class Importer:
    """Brings files into one organization."""

    def __init__(self, store: Store, plans: Plans | None, console: Console, asks: Asks) -> None:
        """Without `plans` Temporal is away: the sweep has planned what was written. `asks` says whether to go on."""
        self._store, self._plans, self._console, self._asks = store, plans, console, asks

    async def run(self, path: Path, options: Options) -> int:
        """Import a file; return the exit code: 1 when nothing was written that should have been.

        Raises FileError for a file of which nothing can be imported.
        """
        async with self._store.transaction() as db:
            organization = await fetch_organization(db, MAIN)
            alive = await list_session_keys(db, organization.id)
        contents = self._read(path, Wishes(organization.zone, options.guests, options.earliest))
        missing: list[str] = []
        if options.remove_missing and not contents.rejected:
            missing = sorted(alive - {row.session.id for row in contents.rows})
        if missing and not self._sure(missing, options):
            self._console.print("Nothing was written.")
            return 1
        try:
            outcome = await self._write(organization, contents, missing, options)
        except _Refused:
            tell_rejected(self._console, contents.rejected)
            tell_refused(self._console, contents)
            return 1
        tell_rejected(self._console, contents.rejected)
        tell_outcome(self._console, outcome, len(contents.rejected))
        await self._follow(organization, outcome.concerned, options)
        return 0

    def _read(self, path: Path, wishes: Wishes) -> Contents:
        with self._bar("rows") as progress:
            task = progress.add_task("Reading", total=None)
            contents = read_contents(path, wishes, lambda: progress.advance(task))
        if wishes.earliest is not None:
            tell_moved(self._console, contents.moved, wishes.earliest)
        return contents

    def _sure(self, missing: list[str], options: Options) -> bool:
        """Ask before sessions are deleted, and before anything is locked."""
        tell_missing(self._console, missing)
        return options.dry_run or self._asks(f"Remove {len(missing)} sessions, and stop their mails?")

    async def _write(
        self, organization: Organization, contents: Contents, missing: list[str], options: Options
    ) -> Outcome:
        """Write in one transaction; a dry run does it all the same, and takes it back."""
        with suppress(_Rehearsed), self._console.status("Writing …"):
            async with self._store.transaction() as db:
                await reject_strangers(db, organization, contents)
                if not contents.rows or (contents.rejected and not options.skip_bad):
                    raise _Refused
                outcome = await write(db, organization, contents, missing)
                if options.dry_run:
                    raise _Rehearsed
        return outcome

    async def _follow(
        self, organization: Organization, concerned: Mapping[str, UUID], options: Options
    ) -> None:
        """Have planning look at every session that changed; it is committed, and the sweep finds what we miss."""
        if options.dry_run:
            self._console.print("Nothing was written: this was a dry run.")
        elif not concerned:
            self._console.print("Written; nothing is to be planned.")
        elif self._plans is not None and await self._poke(self._plans, organization, concerned):
            self._console.print(f"Written; planning follows for {len(concerned)} sessions.")
        else:
            self._console.print(
                "Written. Temporal is away: once it is back, the next sweep plans what changed."
            )

    async def _poke(self, plans: Plans, organization: Organization, concerned: Mapping[str, UUID]) -> bool:
        """Poke each session, many at once; return False as soon as Temporal does not answer."""
        away = False
        with self._bar("sessions") as progress:
            task = progress.add_task("Planning", total=len(concerned))

            async def poke(session: tuple[str, UUID]) -> None:
                nonlocal away
                if not away:
                    away = not await plans.session_changed(organization.key, *session)
                    progress.advance(task)

            await together(poke, concerned.items())
        return not away

    def _bar(self, unit: str) -> Progress:
        return Progress(
            TextColumn("  {task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
