"""The demo organization: a few sessions and rules whose mails arrive now, and others in the coming weeks."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPResponse
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

# Time to be planned first, on a slow machine too: what is past when it is planned is not sent.
SOON = timedelta(seconds=10)

PEOPLE = {
    "claire": {"first_name": "Claire", "last_name": "Martin", "language": "en"},
    "tom": {"first_name": "Tom", "last_name": "O’Brien", "language": "en"},
    "zoe": {"first_name": "Zoé", "last_name": "Lefèvre", "language": "en"},
    "amadou": {"first_name": "Amadou", "last_name": "Diallo", "language": "en"},
    "ines": {"first_name": "Inês", "last_name": "Carvalho", "language": "en"},
}

_STYLE = (
    "<style>body{margin:0;background:#f4f4f1;font:16px/1.55 Georgia,serif;color:#23262b}"
    ".card{max-width:34rem;margin:1.5rem auto;padding:1.75rem 2rem;background:#fff;border-radius:10px}"
    "h1{margin:0 0 1rem;font-size:1.5rem}.when{padding:.75rem 1rem;background:#e6f1ec;border-radius:8px}"
    ".foot{color:#6b7077;font-size:.875rem}</style>"
)


def _template(subject: str, body: str) -> dict[str, str]:
    html = (
        f"{_STYLE}<div class=card><h1>{{{{ session.name }}}}</h1><p>Hello {{{{ recipient.first_name }}}},</p>"
    )
    return {"subject": subject, "html": f"{html}{body}<p class=foot>{{{{ organization.name }}}}</p></div>"}


TEMPLATES = {
    "convocation": _template(
        "{{ session.name }}: see you on {{ session.starts_at | date }}",
        "<p>we look forward to seeing you.</p><p class=when>{{ session.starts_at | datetime }}</p>",
    ),
    "reminder": _template(
        "{{ session.name }} starts at {{ session.starts_at | time }}",
        "<p>we begin in two hours. Bring comfortable shoes, and a friend.</p>"
        "<p class=when>{{ session.starts_at | datetime }}</p>",
    ),
    "survey": _template(
        "{{ session.name }}: how was it?",
        "<p>it ended yesterday. Two minutes of your time make the next one better.</p>",
    ),
}


def _rule(name: str, template: str, anchor: str, offset: str, at: str | None = None) -> dict[str, Any]:
    trigger = {"type": "date", "anchor": anchor, "offset": offset} | ({"at": at} if at else {})
    return {"name": name, "template": template, "trigger": trigger}


RULES = {
    "convocation-j7": _rule("Convocation, a week ahead", "convocation", "session.start", "-P7D", "09:00"),
    "reminder-h2": _rule("Reminder, two hours ahead", "reminder", "session.start", "-PT2H"),
    "survey-j1": _rule("Survey, the day after", "survey", "session.end", "P1D", "10:00"),
}


def _sessions(now: datetime) -> dict[str, dict[str, Any]]:
    """One session whose reminder is due in a moment, and some in the coming weeks."""

    def session(name: str, starts_at: datetime) -> dict[str, Any]:
        ends_at = starts_at + timedelta(hours=7)
        return {"name": name, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}

    morning = now.replace(hour=8, minute=0, second=0, microsecond=0)
    return {
        "fire-drill": session("Fire drill", now + timedelta(hours=2) + SOON),
        "first-aid": session("First aid at work", morning + timedelta(days=9)),
        "public-speaking": session("Speaking in public", morning + timedelta(days=16)),
        "projects": session("Managing a project", morning + timedelta(days=30)),
    }


async def make_demo(base: str, token: str) -> bool:
    """Fill a house that has no rules but ours, through its own API; return whether it did. May be repeated."""
    return await asyncio.to_thread(_make_demo, base, token)


def _make_demo(base: str, token: str) -> bool:
    call = partial(_call, base, token)
    rules = {rule["id"] for rule in call("GET", "rules")["items"]}
    if not rules <= RULES.keys():
        return False  # somebody lives here
    for id, template in TEMPLATES.items():
        call("PUT", f"templates/{id}", template)
    for id, rule in RULES.items():
        if id not in rules:
            call("POST", "rules", rule | {"id": id})
        call("POST", f"rules/{id}/activate")
    for id, names in PEOPLE.items():
        call("PUT", f"people/{id}", names | {"email": f"{id}@example.org"})
    for id, session in _sessions(datetime.now(UTC)).items():
        call("PUT", f"sessions/{id}", session)
        for person in PEOPLE:
            call("PUT", f"sessions/{id}/participants/{person}")
    return True


def _call(
    base: str, token: str, method: str, path: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = Request(f"{base}/v1/{path}", data, headers, method=method)  # noqa: S310 - our own server
    try:
        with cast("HTTPResponse", urlopen(request, timeout=30)) as answer:  # noqa: S310
            return cast("dict[str, Any]", json.loads(answer.read() or b"{}"))
    except HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.read().decode()}") from None
