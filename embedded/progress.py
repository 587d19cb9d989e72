"""Progress of a start, for a person to watch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """One line for each stage: a spinner while it lasts on a terminal, a tick and its time when it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        with self._console.status(f"{name} …"):
            if not self._console.is_terminal:
                self._console.print(f"  … {name}")
            yield
        seconds = time.monotonic() - began
        self._console.print(f"  [green]✓[/] {name:<20}[dim]{seconds:4.1f} s[/]")
