"""What an outlook comes to, in a sentence or two."""

from zoneinfo import ZoneInfo

from babel.lists import format_list

from domain.outlook import LEAVING, Effect, Kind, Outlook
from words.dates import day_in_words, time_in_words
from words.languages import Language


def outlook_in_words(outlook: Outlook, *, language: Language) -> str:
    """Return "12 mails move, 3 mails are too late to leave and 1 mail has told the old date already. […]"."""
    _ = language.translations.gettext
    clauses = [clause for kind in Kind if (clause := _clause(kind, outlook.count(kind), language))]
    if not clauses:
        return _("Nothing changes: no mail appears, moves or disappears.")
    counted = _("%(clauses)s.") % {"clauses": format_list(clauses, locale=language.locale)}
    return " ".join([counted, *_ends(outlook, language)])


def _clause(kind: Kind, n: int, language: Language) -> str:
    """Return "12 mails move"; nothing for none."""
    ngettext = language.translations.ngettext
    match kind:
        case Kind.APPEAR:
            words = ngettext("%(n)s mail appears", "%(n)s mails appear", n)
        case Kind.AGAIN:
            words = ngettext(
                "%(n)s mail goes to somebody already contacted",
                "%(n)s mails go to people already contacted",
                n,
            )
        case Kind.MOVE:
            words = ngettext("%(n)s mail moves", "%(n)s mails move", n)
        case Kind.CHANGE:
            words = ngettext("%(n)s mail is written otherwise", "%(n)s mails are written otherwise", n)
        case Kind.ANYWAY:
            words = ngettext("%(n)s mail leaves in any case", "%(n)s mails leave in any case", n)
        case Kind.DISAPPEAR:
            words = ngettext("%(n)s mail disappears", "%(n)s mails disappear", n)
        case Kind.TOO_LATE:
            words = ngettext("%(n)s mail is too late to leave", "%(n)s mails are too late to leave", n)
        case Kind.ALREADY_TOLD:
            words = ngettext(
                "%(n)s mail was already sent with the old date",
                "%(n)s mails were already sent with the old date",
                n,
            )
        case Kind.PAST_THE_FENCE:
            words = ngettext(
                "%(n)s mail is leaving at this moment and cannot be called back",
                "%(n)s mails are leaving at this moment and cannot be called back",
                n,
            )
    return words % {"n": n} if n else ""


def _ends(outlook: Outlook, language: Language) -> list[str]:
    """Return when the first and the last of those that appear, go to somebody again, or move leave."""
    _ = language.translations.gettext
    count = sum(outlook.count(kind) for kind in LEAVING)
    if outlook.first is None or outlook.last is None:
        return []
    first, last = _when(outlook.first, language), _when(outlook.last, language)
    if count == 1:
        return [_("It leaves on %(when)s.") % {"when": first}]
    if first == last:
        return [_("They leave on %(when)s.") % {"when": first}]
    return [_("The first leaves on %(first)s, the last on %(last)s.") % {"first": first, "last": last}]


def _when(effect: Effect, language: Language) -> str:
    """Return "Mon, 31 May 2027 at 09:00 (Europe/Paris)", on the clocks where it is due."""
    at = effect.at
    assert at is not None  # noqa: S101 - it leaves
    zone = ZoneInfo(effect.zone or "UTC")
    return language.translations.gettext("%(day)s at %(time)s (%(zone)s)") % {
        "day": day_in_words(at, zone, language.locale),
        "time": time_in_words(at, zone, language.locale),
        "zone": zone.key,
    }
