"""Sends that were never planned, tokens that open nothing else, and a browser without a window."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from domain.explanations import Explanation
from domain.participations import Role
from domain.rules import RuleDefinition
from domain.sends import FINAL, Reason, Status
from domain.steps import Code, step
from domain.subjects import Record
from domain.triggers import DateTrigger
from mail.outbox import Outbox
from store.explanations import PlaceName, RecipientName, RuleName, Story
from store.visits import VisitToken
from web.asked import Asked
from web.days import DayCount
from web.pages import create_pages
from web.planned import Act, Choices, Page, PlannedSend, Preview
from web.sign_in import SignIn

NOW = datetime(2026, 11, 21, 19, 40, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
SOME_ID = UUID("5d1b6f7e-6a57-5e0b-9d0b-3a2f2f1f7c11")
TOKEN = "relance_a-token-of-the-tests"


class FakeSends:
    """A list in the order given, unless another is asked for. Its cursors are the numbers of rows already seen."""

    zone = PARIS

    def __init__(self, sends: Sequence[PlannedSend], preview: Preview | None = None) -> None:
        self._sends = list(sends)
        self.preview = preview or a_preview()
        self.asked: list[Asked] = []  # of every list, the newest last
        self.deciders: list[str | None] = []

    async def list_planned(self, asked: Asked, limit: int) -> Page[PlannedSend]:
        self.asked.append(asked)
        found = self._found(asked)
        if asked.sort:
            found.sort(key=_KEYS[asked.sort.column], reverse=asked.sort.startswith("-"))
        start = int(asked.after or 0)  # ValueError for a cursor that is none
        end = start + limit
        return Page(found[start:end], str(end) if end < len(found) else None)

    async def count_planned(self, asked: Asked, most: int) -> int:
        return min(most, len(self._found(asked)))

    async def count_by_day(self, asked: Asked, first: date, days: int) -> Sequence[DayCount]:
        found = self._found(replace(asked, due_from=first, due_to=first + timedelta(days=days - 1)))
        by_day = {
            day: Counter(send.status for send in found if _day(send) == day) for day in map(_day, found)
        }
        return [DayCount(day, counts) for day, counts in by_day.items()]

    async def find_day_outside(self, asked: Asked, first: date, days: int) -> date | None:
        due = sorted(_day(send) for send in self._found(replace(asked, due_from=None, due_to=None)))
        after = [day for day in due if day >= first + timedelta(days=days)]
        return next(iter(after), due[-1] if due else None)

    async def list_choices(self) -> Choices:
        return Choices(
            {send.rule_key: send.rule_name for send in self._sends},
            {send.template_key: send.template_key for send in self._sends},
        )

    async def find_planned(self, id: UUID) -> PlannedSend | None:
        return next((send for send in self._sends if send.id == id), None)

    async def find_story(self, id: UUID) -> Story | None:
        send = await self.find_planned(id)
        return a_story(send) if send else None

    async def find_preview(self, id: UUID) -> Preview | None:
        return self.preview if await self.find_planned(id) else None

    async def act(self, id: UUID, act: Act, by: str | None = None) -> bool | None:
        self.deciders.append(by)
        send = await self.find_planned(id)
        if send is None:
            return None
        if act not in send.acts:
            return False
        self.becomes(id, _BECOMES[act], Reason.CANCELLED_BY_HAND if act is Act.CANCEL else None)
        return True

    def becomes(self, id: UUID, status: Status, reason: Reason | None = None) -> None:
        """Have a send stand elsewhere, as if somebody else had been there."""
        acts = _ACTS.get(status, frozenset())
        self._sends = [
            replace(send, status=status, reason=reason, acts=acts) if send.id == id else send
            for send in self._sends
        ]

    def _found(self, asked: Asked) -> list[PlannedSend]:
        return [send for send in self._sends if all(_TESTS[name](send, asked) for name in asked.filters)]


def _day(send: PlannedSend) -> date:
    return send.due_at.astimezone(PARIS).date()


def _within(part: str | None, *texts: str | None) -> bool:
    return any((part or "").lower() in (text or "").lower() for text in texts)


_ACTS = {
    Status.SCHEDULED: frozenset({Act.CANCEL, Act.SEND_NOW}),
    Status.CANCELLED: frozenset({Act.REACTIVATE}),
    Status.MISSED: frozenset({Act.SEND_NOW}),
    Status.IN_DOUBT: frozenset({Act.ARRIVED, Act.SEND_AGAIN, Act.DROP}),
}

_BECOMES = {
    Act.CANCEL: Status.CANCELLED,
    Act.REACTIVATE: Status.SCHEDULED,
    Act.SEND_NOW: Status.SENT,
    Act.ARRIVED: Status.SENT,
    Act.SEND_AGAIN: Status.SCHEDULED,
    Act.DROP: Status.FAILED,
}

_TESTS: dict[str, Callable[[PlannedSend, Asked], bool]] = {
    "due_from": lambda send, asked: asked.due_from is not None and _day(send) >= asked.due_from,
    "due_to": lambda send, asked: asked.due_to is not None and _day(send) <= asked.due_to,
    "recipient": lambda send, asked: _within(asked.recipient, send.recipient_name, send.recipient_address),
    "company": lambda send, asked: send.company == asked.company,
    "kind": lambda send, asked: send.definition is not None,
    "subject": lambda send, asked: _within(asked.subject, send.subject),
    "rule": lambda send, asked: send.rule_key == asked.rule,
    "template": lambda send, asked: send.template_key == asked.template,
    "session": lambda send, asked: send.session_key == asked.session,
    "center": lambda send, asked: send.center == asked.center,
    "room": lambda send, asked: send.room == asked.room,
    "status": lambda send, asked: send.status in asked.status,
    "reason": lambda send, asked: send.reason == asked.reason,
}

_KEYS: dict[str, Callable[[PlannedSend], Any]] = {
    "due": lambda send: send.due_at,
    "recipient": lambda send: send.recipient_name,
    "rule": lambda send: send.rule_name,
    "session": lambda send: send.session_name,
    "status": lambda send: send.status in FINAL,
}


class FakeTokens:
    """One token, until it is revoked."""

    def __init__(self) -> None:
        self.is_revoked = False

    async def find_id(self, words: str) -> UUID | None:
        return SOME_ID if words == TOKEN and not self.is_revoked else None

    async def find(self, id: UUID) -> VisitToken | None:
        return VisitToken("LMS", "digest") if id == SOME_ID and not self.is_revoked else None


def a_trigger(**fields: str) -> DateTrigger:
    return DateTrigger.model_validate({"type": "date", **fields})


def an_id(number: int) -> UUID:
    return UUID(int=number)


def a_preview(**fields: Any) -> Preview:
    usual: dict[str, Any] = {
        "sender": "Relance <training@example.org>",
        "to": "Ada Lovelace <ada@example.org>",
        "cc": [],
        "subject": "Your session in a week",
        "html": "<p style='color: rgb(1, 2, 3)'>Hello <b>Ada</b></p>",
        "text": "Hello Ada",
    }
    return Preview(**{**usual, **fields})


def a_send(**fields: Any) -> PlannedSend:
    """Return Ada's invitation, 7 days before a session in Paris, unless `fields` say otherwise."""
    trigger = fields.pop("trigger", a_trigger(anchor="session.start", offset="-P7D", at="09:00"))
    usual: dict[str, Any] = {
        "id": SOME_ID,
        "due_at": datetime(2026, 11, 28, 8, tzinfo=UTC),
        "zone": PARIS,
        "rule_key": "convocation-j7",
        "rule_name": "Convocation J-7",
        "definition": trigger and RuleDefinition(trigger=trigger),
        "session_key": "S-2026-041",
        "session_name": "Speaking in public",
        "recipient_name": "Ada Lovelace",
        "recipient_address": "ada@example.org",
        "template_key": "convocation",
        "subject": None,
        "status": Status.SCHEDULED,
        "reason": None,
        "workflow_url": None,
        "acts": _ACTS.get(fields.get("status", Status.SCHEDULED), frozenset()),
    }
    return PlannedSend(**{**usual, **fields})


def a_story(send: PlannedSend) -> Story:
    """Return why a send is where it is; and of another rule, under the same names, why it never made one."""
    part = an_id(901)
    record = Record(
        send.id,
        an_id(902),
        an_id(903),
        part,
        "1",
        send.status,
        send.reason,
        send.due_at,
        send.due_at,
        send.zone.key,
    )
    stands = step(Code.STANDS, status=send.status, at=send.due_at, leaves_at=send.due_at)
    local = send.due_at.astimezone(send.zone).replace(tzinfo=None)
    why = [
        step(Code.ABOUT, participants=[str(part)]),
        step(Code.RECEIVED_BY, rule=send.rule_name, at=NOW),
    ]
    counting = [step(Code.DUE, local=local, at=send.due_at, zone=send.zone.key)]
    history = [step(Code.PLANNED, happened_at=NOW, due_at=send.due_at)]
    its_own = Explanation(
        an_id(902),
        an_id(903),
        part,
        send.zone.key,
        send.due_at,
        record,
        stands,
        why,
        counting,
        history,
    )
    never = replace(
        its_own,
        rule=an_id(904),
        record=None,
        verdict=step(Code.NEVER_CREATED),
        why=[step(Code.SESSION_CENTER, wanted=[send.rule_name], found=send.session_name, met=False)],
        history=[],
    )
    rule = RuleName(send.rule_key, send.rule_name)
    return Story(
        send.session_key,
        send.status is not Status.CLAIMED,
        [its_own, never],
        {an_id(902): rule, an_id(904): rule},
        {an_id(903): PlaceName(name=send.session_name)},
        {part: RecipientName("ada", send.recipient_name, Role.PARTICIPANT)},
    )


def pages(
    sends: Sequence[PlannedSend] | FakeSends = (),
    outbox: Outbox | None = None,
    temporal_ui: str | None = None,
    tokens: FakeTokens | None = None,
    now: Callable[[], datetime] = lambda: NOW,
) -> FastAPI:
    app = FastAPI()
    kept = sends if isinstance(sends, FakeSends) else FakeSends(sends)
    sign_in = SignIn(tokens, now) if tokens else None
    app.include_router(create_pages(kept, outbox, temporal_ui, sign_in, now, host="relance.test"))
    return app


def browse(app: FastAPI, language: str = "en", client: tuple[str, int] = ("127.0.0.1", 1)) -> AsyncClient:
    """Return a client that follows no redirect, asks for `language`, and sends forms as our own pages do."""
    headers = {"Accept-Language": language, "Sec-Fetch-Site": "same-origin"}
    transport = ASGITransport(app, client=client)
    return AsyncClient(transport=transport, base_url="http://relance.test", headers=headers)
