"""JSON merge patches (RFC 7396): what is left out stays, null takes away, objects are merged."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Body
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, JsonValue, ValidationError

Patch = Annotated[
    dict[str, JsonValue],
    Body(description="a JSON merge patch (RFC 7396): what is left out stays, null takes away"),
]

_Model = TypeVar("_Model", bound=BaseModel)


def patched(model: type[_Model], stands: Mapping[str, Any], patch: Mapping[str, Any]) -> _Model:
    """Return what stands with the patch applied, checked as if all of it had been said; refuse it as bad input."""
    try:
        return model.model_validate(merged(stands, patch))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def merged(stands: object, patch: object) -> Any:
    """Return what stands with the patch applied; RFC 7396, section 2."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(stands) if isinstance(stands, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
