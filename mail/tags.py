"""The tags a template may use. A later tag is one more line in this table, and a value in the context."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any

from mail.problems import Problem, TemplateError
from mail.syntax import Checked


@dataclass(frozen=True, slots=True)
class Tag:
    """One documented tag.

    A name is dotted: `session.name`. `participants[].first_name` is a field of each item of a list, and
    `session.data.*` allows any name below it.
    """

    name: str
    example: str | int | date | datetime  # what a preview without real data shows


TAGS: Mapping[str, Tag] = {
    tag.name: tag
    for tag in (
        Tag("recipient.first_name", "Claire"),
        Tag("recipient.last_name", "Martin"),
        Tag("recipient.email", "claire.martin@example.org"),
        Tag("session.name", "Managing a project"),
        Tag("session.starts_at", datetime(2027, 1, 25, 8, 0, tzinfo=UTC)),
        Tag("session.ends_at", datetime(2027, 1, 26, 16, 0, tzinfo=UTC)),
        Tag("organization.name", "Example Training"),
        Tag("today", date(2027, 1, 18)),
    )
}


def check_tags(found: Checked, tags: Set[str]) -> None:
    """Raise TemplateError for every tag that is not one of `tags`, with the nearest that is."""
    problems = []
    for name, line in found.tags.items():
        if _allowed(name, tags):
            continue
        if not _is_group(name, tags):
            problems.append(Problem(line, _unknown(name, tags)))
        elif name in found.written:
            problems.append(Problem(line, f"{name} has several values: name one{_nearest(name, tags)}"))
    if problems:
        raise TemplateError(*problems)


def _allowed(name: str, tags: Set[str]) -> bool:
    return name in tags or any(tag.endswith(".*") and name.startswith(tag[:-1]) for tag in tags)


def _is_group(name: str, tags: Set[str]) -> bool:
    return any(tag.startswith((f"{name}.", f"{name}[]")) for tag in tags)


def _unknown(name: str, tags: Set[str]) -> str:
    if name.endswith("[]") and (name[:-2] in tags or _is_group(name[:-2], tags)):
        return f"{name[:-2]} is not a list"
    return f"{name.removesuffix('[]')} is not a tag{_nearest(name, tags)}"


def _nearest(name: str, tags: Set[str]) -> str:
    near = get_close_matches(name, sorted(tags), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def example_context(tags: Mapping[str, Tag] = TAGS) -> dict[str, Any]:
    """Return a context that holds the example of every tag, lists with one item."""
    context: dict[str, Any] = {}
    for tag in tags.values():
        *groups, last = tag.name.split(".")
        level = context
        for group in groups:
            level = _below(level, group)
        if last != "*":
            level[last] = tag.example
    return context


def _below(level: dict[str, Any], group: str) -> dict[str, Any]:
    below: dict[str, Any]
    if group.endswith("[]"):
        below = level.setdefault(group.removesuffix("[]"), [{}])[0]
    else:
        below = level.setdefault(group, {})
    return below
