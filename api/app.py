"""The application."""

from fastapi import Depends, FastAPI

from api import (
    batch,
    centers,
    companies,
    corrections,
    explain,
    health,
    metrics,
    participations,
    people,
    previews,
    roll_outs,
    rule_switches,
    rules,
    send_decisions,
    sends,
    session_companies,
    session_rules,
    sessions,
    simulations,
    suppressions,
    template_previews,
    templates,
    tokens,
)
from api.authentication import Authentication
from api.dry_run import install_dry_runs
from api.house import House
from api.idempotency import Idempotency
from api.limits import BodyLimit
from api.openapi import install_openapi, operation_id
from api.problems import install_problems
from api.queries import check_query


def create_app(house: House) -> FastAPI:
    """Return the API over one house; pages are added by whoever serves it."""
    app = FastAPI(
        title="Relance",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=operation_id,
    )
    app.state.house = house
    # From the inside out: what is added last meets a request first.
    app.add_middleware(Idempotency, house=house)
    app.add_middleware(BodyLimit)
    app.add_middleware(Authentication, house=house)
    install_problems(app)
    install_dry_runs(app)
    for module in (
        sessions,
        participations,
        batch,
        corrections,
        session_companies,
        people,
        companies,
        centers,
        templates,
        template_previews,
        rules,
        rule_switches,
        simulations,
        session_rules,
        roll_outs,
        sends,
        explain,
        send_decisions,
        previews,
        suppressions,
        tokens,
    ):
        app.include_router(module.router, prefix="/v1", dependencies=[Depends(check_query)])
    for module in (health, metrics):
        app.include_router(module.router)
    install_openapi(app)
    return app
