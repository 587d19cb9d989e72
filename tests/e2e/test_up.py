"""The one-machine stack, started and killed as a person would."""

import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.conftest import Start, Up
from tests.outside import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

# Time enough for a loaded machine to plan before it is due: what is past when it is planned is not sent.
SOON = timedelta(seconds=10)

DEMO_SENDS = 5 * (4 * 3 - 1)  # people, sessions, rules; one session starts too soon for its convocation

STAGES = ["PostgreSQL", "Temporal", "Mailbox", "Tables", "Worker", "API and pages", "Demo organization"]


def plan_a_mail(up: Up, key: str) -> None:
    """Plan one mail by hand, due on the real clock in a moment."""
    up.call("PUT", f"/v1/templates/{key}", {"subject": "About {{ session.name }}", "html": "<p>Hello</p>"})
    trigger = {"type": "date", "anchor": "session.start", "offset": "-PT1H"}
    up.call("POST", "/v1/rules", {"id": key, "name": key, "template": key, "trigger": trigger})
    up.call("POST", f"/v1/rules/{key}/activate")
    up.call("PUT", f"/v1/people/{key}", {"email": f"{key}@example.org", "first_name": key})
    up.call("PUT", f"/v1/sessions/{key}", {"name": key})
    up.call("PUT", f"/v1/sessions/{key}/participants/{key}")
    bring_close(up, key)


def bring_close(up: Up, key: str) -> None:
    """Move the session so that its mail is due in a moment; on a machine too busy to plan in time, a later one."""
    soon = SOON
    while True:
        starts_at = datetime.now(UTC) + soon + timedelta(hours=1)
        up.call("PUT", f"/v1/sessions/{key}", {"name": key, "starts_at": starts_at.isoformat()})
        eventually(lambda: up.call("GET", f"/v1/sessions/{key}")["planned"])
        if statuses(up) not in ([], ["missed"]):
            return
        soon *= 2


def statuses(up: Up) -> list[str]:
    return [send["status"] for send in up.call("GET", "/v1/sends?rule=ada&session=ada")["items"]]


def mails_to(up: Up, key: str) -> int:
    return sum(f"{key}@example.org" in mail["recipients"] for mail in up.accepted())


def test_a_mail_that_falls_due_on_the_real_clock_arrives(start: Start) -> None:
    up = start().ready()

    plan_a_mail(up, "ada")

    eventually(lambda: mails_to(up, "ada"))
    eventually(lambda: statuses(up) == ["sent"])
    assert mails_to(up, "ada") == 1


def test_a_newcomer_finds_mails_in_the_outbox_and_others_planned(start: Start) -> None:
    up = start().ready()

    eventually(lambda: len(up.accepted()) >= 5)
    waiting = up.call("GET", "/v1/sends?status=scheduled")["items"]
    assert len({send["rule"] for send in waiting}) == 3
    assert all(datetime.fromisoformat(send["due_at"]) > datetime.now(UTC) for send in waiting)


def test_the_command_that_it_prints_moves_a_session(start: Start) -> None:
    up = start().ready()
    said = "".join(up.lines)
    printed = said[said.index("curl -X PUT") : said.rindex("}'") + 2]

    subprocess.run(["bash", "-c", f"{printed} --fail --silent"], check=True, capture_output=True, timeout=30)

    starts_at = up.call("GET", "/v1/sessions/first-aid")["starts_at"]
    assert datetime.fromisoformat(starts_at) == datetime.fromisoformat("2027-03-15T09:00:00+01:00")


def test_where_others_reach_it_the_pages_ask_who_comes(start: Start) -> None:
    open_pages = start().ready()
    assert httpx.get(f"http://127.0.0.1:{open_pages.addresses['port']}/").status_code == 200
    open_pages.stop()

    closed_pages = start(RELANCE_HOST="0.0.0.0").ready()  # noqa: S104 - what is asked here

    answer = httpx.get(f"http://127.0.0.1:{closed_pages.addresses['port']}/", follow_redirects=True)
    assert answer.url.path == "/sign-in"


def test_ctrl_c_stops_everything_and_the_next_start_goes_on(start: Start) -> None:
    up = start().ready()
    eventually(lambda: len(up.call("GET", "/v1/sends")["items"]) == DEMO_SENDS)
    before = {send["id"] for send in up.call("GET", "/v1/sends")["items"]}
    token = (up.folder / "token").read_text()

    assert up.stop(signal.SIGINT) == 0
    assert up.relatives() == []
    again = start().ready()

    assert {send["id"] for send in again.call("GET", "/v1/sends")["items"]} == before
    assert (again.folder / "token").read_text() == token
    assert again.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("stage", STAGES)
def test_killed_while_it_starts_it_leaves_nothing_behind(stage: str, start: Start) -> None:
    up = start()
    up.read_until(f"… {stage}")
    up.stop(signal.SIGKILL)
    eventually(lambda: not up.relatives())

    again = start().ready()

    plan_a_mail(again, "ada")
    eventually(lambda: mails_to(again, "ada"))


def test_killed_while_a_send_waits_it_sends_it_once_after_the_next_start(start: Start) -> None:
    up = start().ready()
    plan_a_mail(up, "ada")
    assert statuses(up) == ["scheduled"]
    due_at = datetime.fromisoformat(up.call("GET", "/v1/sends?rule=ada&session=ada")["items"][0]["due_at"])
    up.stop(signal.SIGKILL)
    eventually(lambda: not up.relatives())
    eventually(lambda: datetime.now(UTC) > due_at)
    assert mails_to(up, "ada") == 0

    again = start().ready()

    eventually(lambda: mails_to(again, "ada"))
    eventually(lambda: statuses(again) == ["sent"])
    assert again.stop() == 0
    assert mails_to(again, "ada") == 1


def test_a_taken_port_is_said_and_another_one_used(start: Start, tmp_path: Path) -> None:
    up = start().ready()
    port = str(up.addresses["port"])

    second = Up(tmp_path / "other", RELANCE_PORT=port)
    try:
        second.ready()
        assert any(f"Port {port} is taken" in line for line in second.lines)
        assert second.call("GET", "/v1/rules")["items"]
    finally:
        second.stop()


def test_a_second_start_in_the_same_folder_is_refused_in_one_line(start: Start) -> None:
    start().ready()

    second = start()
    rest, _ = second.process.communicate(timeout=60)

    assert second.process.returncode == 1
    assert "another Relance runs here" in rest
    assert "Traceback" not in rest


@pytest.mark.parametrize("part", ["postgres", "temporal"])
def test_a_part_that_ends_by_itself_ends_the_house_and_is_named(start: Start, part: str) -> None:
    up = start().ready()
    (program,) = [line for line in psutil.Process(up.process.pid).children() if line.name() == part]

    program.kill()
    rest, _ = up.process.communicate(timeout=60)

    assert up.process.returncode == 1
    assert f"{part} ended by itself" in rest
    assert up.relatives() == []
