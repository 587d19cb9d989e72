"""What an import says to the person who watches it."""

from collections.abc import Sequence
from datetime import date, timedelta

from rich.console import Console
from rich.markup import escape

from intake.contents import Contents
from intake.rows import Rejected
from intake.writing import Outcome, Tally

_SHOWN = 10  # ids of sessions that vanish, in one line


def tell_rejected(console: Console, rejected: Sequence[Rejected]) -> None:
    """Print one line for each row that is refused."""
    for one in rejected:
        console.print(f"[red]✗[/] {escape(str(one))}")


def tell_moved(console: Console, moved: timedelta, earliest: date) -> None:
    weeks = moved // timedelta(weeks=1)
    way = "forward" if weeks >= 0 else "back"
    console.print(f"  The schedule moves {way} by {abs(weeks)} weeks, to begin on or after {earliest}.")


def tell_refused(console: Console, contents: Contents) -> None:
    of = len(contents.rows) + len(contents.rejected)
    console.print(
        f"Nothing was written: {len(contents.rejected)} of {of} rows are refused. "
        "Mend them, or leave them out with --skip-bad."
    )


def tell_missing(console: Console, missing: Sequence[str]) -> None:
    some = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
    console.print(f"  {len(missing)} sessions are not in the file: {some}")


def tell_outcome(console: Console, outcome: Outcome, skipped: int) -> None:
    """Print what became of sessions, people and who takes part, a line for each."""
    _tell(console, "Sessions", outcome.sessions, "new", "removed")
    _tell(console, "People", outcome.people, "new", "removed")
    _tell(console, "Taking part", outcome.parts, "joined", "left")
    if skipped:
        console.print(f"  {skipped} rows were refused, and left out.")


def _tell(console: Console, what: str, tally: Tally, came: str, went: str) -> None:
    told = f"{tally.new} {came}, {tally.changed} changed, {tally.removed} {went}, {tally.same} as they were"
    if tally.ignored:
        told += f", {tally.ignored} older than what stands there"
    console.print(f"  {what:<13}{told}")
