"""Plan sessions and tell their workflows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.crier import Crier, Signaller
from activities.heartbeat import heartbeating
from domain.planning import plan
from store.database import Store
from store.failpoints import PLANNED, failpoint
from store.planning import CancelledMeanwhileError, is_dirty, load_snapshot, mark_planned, write_changes
from store.rules import fetch_rule_version, mark_rolled_out, note_roll_out
from store.sessions import count_sessions, list_session_ids

PAGE = 50  # sessions a heartbeat of a roll-out

# After so many seconds a roll-out says how far it is: it returns, and is called again.
ENOUGH = 5


@dataclass(frozen=True)
class PlanRequest:
    """Plan one session."""

    session: UUID


@dataclass(frozen=True)
class RollOutRequest:
    """Bring every session in line with one rule, from where an earlier call stopped."""

    rule: UUID
    progress: "RollOutProgress | None" = None


@dataclass(frozen=True)
class Planned:
    """What planning one session did."""

    changed: int  # sends written
    dirty: bool  # something changed meanwhile: plan again


@dataclass(frozen=True)
class FannedOut:
    """What telling the workflows of one session did."""

    told: int
    dirty: bool  # something changed meanwhile: plan again, and tell the rest after


@dataclass(frozen=True)
class RollOutProgress:
    """How far a roll-out is; kept in its heartbeats too, so that it goes on where it was."""

    version: int  # of the rule
    after: UUID | None = None
    sessions: int = 0  # done
    changed: int = 0  # sends
    dirty: bool = False  # at the end: the rule changed meanwhile, roll it out again
    total: int = 0  # sessions
    more: bool = False  # not at the end: call again


class PlanningActivities:
    """Planning, fan-out and roll-out, over one store and one Temporal client."""

    def __init__(self, store: Store, signaller: Signaller) -> None:
        self._store = store
        self._signaller = signaller

    @activity.defn
    async def plan_session(self, request: PlanRequest) -> Planned:
        """Bring the rows of one session in line with its rules; a second run changes nothing."""
        async with heartbeating():
            changed = await self._plan(request.session)
            async with self._store.transaction() as db:
                return Planned(changed, await is_dirty(db, request.session))

    @activity.defn
    async def fan_out(self, request: PlanRequest) -> FannedOut:
        """Tell every workflow of the session that is behind its row, until a newer change wants to be planned.

        Safe to repeat and to interrupt: a workflow keeps the highest version it has seen.
        """

        async def is_outdated() -> bool:
            async with self._store.transaction() as db:
                return await is_dirty(db, request.session)

        async with heartbeating():
            told, dirty = await Crier(self._store, self._signaller).tell_all([request.session], is_outdated)
        return FannedOut(told, dirty)

    @activity.defn
    async def roll_out(self, request: RollOutRequest) -> RollOutProgress:
        """Plan and tell some pages of sessions for one rule, until it is time to say how far it is.

        A second run goes on at the last heartbeat; a rule that changed meanwhile begins anew.
        """
        enough_at = time.monotonic() + ENOUGH
        async with heartbeating() as heart:
            progress = heart.progress = await self._begin(request)
            while page := await self._page(request.rule, progress.after):
                changed = sum([await self._plan(session, request.rule) for session in page])
                if not await self._tell_all(page, request.rule, progress.version):
                    return replace(await self._begin(request), more=True)
                progress = heart.progress = replace(
                    progress,
                    after=page[-1],
                    sessions=progress.sessions + len(page),
                    changed=progress.changed + changed,
                )
                async with self._store.transaction() as db:
                    await _note(db, request.rule, progress)
                if time.monotonic() >= enough_at:
                    return replace(progress, more=True)
            async with self._store.transaction() as db:
                dirty = await mark_rolled_out(db, request.rule, progress.version)
            return replace(progress, dirty=dirty, more=False)

    async def _begin(self, request: RollOutRequest) -> RollOutProgress:
        """Return where the last run or call for this version stopped, else the start."""
        beats = activity.info().heartbeat_details
        last = _PROGRESS.validate_python(beats[0]) if beats and beats[0] else None
        async with self._store.transaction() as db:
            version = await fetch_rule_version(db, request.rule)
            for known in (last, request.progress):
                if known and known.version == version:
                    return known
            progress = RollOutProgress(version, total=await count_sessions(db, request.rule))
            await _note(db, request.rule, progress)
            return progress

    async def _tell_all(self, sessions: Sequence[UUID], rule: UUID, version: int) -> bool:
        """Tell every workflow of these sessions; False as soon as the rule is no longer of this version."""

        async def is_outdated() -> bool:
            async with self._store.transaction() as db:
                return await fetch_rule_version(db, rule) != version

        crier = Crier(self._store, self._signaller, gives_way=True)
        _, outdated = await crier.tell_all(sessions, is_outdated)
        return not outdated

    async def _page(self, rule: UUID, after: UUID | None) -> list[UUID]:
        async with self._store.transaction() as db:
            return await list_session_ids(db, rule, after, PAGE)

    async def _plan(self, session: UUID, rule: UUID | None = None) -> int:
        while True:
            try:
                async with self._store.transaction() as db:
                    loaded = await load_snapshot(db, session, rule)
                    changes = plan(loaded.snapshot)
                    if rule is None:
                        await mark_planned(db, loaded)
                    changed = await write_changes(db, loaded.organization, session, changes)
            except CancelledMeanwhileError:
                continue
            failpoint(PLANNED)
            return changed


async def _note(db: AsyncConnection, rule: UUID, progress: RollOutProgress) -> None:
    """Write down how far it is, for whoever asks while the workers are busy."""
    await note_roll_out(db, rule, progress.version, sessions=progress.sessions, total=progress.total)


_PROGRESS = TypeAdapter(RollOutProgress)
