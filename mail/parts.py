"""The two bodies of a mail, made from one rendered page: HTML with its styles inlined, and plain text.

Both libraries were written for friendly pages. What they would do with a hostile one is fenced in here and in
`markup`: nothing is fetched from anywhere, and neither body can be very much longer than the page.
"""

import re

from css_inline import CSSInliner
from inscriptis import get_text
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.html_properties import Display, WhiteSpace
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_document_state import HtmlDocumentState
from inscriptis.model.html_element import HtmlElement
from inscriptis.model.tag import CustomHtmlTagHandlerMapping

from mail.markup import bare, is_plain

# Characters of styles times elements. Inlining may copy every style to every element; above this the styles
# stay where they are, which most mail programs read as well.
MOST_INLINING = 16_000_000

_INLINER = CSSInliner(
    keep_style_tags=True,
    keep_at_rules=True,  # @media for narrow screens cannot be inlined, and must not be lost
    load_remote_stylesheets=False,  # the default reads any URL and any file the page names
)


def inline_styles(html: str) -> str:
    """Return `html` with the rules of its style tags copied to the elements they are about.

    A page with surprising tags keeps its styles where they are, and so does a very large one.
    """
    styles = _style_size(html)
    if not styles or styles * html.count("<") > MOST_INLINING or not is_plain(html):
        return html
    return _INLINER.inline(html)


def _style_size(html: str) -> int:
    """Return how many characters stand inside style tags (a regular expression here can take minutes)."""
    lower, size, at = html.lower(), 0, 0
    while (start := lower.find("<style", at)) >= 0:
        end = lower.find("</style", start)
        at = end if end >= 0 else len(lower)
        size += at - start
    return size


def plain_text(html: str) -> str:
    """Return what `html` says, for readers without HTML: links with their targets, one line per table row."""
    text = get_text(bare(html), _text_config())
    lines = (line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _text_config() -> ParserConfig:
    rows = CustomHtmlTagHandlerMapping(
        # The library pads columns to their widest cell: mails are laid out with tables, and one wide cell
        # beside many rows would fill the memory.
        start_tag_mapping={"table": _nothing, "tr": _open_row, "td": _open_cell, "th": _open_cell},
        end_tag_mapping={"table": _nothing, "td": _nothing, "th": _nothing},
    )
    css = {
        **STRICT_CSS_PROFILE,
        # The library writes through this element: shared between threads, it would mix up two people's mails.
        "body": HtmlElement(display=Display.inline, whitespace=WhiteSpace.normal),
        "tr": HtmlElement(display=Display.block),
        "ul": HtmlElement(display=Display.block, padding_inline=2),
        "ol": HtmlElement(display=Display.block, padding_inline=3),
    }
    config = ParserConfig(css=css, display_links=True, custom_html_tag_handler_mapping=rows)
    config.attribute_handler.attribute_mapping = {"style": _hide}
    return config


def _hide(_style: str, element: HtmlElement) -> None:
    element.display = Display.none  # `bare` keeps a style for nothing else


def _nothing(state: HtmlDocumentState, attributes: object = None) -> None:
    pass


def _open_row(state: HtmlDocumentState, attributes: object) -> None:
    state.first_cell = True


def _open_cell(state: HtmlDocumentState, attributes: object) -> None:
    if not getattr(state, "first_cell", True):
        state.tags[-1].write(" | ")
    state.first_cell = False
