"""Search attributes, made where they are missing."""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from control.client import SEARCH_ATTRIBUTES


async def ensure_search_attributes(client: Client) -> None:
    """Register the attributes our workflows are started with; may be repeated, by many workers at once."""
    for key in SEARCH_ATTRIBUTES:
        kind = IndexedValueType.ValueType(key.indexed_value_type.value)
        request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes={key.name: kind})
        try:
            await client.operator_service.add_search_attributes(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
