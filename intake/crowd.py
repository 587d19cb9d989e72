"""People who are made up: the same ones every time, with addresses that reach nobody (RFC 2606)."""

import re
from dataclasses import replace
from hashlib import sha256

from intake.rows import Row
from mail.people import PersonBody

_FIRST = (
    "Ada Aïcha Amadou Anaïs Bao Brigitte Carlos Chloé Dmitri Elif Émile Fatou Grace Hedda Hugo Ines Ivan Jana "
    "Karim Léa Linh Malik Nadia Noé Olga Omar Pauline Rosa Sami Théo Yuki Zoé"
)
_LAST = (
    "Almeida Bernard Björk Camara Chen Costa Diallo Dubois Durand Ferrari García Hansen Horváth Ivanova Jansen Kaya "
    "Keller Kowalska Lefèvre Martin Meyer Moreau Nguyen Novák Okafor Petit Rossi Silva Singh Tanaka Traoré Weber"
)

# As an address has it before its @, without asking for quotes.
_PLAIN = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*")
_LONGEST = 64  # RFC 5321, 4.5.3.1.1


def make_up(id: str) -> PersonBody:
    """Return the person made up for this id: always the same one."""
    digest = sha256(id.encode()).digest()
    first, last = _FIRST.split(), _LAST.split()
    local = id if len(id) <= _LONGEST and _PLAIN.fullmatch(id) else digest.hex()[:24]
    return PersonBody(
        email=f"{local}@example.org",
        first_name=first[digest[0] % len(first)],
        last_name=last[digest[1] % len(last)],
    )


def with_guests(row: Row, count: int) -> Row:
    """Return the row with `count` people made up for its session: `S-1-1`, `S-1-2`, …"""
    guests = tuple(f"{row.session.id}-{number}" for number in range(1, count + 1))
    return replace(row, guests=guests, invents=row.invents.union(guests))
