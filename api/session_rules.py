"""Rules as one session has them: switched off, at other times, with another template; and those of its own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.callers import InCaller
from api.cursors import CursorText, Limit, cut, read
from api.dry_run import InWriting
from api.etags import InPrecondition, tagged
from api.house import InHouse
from api.problems import Invalid, NotFound, Problem
from api.rule_checks import check_new_day, check_rule
from api.session_rule_answers import answer, applies, read_here, tag
from api.session_rule_bodies import (
    OwnRuleBody,
    SessionRuleAnswer,
    SessionRuleBody,
    SessionRules,
    SessionRuleWritten,
)
from api.session_rule_checks import lock_named, say_of_rules
from api.sessions import fetch_session, poke
from api.waiting import NO_CONTENT, InWatch
from domain.keys import Key
from domain.session_rules import OverrideBody
from store.caught_up import Awaited
from store.locks import change_facts
from store.own_rules import delete_own_rule, put_own_rule, switch_own_rule
from store.session_rules import SessionRule, delete_override, find_session_rules, list_session_rules
from store.sessions import Session

router = APIRouter(tags=["session rules"])


class SessionRuleWrite:
    """One request that changes what one session says of a rule."""

    def __init__(
        self,
        house: InWriting,
        watch: InWatch,
        caller: InCaller,
        precondition: InPrecondition,
        response: Response,
    ) -> None:
        self.house, self.watch, self.caller = house, watch, caller
        self._precondition, self._response = precondition, response

    async def hold(self, db: AsyncConnection, session: str, rule: str) -> tuple[Session, SessionRule | None]:
        """Return a session that nobody else changes until the transaction ends, and the rule as it has it."""
        await change_facts(db, (await fetch_session(db, self.house, session)).id)
        found = await fetch_session(db, self.house, session)
        self.caller.check_session(found.center)
        stands = await _find(db, found, rule)
        self._precondition.check(tag(stands) if stands else None)
        return found, stands

    async def wrote(self, db: AsyncConnection, session: str) -> Session:
        """Note what was written, in its transaction; return the session as it stands."""
        found = await fetch_session(db, self.house, session)
        await self.watch.wrote(db, Awaited(sessions={found.id: found.version}, told=[found.id]))
        return found

    async def followed(self, session: Session, said: SessionRuleAnswer, etag: str) -> SessionRuleWritten:
        """Have the session planned; answer, once planning has followed where that was asked."""
        if session.dirty:
            await poke(self.house, session)
        planned = await self.watch.planned(clean=not session.dirty)
        self._response.headers["ETag"] = etag
        return SessionRuleWritten(**dict(said), planned=planned, too_late=self.watch.too_late)


InWrite = Annotated[SessionRuleWrite, Depends(SessionRuleWrite)]


@router.get("/sessions/{id}/rules")
async def get_many(id: Key, house: InHouse, limit: Limit = 100, cursor: CursorText = None) -> SessionRules:
    """Return the rules that apply to a session, by id, each with its switch (F013, F071); also those that are off."""
    (after,) = read(cursor, str) or ("",)
    async with house.store.transaction() as db:
        here = await read_here(db, await fetch_session(db, house, id))
        found = await list_session_rules(db, here.session.id)
    shown = [rule for rule in found if rule.key > after and applies(rule, here)]
    page, next = cut(shown[: limit + 1], limit, lambda rule: (rule.key,))
    return SessionRules(items=[answer(rule, here) for rule in page], next=next)


@router.get("/sessions/{id}/rules/{rule}", responses=tagged())
async def get(id: Key, rule: Key, house: InHouse, response: Response) -> SessionRuleAnswer:
    """Return a rule as a session has it, whether it applies or not: `reason` says why not."""
    async with house.store.transaction() as db:
        session = await fetch_session(db, house, id)
        stands = await _find(db, session, rule)
        if stands is None:
            raise NotFound("rule", rule)
        response.headers["ETag"] = tag(stands)
        return answer(stands, await read_here(db, session))


@router.put("/sessions/{id}/rules/{rule}", responses=tagged())
async def put(id: Key, rule: Key, body: SessionRuleBody, write: InWrite) -> SessionRuleWritten:
    """Switch or override a rule for one session; a full rule as body makes a rule of its own (F008, F014, F072).

    Neither touches the rule, nor other sessions (F015, F073). Once this answers, nothing that it rules out leaves.
    """
    async with write.house.store.transaction() as db:
        await write.watch.begin(db)
        if isinstance(body, OwnRuleBody):
            await _put_own(db, write, id, rule, body)
        else:
            await _put_override(db, write, id, rule, body)
        session = await write.wrote(db, id)
        stands = await _find(db, session, rule)
        assert stands is not None  # noqa: S101 - it was written, in this transaction
        said = answer(stands, await read_here(db, session))
    return await write.followed(session, said, tag(stands))


@router.delete("/sessions/{id}/rules/{rule}", status_code=204, responses=NO_CONTENT)
async def delete(id: Key, rule: Key, write: InWrite) -> Response:
    """Have a rule be as everywhere again; delete a rule of the session's own, and stop what waits."""
    async with write.house.store.transaction() as db:
        await write.watch.begin(db)
        session, stands = await write.hold(db, id, rule)
        if stands is None:
            raise NotFound("rule", rule)
        if stands.own:
            await delete_own_rule(db, stands.id, by=write.caller.name)
        else:
            await delete_override(db, session.id, stands.id)
        session = await write.wrote(db, id)
    if session.dirty:
        await poke(write.house, session)
    return await write.watch.gone()


async def _put_own(
    db: AsyncConnection, write: SessionRuleWrite, id: str, key: str, body: OwnRuleBody
) -> None:
    await fetch_session(db, write.house, id)
    _check_own(body)
    template = await check_rule(db, write.house, body)  # templates come before facts
    session, stands = await write.hold(db, id, key)
    if stands is not None and not stands.own:
        detail = f"The rule {key!r} is everybody's: choose another id, or override it with offset, at and template."
        raise Problem(409, "rule-exists", detail)
    if body.active:
        await check_new_day(db, body, stands.definition if stands and stands.active else None)
    await put_own_rule(
        db,
        session.id,
        key,
        name=body.name,
        template=template,
        definition=body.definition(),
        active=body.active,
        by=write.caller.name,
    )


async def _put_override(
    db: AsyncConnection, write: SessionRuleWrite, id: str, key: str, body: OverrideBody
) -> None:
    await fetch_session(db, write.house, id)
    templates = await lock_named(db, write.house, {key: body})  # templates come before facts
    session, stands = await write.hold(db, id, key)
    if stands is None:
        raise NotFound("rule", key)
    if stands.own and body.active is not None and body.is_bare:
        await switch_own_rule(db, stands.id, active=body.active, by=write.caller.name)
    else:
        await say_of_rules(db, session.id, {key: body}, templates, by=write.caller.name)


def _check_own(body: OwnRuleBody) -> None:
    """Raise `Invalid` for what only a rule of many sessions can say."""
    wrong = []
    if body.centers != "all":
        wrong.append(("centers", "A rule of one session is shared with no center: leave it out."))
    if not body.existing_sessions:
        wrong.append(("existing_sessions", "A rule of one session concerns that session: leave it out."))
    if wrong:
        raise Invalid(*wrong)


async def _find(db: AsyncConnection, session: Session, rule: str) -> SessionRule | None:
    return (await find_session_rules(db, session.id, rule)).get(rule)
