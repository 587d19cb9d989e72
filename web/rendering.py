"""Templates turned into answers, in the reader's language."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from web import dates, words
from web.assets import Assets
from web.language import Language, choose_language, load_languages, remember_language

_HERE = Path(__file__).parent


class Renderer:
    """Every page's frame: language, navigation, assets and the clock, `now`."""

    def __init__(
        self, assets: Assets, now: Callable[[], datetime], *, has_outbox: bool, temporal_ui: str | None
    ) -> None:
        self._languages = load_languages(_HERE / "locale")
        self._now = now
        everywhere = {"asset": assets.url, "has_outbox": has_outbox, "temporal_ui": temporal_ui}
        self._environments = {
            code: _environment(language, everywhere) for code, language in self._languages.items()
        }

    def page(
        self, request: Request, template: str, context: Mapping[str, object], *, status_code: int = 200
    ) -> Response:
        """Return a whole page."""
        language = choose_language(request, self._languages)
        page = self._render(request, language, template, context)
        response = HTMLResponse(page, status_code, headers={"Content-Language": language.code})
        remember_language(request, response, language)
        return response

    def living_page(self, request: Request, template: str, context: Mapping[str, object]) -> Response:
        """Return a page whose changing part, `_{template}`, the browser may ask for alone.

        It asks with the header HX-Request, and If-None-Match to hear only of changes.
        """
        language = choose_language(request, self._languages)
        part = self._render(request, language, f"_{template}", context)
        version = f'"{sha256(part.encode()).hexdigest()[:16]}"'
        if "hx-request" not in request.headers:
            escaped = Markup(part)  # noqa: S704 by the template that made it
            return self.page(request, template, {**context, "part": escaped, "version": version})
        if request.headers.get("if-none-match") == version:
            return Response(status_code=304, headers={"ETag": version})
        return HTMLResponse(part, headers={"ETag": version})

    def _render(
        self, request: Request, language: Language, template: str, context: Mapping[str, object]
    ) -> str:
        environment = self._environments[language.code]
        frame = {"now": self._now(), "in_language": partial(_in_language, request)}
        return environment.get_template(template).render(frame, **context)


def _environment(language: Language, everywhere: dict[str, object]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    locale = language.locale
    environment.globals.update(
        everywhere,
        language=language,
        query=_query,
        day=partial(dates.day_in_words, locale=locale),
        clock=partial(dates.time_in_words, locale=locale),
        place=partial(dates.place_in_words, locale=locale),
        distance=partial(dates.distance_in_words, locale=locale),
        status_words=partial(words.status_in_words, language=language),
        reason_words=partial(words.reason_in_words, language=language),
        trigger_words=partial(words.trigger_in_words, language=language),
    )
    return environment


def _in_language(request: Request, code: str) -> str:
    """Return the address of this page in another language."""
    return request.url.path + _query(**{**request.query_params, "lang": code})


def _query(**parameters: str | None) -> str:
    """Return the query of an address, with its question mark; nothing for parameters without a value."""
    given = {name: value for name, value in parameters.items() if value}
    return f"?{urlencode(given)}" if given else ""
