"""Every kind of bad request that a route's own description lets one think of, so that a new route brings its cases."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from api.limits import LARGEST_BODY
from tests.api.bad_values import NOBODY, Schema, bad_numbers, bad_strings, bad_texts, branches, sample

Where = tuple[str | int, ...]
Wrong = Iterator[tuple[Where, Any, str]]  # a place in a body, what is wrong to say there, and why

# Fields of bodies that name what must be there, under an id.
NAMES = {"company", "contact", "module", "person", "recipient", "rule", "session", "slot", "template"}

EARLY, LATE = "2027-01-25T09:00:00Z", "2027-01-25T10:00:00Z"

MISSING = object()


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad request: what is wrong with it, and the field that the answer must name, if it concerns one."""

    what: str
    named: str | None
    statuses: tuple[int, ...] = (422,)
    path: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    token: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A route with a request that is right."""

    method: str
    path: str  # as described, `/v1/rules/{id}`
    ids: Mapping[str, str]
    body: Any
    operation: Schema
    document: Schema

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, **other: str) -> str:
        url = self.path
        for name, value in {**self.ids, **other}.items():
            url = url.replace(f"{{{name}}}", quote(value, safe="/"))
        return url


def bad_requests(asked: Asked, creates: bool) -> Iterator[Bad]:
    """Yield them; `creates` says that the last id of the path need not be there."""
    good = None if asked.body is None else json.dumps(asked.body).encode()
    yield Bad("no token", None, (401,), body=good, token=False)
    yield Bad("an unknown parameter", "no_such", query={"no_such": "1"}, body=good)
    for parameter in asked.operation.get("parameters", []):
        name = parameter["name"]
        for value, what in bad_texts(asked.document, parameter["schema"]):
            if parameter["in"] == "path" and value:
                yield Bad(f"{name} {what}", name, path=asked.url(**{name: value}), body=good)
            elif parameter["in"] == "query":
                yield Bad(f"?{name}: {what}", name, query={name: value}, body=good)
        if name == "cursor":
            yield Bad("a cursor of nobody", name, query={name: "nonsense"}, body=good)
    for name in list(asked.ids)[: -1 if creates else None]:
        unknown = NOBODY if asked.ids[name].count("-") == 4 else "nobody"
        yield Bad(f"an unknown {name}", name, (404, 422), path=asked.url(**{name: unknown}), body=good)
    if "requestBody" in asked.operation:
        yield from _bodies(asked)


def _bodies(asked: Asked) -> Iterator[Bad]:
    said = asked.operation["requestBody"]
    yield Bad("no JSON", "body", body=b'{"name": ')
    yield Bad("a body over the limit", None, (413,), body=b" " * (LARGEST_BODY + 1))
    if said.get("required"):
        yield Bad("an empty body", "body", body=b"")
    for where, value, what in _wrong(
        asked.document, said["content"]["application/json"]["schema"], asked.body, ()
    ):
        in_a_list = any(isinstance(part, int) for part in where)
        if asked.method == "PATCH" and value in (None, MISSING) and not in_a_list:
            continue  # in a merge patch, what is left out stays, and null takes away
        named = ".".join(map(str, where)) or "body"
        yield Bad(f"{named}: {what}", named, body=json.dumps(_with(asked.body, where, value)).encode())


def _wrong(document: Schema, schema: Schema, good: Any, where: Where) -> Wrong:
    options = _meant(list(branches(document, schema)), good)
    if not all(options):
        return  # anything may be said there
    yield where, [[]], "a wrong type"
    if not any(option.get("type") == "null" for option in options):
        yield where, None, "null"
    texts = [option for option in options if option.get("type") == "string"]
    if len(texts) == 1:
        yield from _wrong_text(texts[0], where)
    for option in options:
        match option.get("type"):
            case "object":
                inside = good if isinstance(good, dict) else sample(document, option)
                yield from _wrong_object(document, option, inside, where)
            case "array":
                yield from _wrong_array(document, option, good if isinstance(good, list) else [], where)
            case "integer" | "number":
                yield from ((where, value, what) for value, what in bad_numbers(option))


def _meant(options: list[Schema], good: Any) -> list[Schema]:
    """Return what a value may be, without other kinds of objects than the one that is right."""
    others = [
        one
        for one in options
        if isinstance(good, dict) and one.get("type") == "object" and not _fits(one, good)
    ]
    meant = [one for one in options if one not in others]
    return meant if any(one.get("type") == "object" for one in meant) else options


def _fits(schema: Schema, good: dict[str, Any]) -> bool:
    known: Mapping[str, Any] = schema.get("properties", good)
    return set(schema.get("required", [])) <= good.keys() <= known.keys()


def _wrong_text(schema: Schema, where: Where) -> Wrong:
    for value, what in bad_strings(schema):
        yield where, value, what
    name = where[-1] if where else ""
    if name in NAMES and "pattern" in schema:
        yield where, "nobody", "an id that nobody has"
    if name == "timezone":
        yield where, "Europe/Pariss", "an unknown zone"


def _wrong_object(document: Schema, schema: Schema, good: dict[str, Any], where: Where) -> Wrong:
    properties = schema.get("properties")
    if properties is None:
        return  # the caller's own words
    assert schema.get("additionalProperties") is False, (
        f"{where or 'the body'} takes fields that it does not know"
    )
    yield (*where, "no_such_field"), 1, "an unknown field"
    for name in schema.get("required", []):
        yield (*where, name), MISSING, "nothing where something is required"
    if {"starts_at", "ends_at"} <= properties.keys():
        turned = _Around(good | {"starts_at": LATE, "ends_at": EARLY})
        yield (*where, "ends_at"), turned, "an end before its start"
    for name, inner in properties.items():
        yield from _wrong(document, inner, good.get(name), (*where, name))


def _wrong_array(document: Schema, schema: Schema, good: list[Any], where: Where) -> Wrong:
    item = good[0] if good else sample(document, schema["items"])
    if "maxItems" in schema:
        yield where, [item] * (schema["maxItems"] + 1), "more items than there may be"
    if schema.get("minItems"):
        yield where, [item] * (schema["minItems"] - 1), "fewer items than there must be"
    yield from _wrong(document, schema["items"], item, (*where, 0))


@dataclass(frozen=True, slots=True)
class _Around:
    """The whole object around a place, where what is wrong shows only beside another field."""

    value: dict[str, Any]


def _with(said: Any, where: Where, value: Any) -> Any:
    """Return the same with something else in one place; what leads there is made where it is missing."""
    if not where:
        return value
    first, rest = where[0], where[1:]
    if not rest and isinstance(value, _Around):
        return value.value
    if isinstance(first, int):
        items = said if isinstance(said, list) and said else [None]
        return [_with(items[0], rest, value), *items[1:]]
    inside = dict(said) if isinstance(said, dict) else {}
    if not rest and value is MISSING:
        inside.pop(first, None)
        return inside
    return inside | {first: _with(inside.get(first), rest, value)}
