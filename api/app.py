"""The application."""

from fastapi import FastAPI

from api import companies, metrics, participations, people, rules, sends, sessions, suppressions, templates
from api.house import House
from api.limits import BodyLimit
from api.problems import install_problems


def create_app(house: House) -> FastAPI:
    """Return the API over one house; pages are added by whoever serves it."""
    app = FastAPI(title="Relance", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.state.house = house
    app.add_middleware(BodyLimit)
    install_problems(app)
    for module in (sessions, participations, people, companies, templates, rules, sends, suppressions):
        app.include_router(module.router, prefix="/v1")
    app.include_router(metrics.router)
    return app
