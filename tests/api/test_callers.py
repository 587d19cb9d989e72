"""A token that is limited to centers: which rules may it write, and which sessions' (F045-F048)?"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.api.door import Door

RULE: dict[str, Any] = {
    "name": "R",
    "template": "t",
    "trigger": {"type": "date", "anchor": "session.start", "offset": "-P7D", "at": "09:00"},
}
LYON = {**RULE, "centers": ["lyon"]}


class Limited:
    """The same door, for somebody of the centers in Lyon and Annecy."""

    def __init__(self, door: Door, token: str) -> None:
        self.door, self._token = door, token

    @contextmanager
    def shown(self) -> Iterator[None]:
        before = self.door.http.headers["Authorization"]
        self.door.http.headers["Authorization"] = f"Bearer {self._token}"
        yield
        self.door.http.headers["Authorization"] = before

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        with self.shown():
            return await self.door.http.request(method, f"/v1/{path}", json=body, headers=headers)

    async def refused(self, method: str, path: str, body: Any = None) -> str:
        """Ask; return what the refusal says. Nothing may have been written."""
        before = await self.door.everything()
        answer = await self.ask(method, path, body)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/another-center"), answer.text
        assert (await self.door.everything(), self.door.pokes.take()) == (before, [])
        detail: str = answer.json()["detail"]
        return detail


@pytest.fixture
async def limited(door: Door) -> Limited:
    await door.put("templates/t", subject="Hi", html="<p>Hi</p>")
    for key, centers in {
        "all": "all",
        "lyon": ["lyon"],
        "shared": ["lyon", "paris"],
        "paris": ["paris"],
    }.items():
        await door.call("POST", "/v1/rules", {"id": key, **RULE, "centers": centers})
    for key, center in {"l": "lyon", "p": "paris", "none": None}.items():
        await door.put(f"sessions/{key}", name=key, center=center)
    made = await door.call("POST", "/v1/tokens", {"name": "Lyon", "centers": ["lyon", "annecy"]})
    door.pokes.take()
    return Limited(door, made["token"])


@pytest.mark.parametrize("rule", ["all", "shared", "paris"])
async def test_it_may_not_touch_a_rule_that_is_shared_with_others(limited: Limited, rule: str) -> None:
    """F047"""
    for method, path, body in (
        ("PUT", "", LYON),
        ("PATCH", "", {"centers": ["lyon"]}),
        ("DELETE", "", None),
        ("POST", "/activate", None),
        ("POST", "/deactivate", None),
        ("POST", "/contact-again", None),
    ):
        detail = await limited.refused(method, f"rules/{rule}{path}", body)
        assert "annecy, lyon" in detail
        assert "PUT /v1/sessions/{id}/rules/{rule}" in detail


async def test_it_may_make_and_change_a_rule_of_its_own_centers_alone(limited: Limited) -> None:
    """F046, F047"""
    assert (
        await limited.ask("POST", "rules", {"id": "mine", **RULE, "centers": ["lyon", "annecy"]})
    ).status_code == 201
    for key in ("mine", "lyon"):
        for method, path, body in (
            ("PATCH", "", {"name": "Mine"}),
            ("PUT", "", LYON),
            ("POST", "/activate", None),
            ("POST", "/deactivate", None),
            ("POST", "/contact-again", None),
            ("DELETE", "", None),
        ):
            answer = await limited.ask(method, f"rules/{key}{path}", body)
            assert answer.status_code < 300, answer.text


async def test_it_may_not_share_a_rule_with_others(limited: Limited) -> None:
    for centers in ("all", ["lyon", "paris"], ["paris"]):
        await limited.refused("POST", "rules", {"id": "new", **RULE, "centers": centers})
        await limited.refused("PUT", "rules/lyon", {**RULE, "centers": centers})
        await limited.refused("PATCH", "rules/lyon", {"centers": centers})


async def test_it_may_read_all_of_them(limited: Limited) -> None:
    for path in ("rules", "rules/all", "sessions/p/rules", "sessions/p/rules/all"):
        assert (await limited.ask("GET", path)).status_code == 200


async def test_it_may_switch_any_rule_off_for_a_session_of_its_center(limited: Limited) -> None:
    """F048"""
    for rule in ("all", "shared", "lyon", "paris"):
        off = await limited.ask("PUT", f"sessions/l/rules/{rule}", {"active": False})
        assert (off.status_code, off.json()["on"]) == (200, False)
        assert (await limited.ask("DELETE", f"sessions/l/rules/{rule}")).status_code == 204
    assert (await limited.ask("PUT", "sessions/l/rules/own", RULE)).status_code == 200
    new = {"name": "N", "center": "annecy", "rules": {"all": {"active": False}}}
    assert (await limited.ask("PUT", "sessions/new", new)).status_code == 200


@pytest.mark.parametrize("session", ["p", "none"])
async def test_it_has_no_say_in_sessions_of_others(limited: Limited, session: str) -> None:
    await limited.refused("PUT", f"sessions/{session}/rules/all", {"active": False})
    await limited.refused("PUT", f"sessions/{session}/rules/own", RULE)
    await limited.refused("DELETE", f"sessions/{session}/rules/all")
    center = {"p": "paris", "none": None}[session]
    body = {"name": "N", "center": center, "rules": {"all": {"active": False}}}
    await limited.refused("PUT", f"sessions/{session}", body)


async def test_it_makes_and_revokes_no_token_that_may_do_more(limited: Limited) -> None:
    everybodys, mine = (await limited.door.get("tokens"))["items"]
    assert (everybodys["centers"], mine["centers"]) == (None, ["lyon", "annecy"])

    for centers in (None, ["paris"], ["lyon", "paris"]):
        await limited.refused("POST", "tokens", {"name": "More", "centers": centers})
    await limited.refused("DELETE", f"tokens/{everybodys['id']}")

    made = await limited.ask("POST", "tokens", {"name": "Less", "centers": ["lyon"]})
    assert made.json()["centers"] == ["lyon"]
    assert (await limited.ask("DELETE", f"tokens/{made.json()['id']}")).status_code == 204


async def test_the_answer_to_others_is_not_given_again_to_it(limited: Limited) -> None:
    body, key = {"id": "mine", **LYON}, {"Idempotency-Key": "k"}
    assert (await limited.door.http.post("/v1/rules", json=body, headers=key)).status_code == 201

    answer = await limited.ask("POST", "rules", body, **key)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")


@pytest.mark.parametrize("centers", [[], ["no center"], "lyon", [""]])
async def test_a_center_is_an_id(door: Door, centers: Any) -> None:
    answer = await door.http.post("/v1/tokens", json={"name": "N", "centers": centers})

    assert answer.status_code == 422
    assert [error["field"].partition(".")[0] for error in answer.json()["errors"]] == ["centers"]
