"""The application."""

from fastapi import Depends, FastAPI

from api import (
    batch,
    companies,
    health,
    metrics,
    participations,
    people,
    previews,
    roll_outs,
    rules,
    send_decisions,
    sends,
    session_companies,
    sessions,
    suppressions,
    template_previews,
    templates,
    tokens,
)
from api.authentication import Authentication
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
    for module in (
        sessions,
        participations,
        batch,
        session_companies,
        people,
        companies,
        templates,
        template_previews,
        rules,
        roll_outs,
        sends,
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
