"""What is known of a company, and what tells that a mail to it would be another?"""

from store.companies import Company, find_company, put_company
from tests.store.store_rows import Rows


async def test_the_version_of_a_company_tells_that_the_mail_would_be_another(rows: Rows) -> None:  # F057
    claire = await rows.person("claire")
    versions = []
    for change in (
        {},
        {},
        {"name": "Acme & Sons"},
        {"email": None},
        {"email": None},
        {"language": "fr"},
        {"contact": claire},
        {"contact": claire},
        {"contact": None},
    ):
        await rows.company("acme", **change)
        versions.append(await rows.one("select version from companies"))

    assert versions == [1, 1, 2, 3, 3, 4, 5, 5, 6]


async def test_a_company_is_found_in_its_own_organization_only(rows: Rows) -> None:
    claire = await rows.person("claire@example.org")
    async with rows.store.transaction() as db:
        made = await put_company(
            db,
            rows.organization,
            "Ac/me",
            name="Acme",
            email="a@example.org",
            language="fr",
            contact=claire,
        )
        assert made == Company(made.id, "Ac/me", "Acme", "a@example.org", "fr", "claire@example.org")
        assert await find_company(db, rows.organization, "Ac/me") == made
        assert await find_company(db, made.id, "Ac/me") is None
        assert await find_company(db, rows.organization, "ac/me") is None
