"""Where mails are handed over: one SMTP server, as one sender uses it."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal, Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

Tls = Literal["none", "starttls", "implicit"]

_TLS: dict[str, Tls] = {"none": "none", "starttls": "starttls", "implicit": "implicit"}
_SCHEMES: dict[str, tuple[Tls | None, int]] = {
    "smtp": (None, 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("implicit", 465),
}


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """One SMTP server, as one sender uses it. Time-outs are seconds."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls = "starttls"
    connect_timeout: float = 20  # to connect, greet, encrypt and log in
    body_timeout: float = 60  # from MAIL to the last byte before the dot
    # RFC 5321, 4.5.3.2.6 allows a server ten minutes after the dot. A doubt costs a person's time, so we are
    # patient, yet every time-out together stays below the lease of the row (DESIGN 8).
    reply_timeout: float = 120
    idle_timeout: float = 30  # a connection unused for longer is closed: many servers would have closed it
    connections: int = 8  # more do not make it faster (PERFORMANCE 3)
    ca_file: str | None = None  # certificates to trust instead of the system's
    name: str | None = None  # how we greet; by default the name of this machine

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the settings of `smtp://`, `smtp+starttls://` or `smtps://user:password@host:port`.

        Of `smtp://`, `?tls=none`, `starttls` or `implicit` says how it is encrypted. By default a server on
        this machine is not, and any other must be. Raises ValueError, never quoting the URL.
        """
        parts, port = _split(url)
        if parts is None or parts.scheme not in _SCHEMES or not parts.hostname:
            raise ValueError("a mail server is written smtp://host:port, smtp+starttls://… or smtps://…")
        implied, usual_port = _SCHEMES[parts.scheme]
        tls = implied or _tls(parse_qs(parts.query).get("tls", [""])[-1], parts.hostname)
        if parts.password and tls == "none" and not _is_loopback(parts.hostname):
            raise ValueError("a password would travel readable by all: drop tls=none, or the password")
        return cls(
            host=parts.hostname,
            port=port or usual_port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
        )


def _split(url: str) -> tuple[SplitResult | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:  # its message quotes the URL, and with it the password
        return None, None


def _tls(asked: str, host: str) -> Tls:
    if not asked:
        return "none" if _is_loopback(host) else "starttls"
    if asked not in _TLS:
        raise ValueError("tls is one of none, starttls and implicit")
    return _TLS[asked]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
