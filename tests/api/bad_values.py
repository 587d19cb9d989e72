"""What a JSON schema lets one think of: what may be said in a place, and what is wrong to say there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

NOBODY = "00000000-0000-5000-8000-000000000000"

# Texts that no pattern of ours lets in; the first that a pattern refuses is said.
OUTSIDE = ["no such id", "\x00", "no such\nid"]

OF_FORMAT = {
    "date-time": "2027-01-25T09:00:00Z",
    "date": "2027-01-25",
    "time": "09:00",
    "duration": "P1D",
    "uuid": NOBODY,
}


def branches(document: Schema, schema: Schema) -> Iterator[Schema]:
    """Yield what a value may be, one thing after the other."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if options is None:
        yield schema
    for option in options or ():
        yield from branches(document, option)


def sample(document: Schema, schema: Schema) -> Any:
    """Return something that may be said there."""
    schema = next(branches(document, schema))
    said = [
        *schema.get("examples", []),
        *schema.get("enum", []),
        *([schema["const"]] if "const" in schema else []),
    ]
    if said:
        return said[0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: sample(document, properties[name]) for name in schema.get("required", [])}
        case "array":
            return []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return OF_FORMAT.get(schema.get("format", ""), "x")


def bad_strings(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield texts that are not what this must be, each with what is wrong with it."""
    if "enum" in schema or "const" in schema:
        yield "no-such-word", "a word that it does not know"
    if "pattern" in schema:
        yield next(text for text in OUTSIDE if not re.search(schema["pattern"], text)), "outside its alphabet"
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1), "too long"
    if schema.get("minLength"):
        yield "", "too short"
    if schema.get("format") == "date-time":
        yield "2027-01-25T09:00:00", "without a zone"
        yield "9999-12-31T23:59:59Z", "too late for any calendar"
    if schema.get("format") in OF_FORMAT:
        yield "soon", f"no {schema['format']}"


def bad_numbers(schema: Schema) -> Iterator[tuple[Any, str]]:
    yield "many", "no number"
    for limit, step in (("minimum", -1), ("maximum", 1), ("exclusiveMinimum", 0), ("exclusiveMaximum", 0)):
        if limit in schema:
            yield schema[limit] + step, f"beyond its {limit}"


def bad_texts(document: Schema, schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield what is wrong to say where everything is text, as in a path or a query."""
    for branch in branches(document, schema):
        match branch.get("type"):
            case "array":
                yield from bad_texts(document, branch["items"])
            case "integer" | "number" | "boolean":
                yield from ((str(value), what) for value, what in bad_numbers(branch))
            case "string":
                yield from bad_strings(branch)
