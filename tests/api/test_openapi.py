"""The description of the API, frozen: a change of the API is seen where it is reviewed."""

import json
import re

from api.openapi import operations
from api.problem_kinds import KINDS
from tools.openapi import FROZEN, describe

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
            assert {status for status in operation["responses"] if status >= "4"} == expected, (method, path)
    for response in responses.values():
        assert response["content"].keys() == {"application/problem+json"}
    said = " ".join(response["description"] for response in responses.values())
    assert {kind for kind, of in KINDS.items() if of.status in (401, 404, 409, 413, 422, 503)} <= set(
        re.findall("`([a-z-]+)`", said)
    )


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [operation["operationId"] for _, _, operation in operations(DESCRIBED)]

    assert len(names) == len(set(names))
    assert all(operation.get("description") for _, _, operation in operations(DESCRIBED))


def test_every_post_takes_an_idempotency_key() -> None:
    for method, path, operation in operations(DESCRIBED):
        headers = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
        assert headers == ({"Idempotency-Key"} if method == "POST" else set()), path


def test_nothing_that_is_described_is_missing() -> None:
    written = json.dumps(DESCRIBED)
    schemas = DESCRIBED["components"]["schemas"]

    assert set(re.findall(r'"#/components/schemas/([^"]+)"', written)) == schemas.keys()
