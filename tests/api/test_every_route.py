"""Every route there is, from its own description: its example is true, and every bad request is refused by name."""

import json
from typing import Any

import httpx
import pytest

from api.examples import read_examples
from api.openapi import operations
from api.problem_kinds import KINDS
from tests.api.bad_requests import Asked, Bad, bad_requests
from tests.api.door import Door
from tests.api.story import Story, said

# A PUT under an id that nobody has makes what it names; elsewhere such an id is refused.
CREATES = {f"PUT /v1/{noun}/{{id}}" for noun in ("centers", "companies", "people", "sessions", "templates")}

# A batch makes people of whom it says anything.
RIGHT = {("POST /v1/sessions/{id}/participants:batch", "items.0.person: an id that nobody has")}

# What the story needs before every route can be asked: all that is made, nothing that is taken away.
BEFORE = "DELETE /v1/suppressions/{address}"

# Any text may be asked for there.
FREE = {"text", "room", "recipient_text", "subject", "center"}


@pytest.fixture
async def story(door: Door) -> Story:
    story = Story(door)
    await story.begin()
    return story


async def described(door: Door) -> dict[str, Any]:
    document: dict[str, Any] = (await door.http.get("/openapi.json")).json()
    return document


async def test_every_route_has_an_example_and_every_example_a_route(door: Door) -> None:
    examples = read_examples()
    routes = {}
    for method, path, operation in operations(await described(door)):
        routes[f"{method} {path}"] = operation

    assert list(examples.keys() - routes.keys()) == []
    for name, operation in routes.items():
        example = examples.get(name)
        assert example is not None, f"{name} has no example: write one into api/examples.json"
        assert (example.request is None) <= ("requestBody" not in operation), (
            f"{name} has an example without its body"
        )
        status = min(status for status in operation["responses"] if status.startswith("2"))
        assert (example.answer is None) == (status == "204" or "204" in operation["responses"]), name


async def test_examples_are_asked_and_answered_as_they_say(story: Story) -> None:
    for name, example in read_examples().items():
        answer = await story.ask(name)

        assert answer.status_code < 300, (name, answer.text)
        assert shape(said(answer)) == shape(example.answer), name


def shape(value: Any) -> Any:
    """Return what a value is made of; what is null today may be something else tomorrow."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


async def test_every_bad_request_is_refused_by_name_and_changes_nothing(story: Story) -> None:
    for name in list(read_examples()):
        if name == BEFORE:
            break
        assert (await story.ask(name)).status_code < 300, name
    document = await described(story.door)
    before = await story.door.everything()
    story.door.pokes.take()
    wrong, count = [], 0

    for method, path, operation in operations(document):
        request = read_examples()[f"{method} {path}"].request
        asked = Asked(method, path, story.ids_in(path), request, operation, document)
        cases = list(bad_requests(asked, asked.name in CREATES)) if path.startswith("/v1") else []
        unnamed = named_nowhere(operation, cases)
        assert not unnamed, f"{asked.name}: no bad request says {unnamed}; see tests/api/bad_requests.py"
        for bad in (bad for bad in cases if (asked.name, bad.what) not in RIGHT):
            answer = await send(story.door, asked, bad)
            wrong += [f"{asked.name}, {bad.what}: {complaint}" for complaint in complaints(answer, bad)]
            count += 1
            if await story.door.everything() != before or story.door.pokes.take():
                pytest.fail(f"{asked.name}, {bad.what}: {answer.status_code}, and something changed")

    assert not wrong, "\n".join(wrong)
    assert count > 500  # so that a description that says nothing does not pass


def named_nowhere(operation: dict[str, Any], cases: list[Bad]) -> set[str]:
    parameters = {one["name"] for one in operation.get("parameters", []) if one["in"] in ("path", "query")}
    return parameters - FREE - {bad.named for bad in cases if bad.named}


async def send(door: Door, asked: Asked, bad: Bad) -> httpx.Response:
    headers = {"Content-Type": "application/json"} | ({} if bad.token else {"Authorization": ""})
    url = bad.path or asked.url()
    return await door.http.request(
        asked.method, url, params=bad.query or None, content=bad.body, headers=headers
    )


def complaints(answer: httpx.Response, bad: Bad) -> list[str]:
    """Return what is wrong with a refusal."""
    if answer.status_code not in bad.statuses:
        return [f"{answer.status_code} {answer.text[:300]}"]
    problem = answer.json()
    kind = problem["type"].removeprefix("/problems/")
    if (
        answer.headers["content-type"] != "application/problem+json"
        or KINDS[kind].status != answer.status_code
    ):
        return [answer.text[:300]]
    fields = [error["field"] for error in problem.get("errors", [])]
    if answer.status_code == 422 and not any(is_within(bad.named or "", field) for field in fields):
        return [f"names {fields}, not {bad.named}: {json.dumps(problem['errors'])[:300]}"]
    return []


def is_within(wrong: str, named: str) -> bool:
    """Return whether a field is the one that is wrong, or a part of it."""
    return wrong == "body" or f"{named}.".startswith(f"{wrong}.")
