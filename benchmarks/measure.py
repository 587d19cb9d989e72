"""A B A B: two ways in turn, medians, and the ratio pair by pair."""

import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Round:
    """One measured run."""

    seconds: float
    cpu_seconds: float  # of this process and the children it waited for


async def measured(work: Callable[[], Awaitable[object]]) -> Round:
    began, used = time.perf_counter(), _cpu()
    await work()
    return Round(time.perf_counter() - began, _cpu() - used)


async def compare(
    console: Console,
    what: str,
    count: int,
    ours: Callable[[], Awaitable[object]],
    ceiling: Callable[[], Awaitable[object]],
    rounds: int = 5,
) -> float:
    """Run both in turn, print rates and their ratio, and return the ratio's median: 1 is the ceiling."""
    pairs = [(await measured(ours), await measured(ceiling)) for _ in range(rounds)]
    ratio = median(bare.seconds / own.seconds for own, bare in pairs)
    own = count / median(pair[0].seconds for pair in pairs)
    bare = count / median(pair[1].seconds for pair in pairs)
    cpu = median(pair[0].cpu_seconds for pair in pairs) / count * 1e6
    console.print(
        f"{what}: {own:,.0f}/s, ceiling {bare:,.0f}/s, share {ratio:.2f}; {cpu:.1f} µs of our CPU each"
    )
    return ratio


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
