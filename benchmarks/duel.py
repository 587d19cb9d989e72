"""Relance and the ceiling in turn, A B A B A B: medians of both, and how near the one comes to the other."""

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from benchmarks.ceiling import Ceiling, ceiling
from benchmarks.relance import Relance, relance

ROUNDS = 3

Side = TypeVar("Side", Relance, Ceiling)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one side was seen to do in one round; both sides name the same figures, processes apart."""

    rates: Mapping[str, float]  # more is better
    costs: Mapping[str, float]  # less is better
    cpu: Mapping[str, float] = field(default_factory=dict)  # ms for each send, by process


async def duel(
    console: Console,
    title: str,
    ours: Callable[[Relance], Awaitable[Taken]],
    bare: Callable[[Ceiling], Awaitable[Taken]],
    rounds: int = ROUNDS,
) -> None:
    """Run both in turn and print what was seen.

    Each round of each side begins with a house of its own, empty: neither leaves the other, nor its own next round,
    workflows, rows or a larger file.
    """
    taken: list[tuple[Taken, Taken]] = []
    with console.status("") as status:
        for nth in range(1, rounds + 1):
            status.update(f"{title}: round {nth} of {rounds}, Relance")
            one = await _alone(relance, ours)
            status.update(f"{title}: round {nth} of {rounds}, the ceiling")
            taken.append((one, await _alone(ceiling, bare)))
    console.print(_table(title, taken))


async def _alone(
    house: Callable[[Path], AbstractAsyncContextManager[Side]], work: Callable[[Side], Awaitable[Taken]]
) -> Taken:
    with tempfile.TemporaryDirectory(prefix="relance-bench-") as folder:
        async with house(Path(folder)) as side:
            return await work(side)


def _table(title: str, rounds: list[tuple[Taken, Taken]]) -> Table:
    table = Table("", "Relance", "ceiling", "share", title=title, title_justify="left", min_width=72)
    for column in table.columns[1:]:
        column.justify = "right"
    first, _ = rounds[0]
    for name in first.rates:
        pairs = [(one.rates[name], bare.rates[name]) for one, bare in rounds]
        table.add_row(name, *_medians(pairs), f"{median(one / bare for one, bare in pairs):.2f}")
    for name in first.costs:
        pairs = [(one.costs[name], bare.costs[name]) for one, bare in rounds]
        table.add_row(name, *_medians(pairs), f"{median(bare / one for one, bare in pairs):.2f}")
    pairs = [(sum(one.cpu.values()), sum(bare.cpu.values())) for one, bare in rounds]
    share = median(bare / one for one, bare in pairs)
    table.add_row("CPU for each send, ms", *_medians(pairs), f"{share:.2f}")
    for name in {name: None for one, bare in rounds for name in (*one.cpu, *bare.cpu)}:
        pairs = [(one.cpu.get(name, 0), bare.cpu.get(name, 0)) for one, bare in rounds]
        table.add_row(f"  {name}", *_medians(pairs), "")
    return table


def _medians(pairs: list[tuple[float, float]]) -> tuple[str, str]:
    return _shown(median(one for one, _ in pairs)), _shown(median(bare for _, bare in pairs))


def _shown(value: float) -> str:
    """Three figures, where there are so many."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
