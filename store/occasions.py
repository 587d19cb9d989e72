"""What a preview is about and whom it is for, looked up under the callers' own ids."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.mail_facts import Occasion
from domain.participations import Role

_FIND = text("""
    select session.id as session, module.id as module, slot.id as slot, person.id as person, company.id as company,
           p.id as participation
    from (select 1) as one
    left join sessions session on session.organization_id = :organization and session.key = :session
        and session.deleted_at is null
    left join modules module on module.session_id = session.id and module.key = :module and module.removed_at is null
    left join slots slot on slot.session_id = session.id and slot.key = :slot and slot.removed_at is null
    left join people person on person.organization_id = :organization and person.key = :person
        and person.deleted_at is null
    left join companies company on company.organization_id = :organization and company.key = :company
        and company.deleted_at is null
    left join participations p on p.session_id = session.id and p.role = :role and p.removed_at is null
        and (p.person_id = person.id or p.role = 'company' and p.company_id = company.id)
""")


@dataclass(frozen=True, slots=True)
class Named:
    """What a caller names, by its own ids."""

    session: str | None = None
    module: str | None = None
    slot: str | None = None
    person: str | None = None
    company: str | None = None


class UnknownError(ValueError):
    """These were named, and there are none such; `participation`: of this person or company in this session."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.names = names


async def find_occasion(db: AsyncConnection, organization: UUID, role: Role, named: Named) -> Occasion:
    """Return what is named; raise `UnknownError` for what there is not."""
    asked = {name: getattr(named, name) for name in named.__slots__}
    found = (await db.execute(_FIND, {"organization": organization, "role": role, **asked})).one()._asdict()
    missing = [name for name, key in asked.items() if key is not None and found[name] is None]
    if named.session and (named.person or named.company) and found["participation"] is None:
        missing.append("participation")
    if missing:
        raise UnknownError(*missing)
    module, slot = found.pop("module"), found.pop("slot")
    return Occasion(role, scope=slot or module or found["session"], **found)
