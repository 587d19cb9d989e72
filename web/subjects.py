"""The subject of a template, readable though nothing fills it in."""

import re
from dataclasses import dataclass

_TAG = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of a subject: as it was written, or the name of what stands there in the mail."""

    text: str
    is_tag: bool = False


def read_subject(subject: str) -> list[Words]:
    """Return a subject with its tags by name: `{{ session.starts_at | date }}` is "session starts at"; conditions
    and comments are left out.
    """
    found: list[Words] = []
    for number, part in enumerate(_TAG.split(subject)):
        if number % 2 == 0:
            found += [Words(part)] if part else []
        elif part.startswith("{{"):
            found.append(Words(_name(part), is_tag=True))
    return found


def _name(tag: str) -> str:
    path = tag[2:-2].strip("-+ \n\t").partition("|")[0]
    return re.sub(r"[._\s]+", " ", path).strip() or "…"
