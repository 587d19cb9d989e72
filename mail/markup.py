"""A careful look at a page before a library reads it.

HTML parsers forgive, and forgiving is expensive: 41 kB of `<p><b id=1><p><b id=2>…` become four million elements
and 1.8 GB in the library that inlines styles, 120 kB of unclosed tags overflow its stack and end the process, and
a tag with 80,000 attributes keeps the other library busy for a minute. So neither is given a page as it comes.
"""

import re

DEEPEST = 100
DEEPEST_FORMATTING = 8


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _names("area base br col embed hr img input link meta source track wbr")
_END_IS_OPTIONAL = _names("p li dt dd td th tr tbody thead tfoot")
# An open one of these is opened again in every paragraph that follows (HTML standard, "active formatting elements").
_FORMATTING = _names("a b big code em font i nobr s small strike strong tt u")
_RAW = _names("style title")
# Their contents are read by rules of their own.
_FOREIGN = _names(
    "applet frameset iframe marquee math noembed noframes noscript object plaintext script select svg template"
    " textarea xmp"
)

# Only what every parser reads in the same way; everything is possessive, so that it cannot be made to take long.
_PLAIN_TOKEN = re.compile(
    r"""(?:[^<]++|<(?![a-z/!?]))++
    |<!--(?!-?>)(?:[^-]++|-(?!-))*+-->
    |<!doctype\b[^<>]*+>
    |<(?P<end>/?)(?P<name>[a-z][a-z0-9:-]*+)
      (?:\s++[a-z@:_-][a-z0-9@:._-]*+(?:\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s"'<>=`]++))?+){0,60}+
      \s*+(?P<empty>/?)>""",
    re.IGNORECASE | re.VERBOSE,
)
_ANY_TOKEN = re.compile(
    r"""<!--.*?(?:-->|\Z)
    |<[!?][^>]*+(?:>|\Z)
    |<(?P<end>/?)(?P<name>[a-z][a-z0-9]*+)(?P<attributes>(?:[^<>"']++|"[^"]*+"|'[^']*+'){0,200}+)>
    |<""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_HREF = re.compile(r"""\shref\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))""", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*+:\s*+none", re.IGNORECASE)
# What the shape of a text depends on.
_SHAPING = _names(
    "a address article aside blockquote body br dd div dl dt figure footer h1 h2 h3 h4 h5 h6 head header hr html li"
    " main nav ol p pre q script section style table tbody td tfoot th thead title tr ul"
)


def is_plain(html: str) -> bool:
    """Say whether the tags of a page are written without surprises, closed in order and not nested deeply."""
    open_tags: list[str] = []
    at = 0
    while at < len(html):
        token = _PLAIN_TOKEN.match(html, at)
        if token is None:
            return False
        at = token.end()
        name = (token["name"] or "").lower()
        if name and not _follow(open_tags, name, bool(token["end"]), bool(token["empty"])):
            return False
        if name in _RAW and not token["end"]:
            at = html.find("</", at)  # nothing but its own end may look like a tag in there
            if at < 0:
                return False
    return all(name in _END_IS_OPTIONAL for name in open_tags)


def _follow(open_tags: list[str], name: str, end: bool, empty: bool) -> bool:
    """Keep `open_tags` in step with one tag; say whether it may stand where it stands."""
    if name in _VOID:
        return not end
    if name in _FOREIGN or empty:
        return False
    if not end:
        open_tags.append(name)
        formatting = sum(tag in _FORMATTING for tag in open_tags) if name in _FORMATTING else 0
        return len(open_tags) <= DEEPEST and formatting <= DEEPEST_FORMATTING
    while open_tags and open_tags[-1] != name and open_tags[-1] in _END_IS_OPTIONAL:
        if name in _FORMATTING:
            return False
        open_tags.pop()
    return bool(open_tags) and open_tags.pop() == name


def bare(html: str) -> str:
    """Return a page reduced to what its text depends on: blocks, lists, tables, links and what is hidden."""
    return _ANY_TOKEN.sub(_reduced, html)


def _reduced(token: re.Match[str]) -> str:
    name = (token["name"] or "").lower()
    if not name:
        return "&lt;" if token[0] == "<" else ""
    attributes = token["attributes"]
    if token["end"]:
        return f"</{name}>"
    if _HIDDEN.search(attributes):
        return f'<{name} style="display:none">' if name not in _VOID else ""
    if name not in _SHAPING:
        return ""
    href = _HREF.search(attributes) if name == "a" else None
    target = "" if href is None else href[1] or href[2] or href[3] or ""
    return f"<{name}>" if not target else f'<{name} href="{_quoted(target)}">'


def _quoted(value: str) -> str:
    return value.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
