"""Settings that could break a promise are refused at the start, each in one line."""

import pytest
from pydantic import ValidationError

from settings import Settings, explain


def complaints(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refusal:
        Settings()
    return explain(refusal.value)


@pytest.mark.parametrize(
    "url",
    ["nonsense", "postgresql://app:secret@db:port/relance", "postgresql://app:secret@[::1/relance"],
)
def test_a_database_url_that_is_none_is_not_quoted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    (line,) = complaints(monkeypatch, DATABASE_URL=url)

    assert line.startswith("DATABASE_URL: ")
    assert "postgresql://user:password@host" in line
    assert "secret" not in line
    assert "nonsense" not in line


@pytest.mark.parametrize("address", ["junk", "http://temporal:7233", "user:secret@temporal:7233", "a b:7233"])
def test_temporal_is_a_host_and_a_port(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    (line,) = complaints(monkeypatch, TEMPORAL_ADDRESS=address)

    assert line.startswith("TEMPORAL_ADDRESS: ")
    assert "secret" not in line


def test_temporal_may_have_an_address_of_either_family(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("temporal:7233", "127.0.0.1:7233", "[::1]:7233"):
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        assert Settings().temporal_address == address


@pytest.mark.parametrize(
    "name", ["CLAIM_LEASE", "HAND_OVER_LEASE", "SMTP_TIMEOUT", "REPLY_TIMEOUT", "SWEEP_EVERY", "SWEEP_GRACE"]
)
@pytest.mark.parametrize("duration", ["PT0S", "-PT1M"])
def test_no_patience_is_none_or_less(monkeypatch: pytest.MonkeyPatch, name: str, duration: str) -> None:
    (line,) = complaints(monkeypatch, **{f"RELANCE_{name}": duration})

    assert line.startswith(f"RELANCE_{name}: ")


@pytest.mark.parametrize(
    ("environment", "variables"),
    [
        ({"RELANCE_HAND_OVER_LEASE": "PT4M"}, ["RELANCE_HAND_OVER_LEASE", "RELANCE_REPLY_TIMEOUT"]),
        ({"RELANCE_HAND_OVER_LEASE": "PT5M"}, ["RELANCE_HAND_OVER_LEASE"]),
        ({"RELANCE_SMTP_TIMEOUT": "PT90S"}, ["RELANCE_SMTP_TIMEOUT", "RELANCE_REPLY_TIMEOUT"]),
        (
            {"RELANCE_REPLY_TIMEOUT": "PT4M", "RELANCE_HAND_OVER_LEASE": "PT9M"},
            ["RELANCE_SMTP_TIMEOUT", "RELANCE_REPLY_TIMEOUT"],
        ),
    ],
)
def test_conversation_attempt_and_lease_each_outlast_the_one_before(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], variables: list[str]
) -> None:
    (line,) = complaints(monkeypatch, **environment)

    assert all(variable in line for variable in variables)


def test_the_sweep_is_not_called_for_more_often_than_a_schedule_can(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = complaints(monkeypatch, RELANCE_SWEEP_EVERY="PT0.5S")

    assert line.startswith("RELANCE_SWEEP_EVERY: ")


def test_a_sender_that_mail_cannot_come_from_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = complaints(monkeypatch, RELANCE_SENDER_ADDRESS="Relance <relance@example.org>")

    assert line.startswith("RELANCE_SENDER_ADDRESS: ")


def test_what_a_command_needs_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "TEMPORAL_ADDRESS", "SMTP_URL"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ValueError, match="DATABASE_URL is not set: postgresql://") as missing:
        Settings().require("database_url", "smtp_url")

    assert "SMTP_URL is not set" in str(missing.value)
    assert "TEMPORAL_ADDRESS" not in str(missing.value)
