"""docs/rules.md: whatever it shows is asked as it stands there, answered as it says, and nothing of a rule is left out."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from domain.anchors import Anchor
from domain.conditions import Completion, Conditions, Presence
from domain.rules import Audience, CcRole, Escalation, Repeat, RuleDefinition, Scope, ToRole, Until
from domain.triggers import DateTrigger
from domain.windows import Window
from tests.api.door import Door
from tests.api.story import Story

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
VOCABULARY, RECIPES = PAGE.split("\n# Recipes\n")

_BLOCK = re.compile(r"^```(http|json|)\n(.*?)^```$", re.M | re.S)
_MAIL = re.compile(r"(\S+) (\d\d:\d\d|at once) (\S+)  (\S+)")


@dataclass
class Request:
    """One request of the page, and the mails that the page says come of it; None where it says nothing."""

    method: str
    path: str
    body: dict[str, Any] | None
    mails: list[tuple[str, ...]] | None = None

    @property
    def makes_rule(self) -> bool:
        return (self.method, self.path) == ("POST", "/v1/rules")


def requests(page: str) -> Iterator[Request]:
    """Yield what the blocks of a page ask, in its order."""
    last = None
    for kind, block in _BLOCK.findall(page):
        if kind == "http":
            for said in block.split("###\n"):
                if last:
                    yield last
                line, _, body = said.partition("\n")
                method, path = line.split(" ")
                last = Request(method, path, json.loads(body) if body.strip() else None)
        elif not kind:
            assert last is not None
            found = [_MAIL.fullmatch(line) for line in block.splitlines()]
            last.mails = [mail.groups() for mail in found if mail]
            assert len(last.mails) == len(found), block
    if last:
        yield last


ASKED = [*requests(RECIPES), *requests(VOCABULARY)]  # the recipes make the session that the rest speaks of
RULES = [asked.body for asked in ASKED if asked.makes_rule and asked.body]
PARTS = [json.loads(block) for kind, block in _BLOCK.findall(PAGE) if kind == "json"]


def templates(said: Any) -> Iterator[str]:
    """Yield the ids of the templates that a body names, its own first."""
    for name, value in said.items() if isinstance(said, dict) else ():
        if name == "template":
            yield value
        yield from templates(value)


async def make_templates(door: Door) -> None:
    """Make what the page says has been made: every template that it names and does not make itself."""
    for asked in ASKED:
        audience = (asked.body or {}).get("audience", "participants")
        for key in templates(asked.body):
            await door.put(f"templates/{key}", audience=audience, subject="Hi", html="<p>Hi</p>")


def local(mail: dict[str, Any], said: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return a mail of an outlook as the page tells it."""
    day, clock = f"{datetime.fromisoformat(mail['local']):%Y-%m-%d %H:%M}".split(" ")
    who = mail["person"] or mail["company"]
    at_once = any(told[1] == "at once" and told[3] == who for told in said)
    return day, "at once" if at_once else clock, mail["timezone"], who


async def ask(door: Door, asked: Request) -> None:
    """Ask what the page asks, and simulate a rule that it makes."""
    answer = await door.http.request(asked.method, asked.path, json=asked.body)
    assert answer.status_code < 300, (asked.method, asked.path, answer.text)
    assert not asked.makes_rule or answer.status_code == 201
    if asked.mails is None:
        return
    outlook = answer.json()
    if asked.makes_rule:
        outlook = await door.call("POST", f"/v1/rules/{answer.json()['id']}/simulate")
    appear = outlook["appear"]["first"]
    assert sorted(local(mail, asked.mails) for mail in appear) == sorted(asked.mails), asked.path


async def test_every_request_is_answered_and_every_rule_writes_the_mails_that_the_page_says(
    door: Door,
) -> None:
    await Story(door).begin()
    await make_templates(door)

    for asked in ASKED:
        await ask(door, asked)

    told = [asked for asked in ASKED if asked.mails]
    assert len(told) == len(RULES) == RECIPES.count("\n## ") == 8  # each recipe says what comes of it


@pytest.mark.parametrize("part", PARTS)
async def test_every_part_of_a_rule_is_one_of_a_rule_that_can_send(door: Door, part: dict[str, Any]) -> None:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    trigger = {"type": "date", "anchor": "session.start", "offset": "P1D"}

    await door.call("POST", "/v1/rules/simulate", {"name": "R", "template": "t", "trigger": trigger, **part})


FIELDS = [
    name
    for model in (RuleDefinition, DateTrigger, Conditions, Window, Repeat, Escalation)
    for name in ((field.alias or key) for key, field in model.model_fields.items())
    if name != "type"  # there is one kind of trigger
]
VALUES: list[type[StrEnum]] = [Anchor, Audience, CcRole, Completion, Presence, Scope, ToRole, Until]


@pytest.mark.parametrize("word", [*FIELDS, *(word for values in VALUES for word in values)])
def test_every_word_that_a_rule_has_is_explained(word: str) -> None:
    assert re.search(rf'[`"]{re.escape(word)}[`"]', VOCABULARY), f"docs/rules.md does not say {word}"
