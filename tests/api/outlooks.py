"""What really becomes of mails, read from the rows before and after: what an outlook is held against."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from store.organizations import MAIN, fetch_organization
from tests.api.door import Door
from tests.api.story import NOW
from tests.store.store_rows import Rows

WAITING = {"scheduled", "claimed"}
LEAVING = ("appear", "again", "move")

_ROWS = text("""
    select s.*, ses.key as session, r.key as rule, people.key as person,
           coalesce(companies.key, its.key) as company, coalesce(s.template_id, r.template_id) as by_template
    from sends s
    join sessions ses on ses.id = s.session_id
    join rules r on r.id = s.rule_id
    join participations p on p.id = s.participation_id
    left join people on people.id = p.person_id
    left join companies on companies.id = p.company_id
    left join companies its on its.id = s.recipient_id
""")

Sends = dict[Any, dict[str, Any]]


@dataclass
class World:
    """A door, and planning behind it."""

    door: Door
    rows: Rows

    async def sends(self) -> Sends:
        async with self.door.store.transaction() as db:
            return {row.id: dict(row._mapping) for row in await db.execute(_ROWS)}

    async def plan(self) -> None:
        """Have planning follow all that was written."""
        for (rule,) in await self.rows.execute(
            "select id from rules where version > planned_version and session_id is null order by key"
        ):
            await self.rows.roll_out(rule)
        for (session,) in await self.rows.execute("select id from sessions order by key"):
            await self.rows.plan(session)

    async def leave(self, session: str, rule: str, person: str | None = None) -> int:
        """Have mails of a rule that wait for a session leave as if their time had come; return how many did."""
        left = await self.rows.execute(
            """
            update sends set status = 'sent', handed_at = relance_now(), ended_at = relance_now(), attempts = 1,
                version = sends.version + 1
            from sessions, rules
            where sends.status = 'scheduled' and sessions.id = sends.session_id and rules.id = sends.rule_id
              and sessions.key = :session and rules.key = :rule
              and (cast(:person as text) is null
                   or recipient_id = (select id from people where people.key = :person))
            returning sends.id
            """,
            session=session,
            rule=rule,
            person=person,
        )
        return len(left)


async def open_world(door: Door) -> World:
    async with door.store.transaction() as db:
        organization = await fetch_organization(db, MAIN)
    return World(door, Rows(door.store, organization))


def happened(before: Sends, after: Sends) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of which each came true, by what an outlook calls it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for id, now in after.items():
        was = before.get(id)
        kind = _kind(was, now)
        if kind is not None:
            found.setdefault(kind, []).append({**now, "was_at": was and was["due_at"]})
    _tell_what_was_forgotten(found, before)
    return found


def _tell_what_was_forgotten(found: dict[str, list[dict[str, Any]]], before: Sends) -> None:
    """Tell a mail that has a new row, since its rule has forgotten the one before, from one that nobody was to get."""
    for row in [row for row in found.get("appear", []) if row["occurrence"].startswith("m")]:
        found["appear"].remove(row)
        gone = [one for one in found.get("disappear", []) if _line(one) == _line(row)]
        if gone:
            found["disappear"].remove(gone[0])
            same = gone[0]["due_at"] == row["due_at"]
            found.setdefault("anyway" if same else "move", []).append({**row, "was_at": gone[0]["due_at"]})
            continue
        told = any(one["status"] == "sent" and _line(one)[:4] == _line(row)[:4] for one in before.values())
        found.setdefault("again" if told else "appear", []).append(row)


def _line(row: dict[str, Any]) -> tuple[Any, ...]:
    step = re.sub("^m[0-9]+:", "", row["occurrence"])
    return row["session"], row["rule"], row["scope_id"], row["recipient_id"], step, row["covers"]


def _kind(was: dict[str, Any] | None, now: dict[str, Any]) -> str | None:
    waited, waits = was is not None and was["status"] in WAITING, now["status"] in WAITING
    if was is not None and _is_as_it_was(was, now):
        return None
    if waits and not waited:
        return "appear"
    if waits and was is not None:
        same = all(was[name] == now[name] for name in _WRITES)
        return "move" if _leaves(was) != _leaves(now) else None if same else "change"
    if now["status"] == "missed":
        return "too_late"
    return "disappear" if waited else None


_WRITES = ("participation_id", "covers", "by_template")
_TELLS = ("status", "due_at", *_WRITES)


def _is_as_it_was(was: dict[str, Any], now: dict[str, Any]) -> bool:
    return all(was[name] == now[name] for name in _TELLS)


def agrees(outlook: dict[str, Any], came: dict[str, list[dict[str, Any]]]) -> None:
    """Check that an outlook is what came: how many, who, when, and on which days."""
    for kind in ("appear", "again", "move", "change", "anyway", "disappear"):
        rows = came.get(kind, [])
        assert outlook[kind]["count"] == len(rows), (kind, outlook["said"], rows)
        told = Counter(_told(mail) for mail in outlook[kind]["first"])
        assert told == Counter(_row(kind, row) for row in rows), kind
    missed = [mail for mail in outlook["too_late"]["first"] if mail["was_at"]]
    assert Counter(map(_told, missed)) == Counter(_row("too_late", row) for row in came.get("too_late", []))
    leaving = [row for kind in LEAVING for row in came.get(kind, [])]
    days = Counter(f"{_local(row):%Y-%m-%d}" for row in leaving)
    assert {day["day"]: day["mails"] for day in outlook["per_day"]} == days
    ends = sorted(_leaves(row) for row in leaving)
    shown = [
        end and _due(datetime.fromisoformat(end["due_at"])) for end in (outlook["first"], outlook["last"])
    ]
    assert shown == ([ends[0], ends[-1]] if ends else [None, None])
    told_too_late = len(outlook["too_late"]["first"]) - len(missed)
    counts = sum(sum(one["mails"].values()) for one in outlook["sessions"]["first"])
    others = outlook["already_told"]["count"] + outlook["past_the_fence"]["count"]
    assert counts == sum(map(len, came.values())) + told_too_late + others


def _due(at: datetime) -> datetime:
    """Return an instant; "at once" is the same in a rehearsal and after it."""
    return NOW if NOW <= at < NOW + timedelta(hours=1) else at


def _told(mail: dict[str, Any]) -> tuple[Any, ...]:
    due = mail["due_at"] and _due(datetime.fromisoformat(mail["due_at"]))
    return mail["session"], mail["rule"], mail["person"], mail["company"], due, mail["reason"]


def _row(kind: str, row: dict[str, Any]) -> tuple[Any, ...]:
    due = None if kind == "disappear" else _leaves(row) if kind in LEAVING else _due(row["due_at"])
    return row["session"], row["rule"], row["person"], row["company"], due, row["reason"]


def _leaves(row: dict[str, Any]) -> datetime:
    """Return when a mail leaves: at once, where it was due before."""
    return max(NOW, _due(row["due_at"]))


def _local(row: dict[str, Any]) -> datetime:
    at = _leaves(row)
    return at.astimezone(ZoneInfo(row["due_zone"]))
