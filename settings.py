"""Settings, from the environment alone; a wrong value is one clear line at the start."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.zones import ZoneName
from mail.addresses import check_address
from mail.transport import RelaySettings
from store.database import POOL_WAIT, driver_url
from workflows.options import DELIVER


def _database_url(url: str) -> str:
    return driver_url(url) if url else url


def _temporal_address(address: str) -> str:
    """The SDK warns about a scheme and takes port 80 where none is named: neither is ever meant."""
    if address and not re.fullmatch(r"[^\s/@]+:\d{1,5}", address):
        raise ValueError("Temporal is found at host:port, 127.0.0.1:7233 for one")
    return address


def _smtp_url(url: str) -> str:
    if url:
        RelaySettings.from_url(url)
    return url


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
TemporalAddress = Annotated[str, AfterValidator(_temporal_address)]
SmtpUrl = Annotated[str, AfterValidator(_smtp_url)]
MailAddress = Annotated[str, AfterValidator(check_address)]
Patience = Annotated[timedelta, Field(gt=timedelta(0))]

# What the variables that other tools share are for, for who has not set them.
_NEEDED = {
    "database_url": "postgresql://… names your database",
    "temporal_address": "host:port says where Temporal answers",
    "smtp_url": "smtp://… names your mail server",
}


class Settings(BaseSettings):
    """Where the parts are, and how patient we are with them.

    The first three carry the names that other tools give them; all others begin with RELANCE_.
    """

    model_config = SettingsConfigDict(env_prefix="RELANCE_", extra="ignore", hide_input_in_errors=True)

    database_url: DatabaseUrl = Field(default="", validation_alias="DATABASE_URL")
    temporal_address: TemporalAddress = Field(default="", validation_alias="TEMPORAL_ADDRESS")
    temporal_namespace: str = Field(default="default", validation_alias="TEMPORAL_NAMESPACE")
    smtp_url: SmtpUrl = Field(default="", validation_alias="SMTP_URL")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    outbox: str = ""
    """The folder of captured mails that the Outbox page shows; none in production."""

    temporal_ui: str = ""
    """Where operators watch timers; linked from the pages."""

    open_pages: bool = False
    """Whoever reaches the port sees the pages without signing in: so it is for `relance up` on a loopback address.

    They answer under a loopback address, `localhost` and the name of `host` alone.
    """

    # The organization that `migrate` makes where there is none.
    organization_name: str = "Relance"
    organization_zone: ZoneName = "Europe/Paris"
    organization_language: Literal["en", "fr"] = "en"
    sender_address: MailAddress = "relance@example.org"
    sender_name: str = "Relance"

    claim_lease: Patience = timedelta(minutes=1)
    hand_over_lease: Patience = timedelta(minutes=6)
    smtp_timeout: Patience = timedelta(seconds=30)
    """For connecting and logging in; and again for the way from MAIL to the end of the body."""

    reply_timeout: Patience = timedelta(minutes=2)
    """For the answer to the final dot; RFC 5321, 4.5.3.2.6 would allow ten minutes."""

    smtp_connections: int = Field(default=8, ge=1, le=1000)
    """How many mails are on the wire at the same time, for each worker."""

    sender_rate: Annotated[float, Field(gt=0)] | None = None
    """Mails a second that may leave, for all workers together; as fast as it goes where not set."""

    sender_burst: int = Field(default=1, ge=1)
    """How many of them may leave at once after a rest."""

    # Temporal's schedules know no shorter interval than a second.
    sweep_every: Annotated[timedelta, Field(ge=timedelta(seconds=1))] = timedelta(seconds=30)
    """How often somebody looks for what was left behind, however many workers there are."""

    sweep_grace: Patience = timedelta(minutes=1)
    """How long what is behind is left to whoever works on it; a mail is overdue after twice as long."""

    @model_validator(mode="after")
    def _leases_outlast_the_conversation(self) -> Self:
        if self.hand_over_lease / 2 <= self.reply_timeout:
            raise ValueError(
                "RELANCE_HAND_OVER_LEASE must be more than twice RELANCE_REPLY_TIMEOUT: until half of the lease "
                "a dot may leave, and its reply may take that long"
            )
        return self

    @model_validator(mode="after")
    def _an_attempt_outlasts_the_conversation(self) -> Self:
        """An attempt that Temporal ended in mid-conversation leaves a doubt; so does a row that others take over."""
        attempt = DELIVER["start_to_close_timeout"]
        assert attempt is not None  # noqa: S101 - as written there
        # To claim, to fence and to record, each attempt may have to wait for a connection to the database.
        rest = attempt - 3 * POOL_WAIT
        if 2 * self.smtp_timeout + self.reply_timeout >= rest:
            raise ValueError(
                "twice RELANCE_SMTP_TIMEOUT and RELANCE_REPLY_TIMEOUT must together stay below the "
                f"{rest.total_seconds():.0f} s that one attempt has for them: shorten one of them"
            )
        if self.hand_over_lease <= attempt:
            raise ValueError(
                f"RELANCE_HAND_OVER_LEASE must be more than the {attempt.total_seconds():.0f} s of one attempt"
            )
        return self

    def require(self, *names: str) -> Self:
        """Return these settings; raise ValueError, naming the variables, when one of `names` is empty."""
        missing = [name for name in names if not getattr(self, name)]
        if missing:
            raise ValueError("; ".join(f"{name.upper()} is not set: {_NEEDED[name]}" for name in missing))
        return self


def explain(error: ValidationError) -> list[str]:
    """Return one line for each wrong setting, beginning with the name of its variable."""
    return [_variable(wrong["loc"]) + wrong["msg"].removeprefix("Value error, ") for wrong in error.errors()]


def _variable(location: tuple[int | str, ...]) -> str:
    """Return the name of the variable that a field is read from, or nothing for what concerns several."""
    name = "_".join(str(part) for part in location).lower()
    field = Settings.model_fields.get(name)
    if field is None:
        return ""
    return f"{field.validation_alias or f'RELANCE_{name.upper()}'}: "
