"""The tags a template may use. A later tag is one more line in this table, and a value in the context."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any

from domain.rules import Audience, Scope
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


_ALWAYS = (
    Tag("recipient.first_name", "Claire"),
    Tag("recipient.last_name", "Martin"),
    Tag("recipient.email", "claire.martin@example.org"),
    Tag("session.name", "Managing a project"),
    Tag("session.starts_at", datetime(2027, 1, 25, 8, 0, tzinfo=UTC)),
    Tag("session.ends_at", datetime(2027, 1, 26, 16, 0, tzinfo=UTC)),
    Tag("session.room", "Room 4"),
    Tag("session.data.*", "Bring a badge"),  # the caller's own words, each under a name of its choice
    Tag("organization.name", "Example Training"),
    Tag("today", date(2027, 1, 18)),
)

_MODULE = (
    Tag("module.name", "Planning"),
    Tag("module.starts_at", datetime(2027, 1, 25, 8, 0, tzinfo=UTC)),
    Tag("module.ends_at", datetime(2027, 1, 25, 16, 0, tzinfo=UTC)),
    Tag("module.room", "Room 4"),
)

_SLOT = (
    Tag("slot.name", "Monday morning"),
    Tag("slot.starts_at", datetime(2027, 1, 25, 8, 0, tzinfo=UTC)),
    Tag("slot.ends_at", datetime(2027, 1, 25, 11, 30, tzinfo=UTC)),
    Tag("slot.room", "Room 4"),
)

_COMPANY = (Tag("company.name", "Example Company"),)

# Whom the mail is about: the recipient, unless its rule writes to somebody else in their place.
_PERSON = (
    Tag("person.first_name", "Claire"),
    Tag("person.last_name", "Martin"),
)

# Their own dates, else the session's; a deadline is always their own, and may be missing.
_PARTICIPATION = (
    Tag("participation.starts_at", datetime(2027, 1, 25, 8, 0, tzinfo=UTC)),
    Tag("participation.ends_at", datetime(2027, 1, 26, 16, 0, tzinfo=UTC)),
    Tag("participation.deadline_at", datetime(2027, 2, 26, 17, 0, tzinfo=UTC)),
)

# Those who come to what the mail is about; to a company only its own. Participants are not told of each other.
_PARTICIPANTS = (
    Tag("participants[].first_name", "Ada"),
    Tag("participants[].last_name", "Lovelace"),
)

# A slot may be of no module: then `module.name` is empty and has no dates.
_OF_SCOPE = {Scope.SESSION: (), Scope.MODULE: _MODULE, Scope.SLOT: (*_MODULE, *_SLOT)}

_OF_AUDIENCE = {
    Audience.PARTICIPANTS: (*_PERSON, *_COMPANY, *_PARTICIPATION),
    Audience.TRAINERS: (*_PERSON, *_PARTICIPANTS),
    Audience.COMPANIES: (*_COMPANY, *_PARTICIPANTS),
}


def _by_name(*tags: Tag) -> Mapping[str, Tag]:
    return {tag.name: tag for tag in tags}


TAGS = _by_name(*_ALWAYS, *_MODULE, *_SLOT, *_PERSON, *_COMPANY, *_PARTICIPATION, *_PARTICIPANTS)


def tags_for(audience: Audience, scope: Scope) -> Mapping[str, Tag]:
    """Return what the template of a rule may use."""
    return _by_name(*_ALWAYS, *_OF_SCOPE[scope], *_OF_AUDIENCE[audience])


def tags_of(audience: Audience) -> Mapping[str, Tag]:
    """Return what a template may use for rules of one scope or another."""
    return _by_name(*(tag for scope in Scope for tag in tags_for(audience, scope).values()))


def check_tags(found: Checked, tags: Set[str]) -> None:
    """Raise TemplateError for every tag that is not one of `tags`, with the nearest that is."""
    problems = []
    for name, line in found.tags.items():
        if _allowed(name, tags):
            continue
        if not _group(name, tags):
            problems.append(Problem(line, _unknown(name, tags)))
        elif name in found.written:
            problems.append(
                Problem(line, f"{name} has several values: name one of {', '.join(_group(name, tags))}")
            )
    if problems:
        raise TemplateError(*problems)


def unknown_tags(found: Checked, tags: Set[str]) -> list[str]:
    """Return the tags a template uses that are not among `tags`, nor groups of them."""
    return [name for name in found.tags if not _allowed(name, tags) and not _group(name, tags)]


def _allowed(name: str, tags: Set[str]) -> bool:
    return name in tags or any(tag.endswith(".*") and name.startswith(tag[:-1]) for tag in tags)


def _group(name: str, tags: Set[str]) -> list[str]:
    """Return the tags below a name."""
    return sorted(tag for tag in tags if tag.startswith((f"{name}.", f"{name}[]")))


def _unknown(name: str, tags: Set[str]) -> str:
    if name.endswith("[]") and (name[:-2] in tags or _group(name[:-2], tags)):
        return f"{name[:-2]} is not a list"
    return f"{name.removesuffix('[]')} is not a tag{_nearest(name, tags)}"


def _nearest(name: str, tags: Set[str]) -> str:
    near = get_close_matches(name, sorted(tags), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def example_context(tags: Mapping[str, Tag] = TAGS, used: Iterable[str] = ()) -> dict[str, Any]:
    """Return a context that holds the example of every tag, lists with one item.

    `used` are the names that a template uses: of those that callers choose, they get an example as well.
    """
    context: dict[str, Any] = {}
    for tag in tags.values():
        _put(context, tag.name, tag.example)
    chosen = [tag for tag in tags.values() if tag.name.endswith(".*")]
    for name in sorted(used, key=len, reverse=True):  # what is below a name before the name itself
        for tag in chosen:
            if name.startswith(tag.name[:-1]):
                _put(context, name, tag.example)
    return context


def _put(context: dict[str, Any], name: str, example: object) -> None:
    *groups, last = name.split(".")
    level = context
    for group in groups:
        level = _below(level, group)
    if last.endswith("[]"):
        level.setdefault(last.removesuffix("[]"), [example])
    elif last != "*":
        level.setdefault(last, example)


def _below(level: dict[str, Any], group: str) -> dict[str, Any]:
    below: dict[str, Any]
    if group.endswith("[]"):
        below = level.setdefault(group.removesuffix("[]"), [{}])[0]
    else:
        below = level.setdefault(group, {})
    return below
