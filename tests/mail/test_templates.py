"""Templates: what an author may write, what a reader sees, and what a hostile author cannot do."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from domain.rules import Audience, Scope
from mail.limits import Limits
from mail.tags import TAGS, Tag, example_context, tags_for, tags_of
from mail.templates import Rendered, RenderFailed, TemplateError, Voice, missing_tags, parse, render

PARIS = ZoneInfo("Europe/Paris")
FRENCH, ENGLISH = Voice("fr", PARIS), Voice("en", PARIS)

# The tags of later days: a list in a list, and names the customer chose.
MORE_TAGS = {
    *TAGS,
    "participants[].slots[].starts_at",
    "session.data.*",
}


def show(source: str, voice: Voice = ENGLISH, **more: Any) -> str:
    """Return what the text part of a mail says."""
    return render("-", "-", source, {**example_context(), **more}, voice=voice).text


def people(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"first_name": f"Person {number}", **fields} for number in range(count)]


# What an author may write


def test_tags_show_what_is_known_of_recipient_and_session() -> None:
    source = "Dear {{ recipient.first_name }} {{ recipient.last_name }}: {{ session.name }}, {{ organization.name }}"
    assert show(source) == "Dear Claire Martin: Managing a project, Example Training"


def test_dates_speak_the_recipients_language_on_the_sessions_clock() -> None:
    source = "{{ session.starts_at|datetime }} | {{ session.starts_at|date('full') }} | {{ session.starts_at|time }}"
    # 08:00 UTC in January is 09:00 in Paris.
    assert show(source, FRENCH) == "25 janvier 2027 à 09:00 | lundi 25 janvier 2027 | 09:00"
    assert show(source, ENGLISH) == "25 January 2027 at 09:00 | Monday, 25 January 2027 | 09:00"


def test_the_day_is_the_one_on_the_sessions_calendar() -> None:
    late = {"session": {"starts_at": datetime(2026, 12, 31, 23, 30, tzinfo=UTC)}}
    assert show("{{ session.starts_at|date }}", FRENCH, **late) == "1er janvier 2027"


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (None, "", ""),
        (True, "oui", "yes"),
        (2027, "2027", "2027"),
        (12.5, "12,5", "12.5"),
        (date(2027, 1, 18), "18 janvier 2027", "18 January 2027"),
        (datetime(2027, 1, 25, 8, tzinfo=UTC), "25 janvier 2027 à 09:00", "25 January 2027 at 09:00"),
    ],
)
def test_values_are_written_for_people(value: object, french: str, english: str) -> None:
    for voice, text in ((FRENCH, french), (ENGLISH, english)):
        assert show("{{ session.data.value }}", voice, session={"data": {"value": value}}) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% if company %}{{ company.name }}{% else %}alone{% endif %}", "alone"),
        ("{{ company.name|default('no company') }}", "no company"),
        ("{{ 'yes' if session.name == 'Managing a project' else 'no' }}", "yes"),
        ("{% if recipient.first_name in ['Claire', 'Ada'] and not company %}in{% endif %}", "in"),
        (
            "{% for p in participants %}{{ loop.index }}. {{ p.first_name }}\n{% endfor %}",
            "1. Ada\n2. Grace\n",
        ),
        ("{% for p in participants if p.first_name != 'Ada' %}{{ p.first_name }}{% endfor %}", "Grace"),
        (
            "{% for p in participants %}{{ p.first_name }}{{ '' if loop.last else ' and ' }}{% endfor %}",
            "Ada and Grace",
        ),
        ("{% for p in participants[0].slots %}.{% else %}no slots{% endfor %}", "no slots"),
        ("{{ participants|join(', ', 'first_name') }}; {{ participants|length }}", "Ada, Grace; 2"),
        ("{{ (participants|first).first_name }} {{ participants[1].first_name|upper }}", "Ada GRACE"),
        ("{{ session.data.room }} {{ session.data['floor no'] }}{# a comment #}", "B12 3"),
    ],
)
def test_templates_show_choose_and_repeat(source: str, text: str) -> None:
    parse(source, tags=MORE_TAGS)
    more: dict[str, Any] = {
        "company": None,
        "participants": [{"first_name": "Ada", "slots": []}, {"first_name": "Grace"}],
        "session": {"name": "Managing a project", "data": {"room": "B12", "floor no": 3}},
    }
    assert show(source, **more) == text


def test_saving_tells_which_tags_a_template_uses() -> None:
    assert parse("{% if today %}{{ session.name|upper }}{% endif %}") == {"today", "session.name"}
    used = parse("{% for p in participants %}{{ p.first_name }}{% endfor %}", tags=MORE_TAGS)
    assert used == {"participants[]", "participants[].first_name"}


def test_every_unknown_tag_is_named_with_its_line_and_the_nearest_known_one() -> None:
    with pytest.raises(TemplateError) as caught:
        parse("Dear {{ recipient.frist_name }}\n\n{{ sesion.name }} {{ nobody.knows }}")
    assert str(caught.value).splitlines() == [
        "line 1: recipient.frist_name is not a tag; did you mean recipient.first_name?",
        "line 3: sesion.name is not a tag; did you mean session.name?",
        "line 3: nobody.knows is not a tag",
    ]
    assert caught.value.line == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "{{ session }}",
            "session has several values: name one of session.data.*, session.ends_at, session.name, session.room",
        ),
        ("{% for x in session.name %}{% endfor %}", "session.name is not a list"),
        ("{% for x in nothing %}{% endfor %}", "nothing is not a tag"),
        ("{{ session.name }", "unexpected '}'"),
        ("{% if session.name %}", "Unexpected end of template. Jinja was looking for the following tags"),
        (
            "{{ session.name|shout }}",
            "no filter is called shout; there are capitalize, date, datetime, default",
        ),
        (
            "{{ session.name is shiny }}",
            "no test is called shiny; there are defined, even, none, odd, undefined",
        ),
        ("{{ today|date('long', 3) }}", "the filter date does not take these arguments"),
        ("{{ today|date(size='long') }}", "the filter date does not take these arguments"),
        ("{{ 'x' if session.name }}", "a choice inside a tag needs an else"),
        ("{{ recipient.first_name.__class__ }}", "a tag does not begin with an underscore"),
        ("x" * 100_001, "a template has at most 100000 characters"),
    ],
)
def test_a_mistake_is_told_when_the_template_is_saved(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(f"\n{source}", tags=TAGS)
    assert caught.value.line in (1, 2)
    assert caught.value.message.startswith(message)


def test_each_tag_of_the_table_can_be_shown_without_real_data() -> None:
    for name, tag in TAGS.items():
        name = name.replace("*", "anything")
        source = f"{{{{ {name.replace('[]', '[0]')} }}}}"
        assert parse(source) == {name}
        assert show(source, **example_context(TAGS, [name])), tag


def test_a_rule_offers_the_tags_of_its_audience_and_scope() -> None:
    def groups(audience: Audience, scope: Scope) -> set[str]:
        names = {name.partition(".")[0] for name in tags_for(audience, scope)}
        return names - {"recipient", "session", "organization", "today"}

    assert groups(Audience.PARTICIPANTS, Scope.SESSION) == {"person", "company", "participation"}
    assert groups(Audience.TRAINERS, Scope.MODULE) == {"person", "participants[]", "module"}
    assert groups(Audience.COMPANIES, Scope.SLOT) == {"company", "participants[]", "module", "slot"}
    for audience in Audience:
        assert tags_of(audience) == tags_for(audience, Scope.SLOT)
    assert {name: tag for audience in Audience for name, tag in tags_of(audience).items()} == TAGS


def test_a_saved_template_tells_what_a_rule_does_not_offer_it() -> None:
    parts = (
        "{{ slot.name }}, {{ session.name }}",
        "<p>{% for p in participants %}{{ p.first_name }}{% endfor %}{% if module %}{{ module.room }}{% endif %}</p>",
        None,
    )
    trainers = tags_for(Audience.TRAINERS, Scope.SESSION)
    participants = tags_for(Audience.PARTICIPANTS, Scope.MODULE)
    assert missing_tags(*parts, tags=trainers) == ["module", "module.room", "slot.name"]
    assert missing_tags(*parts, tags=participants) == [
        "participants[]",
        "participants[].first_name",
        "slot.name",
    ]
    assert missing_tags(*parts, tags=TAGS) == []


def test_examples_of_lists_have_one_item() -> None:
    tags = {
        tag.name: tag for tag in (Tag("people[].name", "Ada"), Tag("people[].age", 36), Tag("a.data.*", ""))
    }
    assert example_context(tags) == {"people": [{"name": "Ada", "age": 36}], "a": {"data": {}}}


def test_names_that_callers_choose_have_an_example_where_a_template_uses_them() -> None:
    tags = {tag.name: tag for tag in (Tag("a.data.*", "x"), Tag("b", 1))}
    used = parse(
        "{{ a.data.x }} {{ a.data.y.z }} {% if a.data.y %}{% for d in a.data.l %}{{ d }}{{ b }}{% endfor %}{% endif %}",
        tags=tags,
    )
    data = {"x": "x", "y": {"z": "x"}, "l": ["x"]}
    assert example_context(tags, used) == {"a": {"data": data}, "b": 1}


# What a reader sees


def test_html_is_escaped_and_subject_and_text_are_not() -> None:
    hostile = {"recipient": {"first_name": "<script>alert(1)</script> & Co"}}
    source = "{{ recipient.first_name }}"
    mail = render(source, f"<p>{source}</p>", source, hostile, voice=ENGLISH)
    assert "<script>" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in mail.html
    assert mail.subject == mail.text == "<script>alert(1)</script> & Co"


def test_a_name_that_looks_like_a_template_is_only_a_name() -> None:
    assert show("{{ recipient.first_name }}", recipient={"first_name": "{{ 7*7 }}"}) == "{{ 7*7 }}"


def test_a_subject_is_one_line() -> None:
    mail = render(
        "\n{{ recipient.first_name }}\n\n  again\n",
        "-",
        "-",
        {"recipient": {"first_name": "A\r\nBcc: b"}},
        voice=ENGLISH,
    )
    assert mail.subject == "A Bcc: b again"


def test_a_rendered_mail_shows_nothing_of_itself_in_a_log() -> None:
    assert repr(Rendered("Claire", "Claire", "Claire")) == "Rendered()"


# What happens with data that do not fit


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ recipient.phone }}", "text, line 2: recipient.phone has no value"),
        ("{{ nobody }}", "text, line 2: nobody has no value"),
        ("{{ lipsum }}", "text, line 2: lipsum has no value"),
        ("{{ company.name.first }}", "text, line 2: company.name.first has no value"),
        ("{{ recipient }}", "text, line 2: a list or a group cannot be written as text"),
        ("{{ today|time }}", "text, line 2: the filter time is for a date with a time"),
        ("{{ session.name|date }}", "text, line 2: the filter date is for a date"),
        ("{{ session.name is odd }}", "text, line 2: odd and even are for whole numbers"),
        (
            "{{ 'y' if session.name < 3 else 'n' }}",
            "text, line 2: a value here is not of the kind this needs",
        ),
        ("{{ today|date('huge') }}", "text, line 2: a value here is not of the kind this needs"),
    ],
)
def test_a_mail_that_cannot_be_written_says_where_and_why(source: str, told: str) -> None:
    with pytest.raises(RenderFailed) as caught:
        show(f"\n{source}", company=None)
    assert str(caught.value) == told


def test_a_naive_time_is_not_guessed_at() -> None:
    with pytest.raises(RenderFailed, match="not of the kind"):
        show("{{ session.starts_at|time }}", session={"starts_at": datetime(2027, 1, 1)})  # noqa: DTZ001


def test_an_empty_subject_is_no_subject() -> None:
    with pytest.raises(RenderFailed, match="1 to 500 characters"):
        render("{{ recipient.first_name }}", "-", "-", {"recipient": {"first_name": None}}, voice=ENGLISH)


SECRET = "canary@example.org"


@pytest.mark.parametrize(
    "source",
    [
        "{{ recipient.email.x }}",
        "{{ recipient.email|date }}",
        "{{ recipient.email < 3 }}",
        "{{ recipient.phones }}",
        "{{ recipient.phones|join }}",
        "{{ recipient.phones|join(', ', recipient.email) }}",
        "{% for x in recipient.email %}{% endfor %}",
        "{{ today|date(recipient.email) }}",
        "{{ recipient[recipient.email] }}",
    ],
)
def test_no_failure_repeats_anybodys_data(source: str) -> None:
    context = {"recipient": {"email": SECRET, "phones": [{"n": SECRET}]}, "today": date(2027, 1, 1)}
    with pytest.raises((RenderFailed, TemplateError)) as caught:
        render("-", source, None, context, voice=ENGLISH)
    assert SECRET not in f"{caught.value!s} {caught.value!r} {caught.value.args}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


class Colour(StrEnum):
    RED = "red"


class Clever:
    def delete(self) -> str:
        raise AssertionError("a template called it")

    __str__ = delete


def test_only_plain_data_reach_a_template() -> None:
    assert show("{{ session.data.colour }}", session={"data": {"colour": Colour.RED}}) == "red"
    for value in (Clever(), b"bytes", {1, 2}, lambda: "x", Markup("<b>"), {1: 2}):
        with pytest.raises(TypeError, match=r"^(a context holds plain data|the names in a context)"):
            show("{{ session.data.value }}", session={"data": {"value": value}})


def test_no_data_take_the_place_of_what_the_filters_rely_on() -> None:
    assert show("{{ today|date }}", _voice="x", _budget="x", session={"data": {"_x": 1}}) == "18 January 2027"


def test_a_template_saved_before_the_rules_were_stricter_is_not_rendered() -> None:
    with pytest.raises(RenderFailed, match=r"^html, line 2: a template has no arithmetic$"):
        render("-", "\n{{ 7 * 7 }}", None, {}, voice=ENGLISH)


def test_methods_of_plain_data_are_no_tags() -> None:
    with pytest.raises(RenderFailed, match=r"recipient\.items has no value"):
        show("{{ recipient.items }}")
    assert show("{{ recipient.items }}", recipient={"items": "three"}) == "three"


# What a hostile author cannot do

REFUSED_AT_SAVE = {
    "string times number": "{{ 'a' * 10**9 }}",
    "data times number": "{{ recipient.first_name * 1000000000 }}",
    "power": "{{ 10 ** 10 ** 10 }}",
    "percent formatting": "{{ '%0900000000d' % 1 }}",
    "percent formatting of data": "{{ recipient.first_name % today }}",
    "addition": "{{ recipient.first_name + recipient.last_name }}",
    "concatenation": "{{ recipient.first_name ~ recipient.last_name }}",
    "negative": "{{ -1 }}",
    "format filter": "{{ '%0900000000d'|format(1) }}",
    "format method": "{{ '{:>900000000}'.format(1) }}",
    "center": "{{ recipient.first_name|center(900000000) }}",
    "indent": "{{ recipient.first_name|indent(900000000) }}",
    "batch": "{{ recipient.first_name|batch(900000000, 'x')|list }}",
    "slice filter": "{{ recipient.first_name|slice(900000000)|list }}",
    "wordwrap": "{{ recipient.first_name|wordwrap(1) }}",
    "replace": "{{ 'aa'|replace('a', 'aaaaaaaaaa')|replace('a', 'aaaaaaaaaa') }}",
    "urlize": "{{ recipient.first_name|urlize }}",
    "pprint": "{{ recipient|pprint }}",
    "tojson": "{{ recipient.first_name|tojson }}",
    "attr": "{{ recipient|attr('__class__') }}",
    "map": "{{ participants|map(attribute='__class__')|list }}",
    "safe": "{{ recipient.first_name|safe }}",
    "range": "{% for x in range(1000000000) %}x{% endfor %}",
    "range as value": "{{ range(100000)|join }}",
    "lipsum": "{{ lipsum(1000000) }}",
    "lipsum's globals": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "cycler": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "joiner": "{{ joiner('x')() }}",
    "namespace": "{% set ns = namespace(x=1) %}",
    "class": "{{ ''.__class__.__mro__ }}",
    "class by index": "{{ ''['__class__'] }}",
    "method of data": "{{ recipient.first_name.encode() }}",
    "method of context": "{{ participants.delete() }}",
    "call of a tag": "{{ session.name() }}",
    "set": "{% set x = 'a' %}",
    "set block": "{% set x %}a{% endset %}",
    "with": "{% with x = 1 %}{% endwith %}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}",
    "call block": "{% call m() %}{% endcall %}",
    "recursive loop": "{% for p in participants recursive %}{{ loop(participants) }}{% endfor %}",
    "call of the loop": "{% for p in participants %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "inside of the loop": "{% for p in participants %}{{ loop.previtem }}{% endfor %}",
    "loop itself": "{% for p in participants %}{{ loop }}{% endfor %}",
    "unpacking loop": "{% for a, b in participants %}{% endfor %}",
    "loop that hides loop": "{% for loop in participants %}{{ loop.x }}{% endfor %}",
    "deep loops": "{% for a in participants %}" * 4 + "x" + "{% endfor %}" * 4,
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'x' as y %}",
    "from import": "{% from 'x' import y %}",
    "extends": "{% extends 'x' %}",
    "block": "{% block x %}{% endblock %}",
    "autoescape off": "{% autoescape false %}{{ recipient.first_name }}{% endautoescape %}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "raw": "{% raw %}{{ recipient.first_name }}{% endraw %}",
    "trans": "{% trans %}x{% endtrans %}",
    "do": "{% do participants.append(1) %}",
    "self": "{{ self.x() }}",
    "dictionary": "{{ {'a': 1}.keys() }}",
    "slice": "{{ recipient.first_name[:1] }}",
    "computed name": "{{ recipient[recipient.first_name] }}",
    "arguments by star": "{{ participants|join(*participants) }}",
    "arguments by two stars": "{{ participants|join(**recipient) }}",
    "a call hidden in a path": "{{ (participants|first(recipient.clear())).first_name }}",
    "a call hidden in a loop": "{% for p in participants|first(x()) %}{% endfor %}",
    "test with a call": "{{ today is defined(x()) }}",
    "sameas": "{{ today is sameas today }}",
    "reserved name": "{{ _voice.zone }}",
    "reserved name by index": "{{ session.data['_x'] }}",
    "half a million digits": "{{ " + "9" * 90_000 + " }}",
    "many parentheses": "{{ " + "(" * 40_000 + "1" + ")" * 40_000 + " }}",
    "many nots": "{{ " + "not " * 20_000 + "1 }}",
    "long path": "{{ a" + ".a" * 40_000 + " }}",
    "many ifs": "{% if today %}" * 2_000 + "{% endif %}" * 2_000,
    "many tags": "{{ session.name }}" * 3_000,
    "many comparisons": "{{ " + " == ".join(["today"] * 3_000) + " }}",
    "large list": "{{ today in [" + "1," * 20_000 + "] }}",
    "unclosed comment": "{#" * 40_000,
    "unclosed tags": "{{" * 40_000,
    "unclosed blocks": "{%" * 40_000,
    "unclosed text": "{{ '" + "a" * 90_000,
}


@pytest.mark.parametrize("name", REFUSED_AT_SAVE)
def test_a_template_that_could_do_harm_cannot_be_saved(name: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(REFUSED_AT_SAVE[name], tags=MORE_TAGS)
    assert caught.value.problems[0].message
    with pytest.raises(TemplateError):  # and if it got into the database nevertheless, it is not rendered
        parse(REFUSED_AT_SAVE[name], tags={*MORE_TAGS, "a.*", "self.*", "lipsum.*", "participants[].*"})


SMALL = Limits(output=2_000, turns=1_000, seconds=60)

REFUSED_AT_RENDERING = {
    "join of joins": "{{ participants|join(participants|join(participants|join('xx', 'first_name'), 'first_name'), 'first_name') }}",
    "join that is not shown": "{{ 'x' if participants|join(participants|join('x' , 'first_name'), 'first_name') else 'y' }}",
    "nested loops": "{% for a in participants %}{% for b in participants %}{% for c in participants %}{% endfor %}{% endfor %}{% endfor %}",
    "nested loops that write": "{% for a in participants %}{% for b in participants %}x{% endfor %}{% endfor %}",
    "long values": "{{ session.data.long }}",
    "many long values": "{% for a in participants %}{{ recipient.first_name }}{{ recipient.first_name }}{% endfor %}",
    "odd as a format": "{{ session.data.bomb is odd }}",
    "a number no page could hold": "{{ session.data.huge }}",
    "a number as a date": "{{ session.data.huge|date }}",
}


@pytest.mark.parametrize("name", REFUSED_AT_RENDERING)
def test_a_template_that_grows_with_its_data_stops_at_a_limit(name: str) -> None:
    context = {
        "participants": people(100),
        "recipient": {"first_name": "Wilhelmina Charlotte"},
        "session": {"data": {"bomb": "%0900000000d", "huge": 10**5000, "long": "x" * 2_001}},
    }
    with pytest.raises(RenderFailed) as caught:
        render("-", "-", REFUSED_AT_RENDERING[name], context, voice=ENGLISH, limits=SMALL)
    assert caught.value.part == "text"


def test_a_template_that_takes_too_long_is_stopped_inside_its_loop() -> None:
    endless = "{% for p in participants %}{% endfor %}-"
    with pytest.raises(RenderFailed, match=r"^subject, line 1: more than 0 s$"):
        render(endless, "-", "-", {"participants": people(1)}, voice=ENGLISH, limits=Limits(seconds=0))


@given(st.text(alphabet="{}%#|.()[]'\" _aif=~*<>&;\n", max_size=60))
def test_whatever_is_typed_is_saved_or_refused_with_a_line(source: str) -> None:
    lines = [1]
    try:
        parse(source, tags=MORE_TAGS)
    except TemplateError as error:
        lines = [line for line, _ in error.problems]
    assert all(1 <= line <= source.count("\n") + 1 for line in lines)


@given(st.text(max_size=40), st.sampled_from(["<p>{}</p>", '<p title="{}">x</p>', "<p title='{}'>x</p>"]))
def test_no_value_leaves_the_place_it_was_put_into(value: str, around: str) -> None:
    source = around.format("{{ recipient.first_name }}")
    written = render("-", source, "-", {"recipient": {"first_name": value}}, voice=ENGLISH).html
    inside = written[len(around.split("{}")[0]) : -len(around.split("{}")[1])]
    assert not set(inside) & set("<>\"'")
