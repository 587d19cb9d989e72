"""`relance`: the commands."""

import asyncio
import logging
import os
import re
import sys
from collections.abc import Coroutine
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Email automation around sessions.",
)
console = Console(highlight=False, soft_wrap=True)

tokens = typer.Typer(no_args_is_help=True, help="Who may use the API, in the database of DATABASE_URL.")
app.add_typer(tokens, name="token")

Folder = Annotated[Path, typer.Option(help="Where everything is kept.", envvar="RELANCE_FOLDER")]


@app.command()
def up(folder: Folder = Path("var")) -> None:
    """Start everything on this machine: database, Temporal, mailbox, worker, API, pages."""
    from embedded.up import up as run

    _run(run(folder, console))


@app.command()
def doctor(folder: Folder = Path("var")) -> None:
    """Check every part and say how to mend what is wrong."""
    from embedded.doctor import doctor as run

    _run(run(folder, console))


@app.command()
def migrate() -> None:
    """Bring the database of DATABASE_URL up to date."""
    from migrate import migrate as run
    from settings import Settings

    _run(run(Settings().require("database_url")))


@app.command()
def worker() -> None:
    """Work for the database and the Temporal of the environment."""
    from settings import Settings
    from worker import run

    _log()
    _run(run(Settings()))


@app.command()
def api() -> None:
    """Serve the API and the pages on RELANCE_HOST and RELANCE_PORT."""
    from server import run
    from settings import Settings

    _log()
    _run(run(Settings()))


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="JSON Lines, CSV, or the schedule of a conference.")],
    participants: Annotated[
        int, typer.Option(min=0, max=1000, help="Make up so many people for each session.")
    ] = 0,
    shift_to: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Move all of it by whole weeks, to begin on or after a date."
        ),
    ] = None,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Delete the sessions that are not in the file.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Write the other rows where some are refused.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    folder: Folder = Path("var"),
) -> None:
    """Bring sessions from a file, into DATABASE_URL or what `relance up` runs; all of it, or nothing."""
    from importer import run
    from intake.importing import Options

    earliest = shift_to and shift_to.date()
    options = Options(participants, earliest, remove_missing, skip_bad, dry_run)
    _run(run(file, options, folder=folder, yes=yes, console=console))


@app.command()
def simulate(
    rule: Annotated[str, typer.Argument(help="Its id.")],
    off: Annotated[bool, typer.Option("--off", help="Switched off, in the place of on.")] = False,
    folder: Folder = Path("var"),
) -> None:
    """Say what switching a rule on would do to the mails of all sessions; nothing is changed."""
    from simulator import run

    _run(run(rule, off=off, folder=folder, console=console))


@tokens.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="For whom it is.")],
    center: Annotated[
        list[str] | None, typer.Option(help="Limit it to this center; may be said several times.")
    ] = None,
) -> None:
    """Make a token and print it: it cannot be shown again."""
    from access import create
    from settings import Settings

    _run(create(Settings().require("database_url"), name, center or [], console))


@tokens.command("list")
def list_tokens() -> None:
    """List the tokens by what they are for; what they say is nowhere kept."""
    from access import list_all
    from settings import Settings

    _run(list_all(Settings().require("database_url"), console))


@tokens.command("revoke")
def revoke_token(id: UUID) -> None:
    """Revoke a token: it opens nothing from now on."""
    from access import revoke
    from settings import Settings

    _run(revoke(Settings().require("database_url"), id))


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def _run(work: Coroutine[None, None, int | None]) -> NoReturn:
    """Run to the end and leave; whatever goes wrong is told in one line, with the cure."""
    import psycopg
    from sqlalchemy.exc import SQLAlchemyError
    from temporalio.service import RPCError

    try:
        code = asyncio.run(work) or 0
    except KeyboardInterrupt:
        console.print("Stopped.")
        code = 130
    except ValidationError as error:
        code = _refuse(error)
    except (SQLAlchemyError, psycopg.Error) as error:
        # Only what happened: the lines below quote rows.
        code = _complain(str(getattr(error, "orig", None) or error).strip().partition("\n")[0])
    except (OSError, RuntimeError, LookupError, ValueError, RPCError) as error:
        # A URL that somebody else's error quotes may hold a password.
        code = _complain(re.sub(r"(?<=://)[^/\s]*@", "…@", str(error)))
    sys.stdout.flush()
    os._exit(code)  # the SDK sometimes aborts while the interpreter ends (PERFORMANCE 0, 9)


def _complain(message: str) -> int:
    console.print(f"[red]✗[/] {escape(message.strip())}")
    return 1


def _refuse(error: ValidationError) -> int:
    """Print one line for each wrong setting."""
    from settings import explain

    for line in explain(error):
        _complain(line)
    return 1


def main(*arguments: str) -> None:
    """Run a command: of the command line, or the one given."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ is no reason to stop
    try:
        app(list(arguments) or None)
    except ValidationError as error:
        sys.exit(_refuse(error))
    except ValueError as error:
        sys.exit(_complain(str(error)))


if __name__ == "__main__":
    main()
