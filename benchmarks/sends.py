"""Sends by the thousand: armed, re-dated, due in one second, and one by one at rest."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

from rich.console import Console

from benchmarks.ceiling import Ceiling
from benchmarks.duel import Taken, duel
from benchmarks.relance import Relance

COUNT = 1000
SESSIONS = 4  # of `arming`
AT_REST = 60
APART = timedelta(milliseconds=300)

# Every timer is set, and everything at rest, before the first is due.
AHEAD = timedelta(seconds=45)
AHEAD_AT_REST = timedelta(seconds=15)


async def arming(console: Console) -> None:
    """From the call that activates a rule to the last timer set."""

    async def ours(house: Relance) -> Taken:
        await house.enrol([_months_ahead(6)] * SESSIONS, COUNT // SESSIONS)
        await house.make_rule(anchor="session.start", offset="-P7D", at="09:00")
        meter, began = await house.meter(), time.time()
        seconds = await house.activate() - began
        return Taken({"armed each second": COUNT / seconds}, {}, await meter.read(COUNT))

    async def bare(house: Ceiling) -> Taken:
        meter, began = await house.meter(), time.time()
        seconds = await house.start([_months_ahead(6)] * COUNT) - began
        return Taken({"armed each second": COUNT / seconds}, {}, await meter.read(COUNT))

    await duel(console, f"Arming: {COUNT:,} sends planned, started and asleep", ours, bare)


async def redating(console: Console) -> None:
    """From the call that moves a session to its last timer replaced."""

    async def ours(house: Relance) -> Taken:
        await house.enrol([_months_ahead(6)], COUNT)
        await house.make_rule(anchor="session.start", offset="-P7D", at="09:00")
        await house.activate()
        meter, began = await house.meter(), time.time()
        seconds = await house.move(_months_ahead(7)) - began
        return Taken({"re-dated each second": COUNT / seconds}, {}, await meter.read(COUNT))

    async def bare(house: Ceiling) -> Taken:
        await house.start([_months_ahead(6)] * COUNT)
        meter, began = await house.meter(), time.time()
        seconds = await house.move(_months_ahead(7)) - began
        return Taken({"re-dated each second": COUNT / seconds}, {}, await meter.read(COUNT))

    await duel(console, f"Re-dating: a session of {COUNT:,} moved", ours, bare)


async def burst(console: Console) -> None:
    """From the second in which all are due to the last mail taken, and to the last workflow ended."""

    async def ours(house: Relance) -> Taken:
        due = datetime.now(UTC) + AHEAD
        await house.enrol([_months_ahead(6)], COUNT)
        await house.make_rule(anchor="date", date=due.isoformat())
        await house.activate()
        meter = await house.meter()
        _still_ahead(due)
        return _burst([due] * COUNT, await house.sent(), house, await meter.read(COUNT))

    async def bare(house: Ceiling) -> Taken:
        due = datetime.now(UTC) + AHEAD
        await house.start([due] * COUNT)
        meter = await house.meter()
        _still_ahead(due)
        return _burst([due] * COUNT, await house.done(), house, await meter.read(COUNT))

    await duel(console, f"Burst: {COUNT:,} sends due in one second", ours, bare)


async def rest(console: Console) -> None:
    """How late a mail is where nothing else is going on."""

    async def ours(house: Relance) -> Taken:
        dues = _one_by_one()
        await house.enrol(dues, people=1)
        await house.make_rule(anchor="session.start")
        await house.activate()
        meter = await house.meter()
        _still_ahead(dues[0])
        await house.sent()
        return Taken({}, _lateness(dues, house.handed_over_at()), await meter.read(AT_REST))

    async def bare(house: Ceiling) -> Taken:
        dues = _one_by_one()
        await house.start(dues)
        meter = await house.meter()
        _still_ahead(dues[0])
        await house.done()
        return Taken({}, _lateness(dues, house.handed_over_at()), await meter.read(AT_REST))

    await duel(
        console, f"At rest: {AT_REST} sends, {APART / timedelta(milliseconds=1):.0f} ms apart", ours, bare
    )


def _burst(
    dues: Sequence[datetime], ended_at: float, house: Relance | Ceiling, cpu: dict[str, float]
) -> Taken:
    handed = house.handed_over_at()
    rates = {
        "handed over each second": len(dues) / (max(handed) - dues[0]).total_seconds(),
        "completed each second": len(dues) / (ended_at - dues[0].timestamp()),
    }
    lengths = house.history_lengths()
    events = {"history events, median": median(lengths), "history events, most": lengths[-1]}
    return Taken(rates, _lateness(dues, handed) | events, cpu)


def _lateness(dues: Sequence[datetime], handed: Sequence[datetime]) -> dict[str, float]:
    assert len(handed) == len(dues), f"{len(handed)} of {len(dues)} were handed over"
    late = [(at - due).total_seconds() for due, at in zip(dues, sorted(handed), strict=True)]
    assert min(late) >= 0, "a mail left before it was due"
    return {"late, median, s": median(late), "late, p99, s": quantiles(late, n=100)[98]}


def _one_by_one() -> list[datetime]:
    first = datetime.now(UTC) + AHEAD_AT_REST
    return [first + nth * APART for nth in range(AT_REST)]


def _months_ahead(months: int) -> datetime:
    return datetime.now(UTC) + months * timedelta(days=30)


def _still_ahead(due: datetime) -> None:
    assert datetime.now(UTC) < due, "this machine is too slow: the first was due before all was at rest"
