"""The description of the API: FastAPI's own, with tokens, problems, repeated requests, and an example for every route."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.authentication import is_closed
from api.examples import Example, ids_of, read_examples
from api.idempotency import HEADER
from api.problem_kinds import KINDS
from api.problems import MEDIA_TYPE
from api.rule_bodies import RuleBody
from domain.sessions import SessionOutline

DESCRIPTION = """\
The right email to the right person at the right moment around a session: backend services say what changed, admins
write rules, and every mail that is planned can be seen, called back, and explained. `docs/api.md` says how to begin.
"""

JSON = "application/json"

# What a merge patch changes, some of it at a time.
PATCHED: dict[str, type[BaseModel]] = {"/v1/sessions/{id}": SessionOutline, "/v1/rules/{id}": RuleBody}
_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same request under the same key is answered again, for 24 hours, and done once.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": "0b3f1c1e-6a55-4d0e-9c1f-6d1c0d5d7f10",
}
_NAMES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    412: "ChangedMeanwhile",
    413: "TooLarge",
    422: "Invalid",
    503: "Unavailable",
}


def operation_id(route: APIRoute) -> str:
    """Return what generated clients call a route: its noun and its verb."""
    return "_".join([*map(str, route.tags[:1]), route.name])


def install_openapi(app: FastAPI) -> None:
    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's documented way


def _described(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        servers=[{"url": "/", "description": "the house that this description comes from"}],
    )
    examples = read_examples()
    for method, path, operation in operations(described):
        _tell_problems(operation, method, path)
        _tell_example(operation, path, examples.get(f"{method} {path}", Example()))
        if is_closed(path):
            operation["security"] = [{"token": []}]
            if method == "POST":
                operation.setdefault("parameters", []).append(_KEY)
    components = described["components"]
    for path, model in PATCHED.items():
        _tell_patch(described["paths"][path]["patch"], model, components["schemas"])
    for replaced in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(replaced, None)
    components["schemas"]["Problem"] = _problem_schema()
    components["responses"] = {name: _answer(status) for status, name in _NAMES.items()}
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "relance_…"}
    }
    return described


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the method and path of each route, and what is said of it."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _tell_problems(operation: dict[str, Any], method: str, path: str) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    if path in ("/readyz", "/metrics"):
        answers["503"] = {"$ref": "#/components/responses/Unavailable"}
    if not is_closed(path):
        return
    statuses = {
        401: True,
        403: is_limited(method, path),
        404: "{" in path,
        409: method != "GET",
        412: any(one["name"] == "If-Match" for one in operation.get("parameters", [])),
        413: "requestBody" in operation,
        422: True,
        503: True,
    }
    for status in (status for status, happens in statuses.items() if happens):
        answers[str(status)] = {"$ref": f"#/components/responses/{_NAMES[status]}"}


def is_limited(method: str, path: str) -> bool:
    """Return whether a token that is limited to centers may be refused here (`api.callers`)."""
    if method == "GET":
        return False
    return any(noun in path for noun in ("/rules", "/tokens", "/centers")) or (method, path) == (
        "PUT",
        "/v1/sessions/{id}",
    )


def _tell_patch(operation: dict[str, Any], model: type[BaseModel], schemas: dict[str, Any]) -> None:
    """Say what a merge patch may hold, none of which must be there."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("required", None)
    for name, inner in schema.pop("$defs", {}).items():
        schemas.setdefault(name, inner)
    name = f"{model.__name__}Patch"
    schemas[name] = schema | {
        "title": name,
        "description": "A JSON merge patch (RFC 7396): what is left out stays.",
    }
    operation["requestBody"]["content"][JSON]["schema"] = {"$ref": f"#/components/schemas/{name}"}


def _tell_example(operation: dict[str, Any], path: str, example: Example) -> None:
    ids = ids_of(path)
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["example"] = ids[parameter["name"]]
    if example.request is not None:
        operation["requestBody"]["content"][JSON]["example"] = example.request
    if example.answer is not None:
        (content,) = _main_answer(operation)["content"].values()
        content["example"] = example.answer


def _main_answer(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request that was right."""
    answer: dict[str, Any] = next(
        said for status, said in operation["responses"].items() if status.startswith("2")
    )
    return answer


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    error = {
        "type": "object",
        "required": ["field", "message"],
        "properties": {"field": text, "message": text},
    }
    return {
        "title": "Problem",
        "description": "RFC 9457. `type` never changes; `errors` names each wrong field, and how to mend it.",
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "enum": [f"/problems/{kind}" for kind in KINDS]},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "errors": {"type": "array", "items": error},
        },
    }


def _answer(status: int) -> dict[str, Any]:
    kinds = {name: kind.means for name, kind in KINDS.items() if kind.status == status}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        "description": "; ".join(f"`{name}`: {means}" for name, means in kinds.items()),
        "content": {MEDIA_TYPE: content},
    }
