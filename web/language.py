"""The language of a page: what its reader asked for."""

from collections.abc import Mapping

from fastapi import Request, Response

from words.languages import Language

COOKIE = "lang"
_ONE_YEAR_IN_SECONDS = 365 * 24 * 3600


def choose_language(request: Request, languages: Mapping[str, Language]) -> Language:
    """Return what the reader asked for: in the address, else in the cookie, else in the browser; else English."""
    asked = [
        request.query_params.get("lang", ""),
        request.cookies.get(COOKIE, ""),
        *_accepted(request.headers.get("accept-language", "")),
    ]
    return next((languages[code] for code in asked if code in languages), languages["en"])


def remember_language(request: Request, response: Response, language: Language) -> None:
    """Set the cookie, when the address named the language."""
    if request.query_params.get("lang") == language.code:
        response.set_cookie(
            COOKIE,
            language.code,
            max_age=_ONE_YEAR_IN_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )


def _accepted(header: str) -> list[str]:
    """Return the primary subtags of an Accept-Language header, the preferred one first (RFC 9110, 12.5.4)."""
    weighted = [_weighted(part) for part in header.split(",")]
    weighted.sort(key=lambda pair: -pair[0])  # stable: equals stay in the order written
    return [code for weight, code in weighted if weight > 0]


def _weighted(part: str) -> tuple[float, str]:
    tag, _, parameter = part.partition(";")
    code = tag.strip().partition("-")[0].lower()
    _, _, weight = parameter.strip().partition("q=")
    try:
        return (float(weight) if weight else 1.0, code)
    except ValueError:
        return (0.0, code)
