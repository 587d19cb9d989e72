"""The connection to Temporal."""

from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from workflows.send import DUE_AT

ORGANIZATION = SearchAttributeKey.for_keyword("RelanceOrganization")
RULE = SearchAttributeKey.for_keyword("RelanceRule")
SESSION = SearchAttributeKey.for_keyword("RelanceSession")
RECIPIENT = SearchAttributeKey.for_keyword("RelanceRecipient")

# What an operator filters the Temporal UI by; keys and internal ids only, since everybody there can read them.
# The due time is no longer among them (docs/decisions/0008); workflows started with 0.1 still write it.
SEARCH_ATTRIBUTES = (ORGANIZATION, RULE, SESSION, RECIPIENT, DUE_AT)


async def connect(address: str, namespace: str = "default") -> Client:
    """Return a client that reads and writes our models; raise RuntimeError with the cure when nobody answers."""
    try:
        return await Client.connect(address, namespace=namespace, data_converter=pydantic_data_converter)
    except (RuntimeError, RPCError, ValueError) as error:
        raise RuntimeError(f"Temporal does not answer at {address}; set TEMPORAL_ADDRESS") from error
