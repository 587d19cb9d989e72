"""A query may hold what its route knows: a misspelt filter would otherwise answer with everything."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.problems import Invalid


async def check_query(request: Request) -> None:
    """Raise `Invalid` for parameters that the route does not have."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)  # noqa: S101 - it is a dependency of nothing else
    known = sorted(_names(route.dependant))
    cure = f"this route takes {', '.join(known)}" if known else "this route takes none"
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        raise Invalid(*((name, f"There is no such parameter: {cure}.") for name in unknown))


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):  # all of a route's parameters in one
            yield from model.model_fields
        else:
            yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)
