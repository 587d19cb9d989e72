"""`relance import`: finds the parts, and hands the file to them."""

import json
import logging
import sys
from pathlib import Path

import typer
from rich.console import Console

from control.client import connect
from control.plans import Plans
from intake.importing import Importer, Options
from settings import Settings
from store.database import Store

ADDRESSES = "addresses.json"  # of a `relance up`, below its folder


async def run(path: Path, options: Options, *, folder: Path, yes: bool, console: Console) -> int:
    """Import a file into the database of the environment, or of the `relance up` that runs in `folder`."""
    logging.getLogger("control").setLevel(logging.ERROR)  # that Temporal is away is said once, at the end
    settings = find_settings(folder, "import into")
    store = Store(settings.database_url)
    try:
        plans = None if options.dry_run else await _plans(settings)
        asks = _confirmed if sys.stdin.isatty() and not yes else lambda _: True
        return await Importer(store, plans, console, asks).run(path, options)
    finally:
        await store.close()


def find_settings(folder: Path, purpose: str) -> Settings:
    """Return where the database of the environment is, or that of the `relance up` that runs in `folder`."""
    settings, running = Settings(), folder / ADDRESSES
    if settings.database_url:
        return settings
    if not running.exists():
        raise ValueError(
            f"Nothing is named to {purpose}: start `relance up` (--folder names its folder), or set DATABASE_URL "
            "and TEMPORAL_ADDRESS."
        )
    for name, value in json.loads(running.read_text()).items():
        if name in Settings.model_fields:
            setattr(settings, name, value)
    return settings


async def _plans(settings: Settings) -> Plans | None:
    """Return how to reach planning, or None when Temporal is away: what is written waits for the sweep."""
    if not settings.temporal_address:
        return None
    try:
        return Plans(await connect(settings.temporal_address, settings.temporal_namespace))
    except RuntimeError:
        return None


def _confirmed(question: str) -> bool:
    return typer.confirm(question)
