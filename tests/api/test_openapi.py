"""The description of the API, frozen: a change of the API is seen where it is reviewed."""

import json
import re
from typing import Any

from api.openapi import is_limited, operations
from api.problem_kinds import KINDS
from tools.openapi import FROZEN, describe

SWITCHES = ("/activate", "/deactivate", "/contact-again")

DESCRIBED = json.loads(describe())


def test_the_frozen_description_is_that_of_the_api() -> None:
    assert FROZEN.read_text() == describe(), "the API has changed: `python -m tools.openapi` writes it anew"


def test_every_route_under_v1_and_no_other_asks_for_a_token() -> None:
    for _, path, operation in operations(DESCRIBED):
        assert ("security" in operation) == ("401" in operation["responses"]) == path.startswith("/v1/"), path
    assert DESCRIBED["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_every_route_tells_its_problems_as_problem_details() -> None:
    responses = DESCRIBED["components"]["responses"]
    for method, path, operation in operations(DESCRIBED):
        if path.startswith("/v1/"):
            expected = {"401", "422", "503"}
            expected |= {"404"} if "{" in path else set()
            expected |= {"409"} if method != "GET" else set()
            expected |= {"413"} if "requestBody" in operation else set()
            expected |= {"403"} if is_limited(method, path) else set()
            expected |= {"412"} if "If-Match" in headers_of(operation) else set()
            assert {status for status in operation["responses"] if status >= "4"} == expected, (method, path)
    for response in responses.values():
        assert response["content"].keys() == {"application/problem+json"}
    said = " ".join(response["description"] for response in responses.values())
    assert {
        kind for kind, of in KINDS.items() if of.status in (401, 403, 404, 409, 412, 413, 422, 503)
    } <= set(re.findall("`([a-z-]+)`", said))


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [operation["operationId"] for _, _, operation in operations(DESCRIBED)]

    assert len(names) == len(set(names))
    assert all(operation.get("description") for _, _, operation in operations(DESCRIBED))


def test_every_answer_with_a_body_has_an_example() -> None:
    for method, path, operation in operations(DESCRIBED):
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                examples = ["example" in content for content in answer.get("content", {}).values()]
                assert all(examples), (method, path, status)
                assert len(examples) == (status != "204"), (method, path, status)


def headers_of(operation: dict[str, Any]) -> set[str]:
    return {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}


def test_every_post_takes_an_idempotency_key() -> None:
    for method, path, operation in operations(DESCRIBED):
        assert ("Idempotency-Key" in headers_of(operation)) == (method == "POST"), path
        assert headers_of(operation) <= {"Idempotency-Key", "If-Match"}, path


def test_what_answers_with_an_etag_takes_it_back() -> None:
    tagged = {
        path
        for _, path, operation in operations(DESCRIBED)
        if any("ETag" in answer.get("headers", {}) for answer in operation["responses"].values())
    }
    for method, path, operation in operations(DESCRIBED):
        takes = (path in tagged and method in ("PUT", "PATCH", "DELETE")) or path.endswith(SWITCHES)
        assert ("If-Match" in headers_of(operation)) == takes, (method, path)
    assert "/v1/sessions/{id}/rules/{rule}" in tagged


def test_nothing_that_is_described_is_missing() -> None:
    written = json.dumps(DESCRIBED)
    schemas = DESCRIBED["components"]["schemas"]

    assert set(re.findall(r'"#/components/schemas/([^"]+)"', written)) == schemas.keys()
