"""Templates turned into answers, in the reader's language."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from babel.numbers import format_compact_decimal, format_decimal
from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from web.assets import Assets
from web.language import choose_language, remember_language
from web.subjects import read_subject
from words import dates
from words.languages import Language, load_languages
from words.mails import mail_in_words
from words.sends import reason_in_words, status_in_words
from words.steps import step_in_words

_HERE = Path(__file__).parent


class Renderer:
    """Every page's frame: language, navigation, assets and the clock, `now`."""

    def __init__(
        self,
        assets: Assets,
        now: Callable[[], datetime],
        *,
        has_outbox: bool,
        has_sign_in: bool,
        temporal_ui: str | None,
    ) -> None:
        self._languages = load_languages(_HERE / "locale")
        self.now = now
        everywhere = {
            "asset": assets.url,
            "has_outbox": has_outbox,
            "has_sign_in": has_sign_in,
            "temporal_ui": temporal_ui,
        }
        self._environments = {
            code: _environment(language, everywhere) for code, language in self._languages.items()
        }

    def page(
        self,
        request: Request,
        template: str,
        context: Mapping[str, object],
        *,
        parts: Collection[str] = (),
        status_code: int = 200,
    ) -> Response:
        """Return a whole page; or, where the browser asks to fill an element of it anew, that part alone.

        `parts` are the ids of such elements; `_{id}.html` is what one of them becomes. The browser names it in
        HX-Target, and sends If-None-Match to hear only of changes. `own_address` in the context is that of this
        page where it differs from the one that was asked for.
        """
        language = choose_language(request, self._languages)
        part = asked_part(request)
        if part in parts:
            return _part(request, self._render(request, language, f"_{part}.html", context), status_code)
        page = self._render(request, language, template, context)
        response = HTMLResponse(page, status_code, headers={"Content-Language": language.code})
        remember_language(request, response, language)
        return response

    def _render(
        self, request: Request, language: Language, template: str, context: Mapping[str, object]
    ) -> str:
        environment = self._environments[language.code]
        place = str(context.get("own_address") or f"{request.url.path}?{request.url.query}")
        frame = {"now": self.now(), "in_language": partial(_in_language, place)}
        return environment.get_template(template).render(frame, **context)


def asked_part(request: Request) -> str | None:
    """Return the id of the element that the browser asks to fill anew, None where it asks for a page."""
    if "hx-request" not in request.headers:
        return None
    return request.headers.get("hx-target", "").partition("#")[2]


def _part(request: Request, part: str, status_code: int) -> Response:
    version = f'"{sha256(part.encode()).hexdigest()[:16]}"'
    headers = {"ETag": version, "Vary": "HX-Request, HX-Target"}
    if request.headers.get("if-none-match") == version:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(part, status_code, headers)


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
    environment.filters.update(
        status_words=partial(status_in_words, language=language),
        with_words=lambda reason: (reason, reason_in_words(reason, language=language)),
    )
    environment.globals.update(
        everywhere,
        language=language,
        query=_query,
        read_subject=read_subject,
        number=partial(format_decimal, locale=locale),
        compact=partial(format_compact_decimal, locale=locale),
        day=partial(dates.day_in_words, locale=locale),
        short_day=partial(dates.short_day_in_words, locale=locale),
        clock=partial(dates.time_in_words, locale=locale),
        place=partial(dates.place_in_words, locale=locale),
        distance=partial(dates.distance_in_words, locale=locale),
        status_words=partial(status_in_words, language=language),
        reason_words=partial(reason_in_words, language=language),
        mail_words=partial(mail_in_words, language=language),
        step_words=partial(step_in_words, language=language),
    )
    return environment


def _in_language(place: str, code: str) -> str:
    """Return the address of a page in another language."""
    path, _, query = place.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name != "lang"]
    return f"{path}?{urlencode([*kept, ('lang', code)])}"


def _query(**parameters: str | None) -> str:
    """Return the query of an address, with its question mark; nothing for parameters without a value."""
    given = {name: value for name, value in parameters.items() if value}
    return f"?{urlencode(given)}" if given else ""
