"""Do the ids that outlive a process stay what they are?

A value here that no longer fits is not a test to correct: rows and histories out there hold the old one.
"""

from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import message_id, plan_workflow_id, roll_out_workflow_id, send_id, send_workflow_id

RULE = UUID("11111111-1111-4111-8111-111111111111")
SESSION = UUID("22222222-2222-4222-8222-222222222222")
PERSON = UUID("33333333-3333-4333-8333-333333333333")
SEND = UUID("c923ef51-f669-5827-86f8-c3aee791660d")
NIL = UUID(int=0)


@pytest.mark.parametrize(
    ("parts", "frozen"),
    [
        ((RULE, SESSION, PERSON), "c923ef51-f669-5827-86f8-c3aee791660d"),
        ((RULE, SESSION, PERSON, "1"), "c923ef51-f669-5827-86f8-c3aee791660d"),
        ((RULE, SESSION, PERSON, "2"), "ec1e72a7-88aa-598b-9566-e0db4c8aac5f"),
        ((RULE, PERSON, SESSION), "2e0dcb45-18db-5a32-918c-01d1a6c81806"),
        ((NIL, NIL, NIL), "f373518c-7262-54f6-bdcc-3b7ebd3f97eb"),
    ],
)
def test_the_id_of_a_send_is_the_same_for_ever(parts: tuple[UUID, UUID, UUID], frozen: str) -> None:
    assert send_id(*parts) == UUID(frozen)


def test_workflow_ids_are_the_same_for_ever() -> None:
    assert send_workflow_id("main", "convocation-j7", "S-2026-041", SEND) == (
        "send/main/convocation-j7/S-2026-041/c923ef51-f669-5827-86f8-c3aee791660d"
    )
    assert plan_workflow_id("main", "S-2026-041") == "plan/main/S-2026-041"
    assert roll_out_workflow_id("main", "convocation-j7", RULE) == f"rollout/main/convocation-j7/{RULE}"


def test_the_message_id_is_the_same_for_ever() -> None:
    assert message_id(SEND, "example.org") == "<c923ef51-f669-5827-86f8-c3aee791660d@example.org>"


def test_no_part_of_a_send_can_stand_for_another() -> None:
    some = [NIL, RULE, SESSION, PERSON]
    keys = list(product(some, some, some, ["1", "2", "12", "1/2", ""]))

    assert len({send_id(*key) for key in keys}) == len(keys)


@given(
    st.tuples(st.uuids(), st.uuids(), st.uuids(), st.text()),
    st.tuples(st.uuids(), st.uuids(), st.uuids(), st.text()),
)
def test_two_sends_share_an_id_only_when_they_are_the_same(
    one: tuple[UUID, UUID, UUID, str], other: tuple[UUID, UUID, UUID, str]
) -> None:
    assert (send_id(*one) == send_id(*other)) == (one == other)


def test_workflows_of_different_kinds_never_share_an_id() -> None:
    """Keys hold no slash (`domain.rules.Key`), so the kind and the count of parts tell them apart."""
    ids = [
        send_workflow_id("main", "same", "same", SEND),
        send_workflow_id("main", "same", "other", SEND),
        send_workflow_id("other", "same", "same", SEND),
        plan_workflow_id("main", "same"),
        plan_workflow_id("other", "same"),
        roll_out_workflow_id("main", "same", RULE),
    ]

    assert len(set(ids)) == len(ids)
