"""A desk at which single letters are written and delivered: rows written by hand, a real PostgreSQL, a real mail server.

Nothing here is planned or waits: `send` makes a row that is due now, `deliver` does what its workflow would.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import event, text
from temporalio.testing import ActivityEnvironment

from activities.delivery import DeliveryActivities
from activities.letters import Letter, write_letter
from domain.sends import Ask
from embedded.mailbox import Mailbox
from mail.compose import Message
from mail.transport import HandOver, Relay
from store.database import Store
from store.mail_facts import fetch_mail_facts

STARTS_AT, ENDS_AT = "2027-01-25T08:00:00+00:00", "2027-01-26T16:00:00+00:00"

_INSTANTS = ("starts_at", "ends_at", "started_at", "completed_at", "deadline_at")
_KINDS = {"definition": "jsonb", "slots": "uuid[]", **dict.fromkeys(_INSTANTS, "timestamptz")}

AT_START = {"type": "date", "anchor": "session.start"}

# As a plan that has caught up leaves them.
_PLANNED = """
    update sessions set planned_version = version;
    update participations set planned_version = version;
    update rules set planned_version = version;
"""


class PausingRelay(Relay):
    """Does something with the body on the wire, before the fence; once."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def prepare(self, message: Message) -> HandOver:
        hand_over = await super().prepare(message)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return hand_over


class Desk:
    """What a test does by hand, in one organization with one session."""

    organization: UUID
    session: UUID

    def __init__(self, store: Store, sink: Mailbox, relay: PausingRelay) -> None:
        self.store, self.sink, self.relay = store, sink, relay
        self._activities = DeliveryActivities(store, relay)

    async def open(self, **session: Any) -> "Desk":
        self.organization = await self.add(
            "organizations", key="main", name="Example Training", zone="Europe/Paris", language="fr",
            sender_address="training@example.org", sender_name="Example Training",
        )  # fmt: skip
        self.session = await self.row(
            "sessions", key="S-1", name="Managing a project", zone="Europe/Paris", starts_at=STARTS_AT,
            ends_at=ENDS_AT, room="Room 4", **session,
        )  # fmt: skip
        return self

    async def add(self, table: str, *, returning: str = "id", **columns: Any) -> Any:
        """Insert a row and return its id."""
        values = {name: _written(value) for name, value in columns.items()}
        names, bound = ", ".join(values), ", ".join(map(_bound, values))
        statement = f"insert into {table} ({names}) values ({bound}) returning {returning}"  # noqa: S608
        return (await self.execute(statement, **values)).scalar_one()

    async def row(self, table: str, **columns: Any) -> Any:
        return await self.add(table, organization_id=self.organization, **columns)

    async def execute(self, statement: str, **values: Any) -> Any:
        async with self.store.transaction() as db:
            return await db.execute(text(statement), values)

    async def person(self, name: str, **columns: Any) -> UUID:
        """Make a person whose address is their name's; `email=None` for none."""
        columns = {"email": f"{name}@example.org", "first_name": name.capitalize(), **columns}
        person: UUID = await self.row("people", key=name, **columns)
        return person

    async def company(self, name: str = "acme", **columns: Any) -> UUID:
        company: UUID = await self.row("companies", **{"key": name, "name": name.capitalize(), **columns})
        return company

    async def takes_part(self, role: str, **columns: Any) -> UUID:
        made: UUID = await self.add("participations", session_id=self.session, role=role, **columns)
        return made

    async def company_of(self, participation: UUID) -> UUID:
        found = await self.execute("select company_id from participations where id = :id", id=participation)
        company: UUID = found.scalar_one()
        return company

    async def suppress(self, address: str) -> None:
        await self.row("suppressions", address=address, reason="bounced", returning="address")

    async def participant(
        self, name: str, *, company: UUID | None = None, manager: UUID | None = None, **columns: Any
    ) -> UUID:
        """Make somebody who comes to the session, and return their participation."""
        person = await self.person(name, manager_id=manager)
        return await self.takes_part("participant", person_id=person, company_id=company, **columns)

    async def trainer(self, name: str, **columns: Any) -> UUID:
        return await self.takes_part("trainer", person_id=await self.person(name), **columns)

    async def module(self, name: str, **columns: Any) -> UUID:
        made: UUID = await self.add(
            "modules", session_id=self.session, key=name, name=name.capitalize(), **columns
        )
        return made

    async def slot(self, name: str, **columns: Any) -> UUID:
        columns = {"starts_at": STARTS_AT, "ends_at": ENDS_AT, **columns}
        made: UUID = await self.add(
            "slots", session_id=self.session, key=name, name=name.capitalize(), **columns
        )
        return made

    async def template(self, **words: Any) -> UUID:
        usual = {"audience": "participants", "subject": "Hello", "html": "<p>Hello</p>"}
        template: UUID = await self.row("templates", key=str(uuid4()), **{**usual, **words})
        return template

    async def send(
        self,
        participation: UUID,
        *,
        scope: UUID | None = None,
        cc: Sequence[str] = (),
        rule: UUID | None = None,
        template: UUID | None = None,
        says: Mapping[str, Any] | None = None,
        occurrence: str = "1",
        covers: Sequence[UUID] | None = None,
        special: UUID | None = None,
        **words: Any,
    ) -> UUID:
        """Make one mail that is due now, for whoever takes part so: of `rule`, else of one of its own that `says` this.

        `special` is a template that it has in the place of its rule's.
        """
        rule = rule or await self.rule(template or await self.template(**words), cc=list(cc), **(says or {}))
        made: UUID = (
            await self.execute(
                """
                insert into sends (id, organization_id, rule_id, session_id, scope_id, participation_id, recipient_id,
                                   occurrence, covers, template_id,
                                   status, rule_version, due_at, latest_at, due_local, due_zone, zone_data)
                select gen_random_uuid(), :organization, :rule, session_id, coalesce(:scope, session_id), id,
                       coalesce(person_id, company_id), :occurrence, cast(:covers as uuid[]), :special,
                       'scheduled', 1, relance_now() - interval '1 minute',
                       relance_now() + interval '1 day', localtimestamp, 'UTC', 'x'
                from participations where id = :participation returning id
                """,
                organization=self.organization,
                rule=rule,
                scope=scope,
                participation=participation,
                occurrence=occurrence,
                covers=None if covers is None else list(covers),
                special=special,
            )
        ).scalar_one()
        await self.plan()
        return made

    async def rule(self, template: UUID, **says: Any) -> UUID:
        """Make an active rule that says this, and writes to nobody by itself."""
        made: UUID = await self.row(
            "rules",
            key=str(uuid4()),
            name="R",
            template_id=template,
            definition={"trigger": AT_START, **says},
            active=True,
        )
        return made

    async def plan(self) -> None:
        """Let the plan have caught up with whatever changed."""
        for statement in _PLANNED.split(";")[:-1]:
            await self.execute(statement)

    async def letter(self, send: UUID) -> Letter:
        """Write the letter as it would be written now."""
        async with self.store.transaction() as db:
            return write_letter(send, await fetch_mail_facts(db, send))

    async def statements(self, send: UUID) -> int:
        """Return how many statements it takes to read what the letter is written from."""
        made: list[str] = []
        async with self.store.transaction() as db:
            note = lambda _connection, _cursor, statement, *_: made.append(statement)  # noqa: E731
            event.listen(self.store.engine.sync_engine, "before_cursor_execute", note)
            try:
                await fetch_mail_facts(db, send)
            finally:
                event.remove(self.store.engine.sync_engine, "before_cursor_execute", note)
        return len(made)

    async def deliver(self, send: UUID) -> dict[str, Any]:
        """Deliver it as its workflow would, whenever it next may, and return the row."""
        await self.execute("update sends set next_attempt_at = null where id = :send", send=send)
        row = await self.send_row(send)
        await ActivityEnvironment().run(self._activities.deliver, Ask(send, row["version"]))
        return await self.send_row(send)

    async def send_row(self, send: UUID) -> dict[str, Any]:
        return dict((await self.execute("select * from sends where id = :send", send=send)).one()._mapping)

    async def told(self, words: str, participation: UUID, scope: UUID | None = None) -> str:
        """Return what a mail with these words says."""
        letter = await self.letter(await self.send(participation, scope=scope, text=words))
        return text_of(letter.message.body)

    def accepted(self) -> list[list[str]]:
        """Return whom each mail went to that the server took."""
        return [line.recipients for line in self.sink.accepted()]


def text_of(mail: bytes) -> str:
    """Return the plain text of a mail."""
    part = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content()).rstrip("\n")


def _written(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def _bound(name: str) -> str:
    kind = _KINDS.get(name)
    return f"cast(:{name} as {kind})" if kind else f":{name}"
