"""To whom we give a password and mails: servers that prove their name."""

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from embedded.mailbox import Mailbox
from mail.transport import Relay, RelaySettings, Unreachable
from tests.mail.letters import a_letter
from tests.mail.scripted import Script, scripted
from tests.mail.servers import deliver


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate for "localhost" that only this test trusts."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command, *names, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True
    )
    return key, cert


@pytest.fixture(params=["starttls", "implicit"])
async def encrypted(
    request: pytest.FixtureRequest, certificate: tuple[Path, Path], tmp_path: Path
) -> AsyncIterator[tuple[Mailbox, RelaySettings]]:
    key, cert = certificate
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    server = Mailbox(
        tmp_path / "outbox", tls=tls, implicit_tls=request.param == "implicit", login=("ada", "lovelace")
    )
    port = await server.start("localhost")
    yield server, RelaySettings("localhost", port, "ada", "lovelace", tls=request.param, ca_file=str(cert))
    await server.stop()


async def test_an_encrypted_server_that_proves_its_name_gets_login_and_mail(
    encrypted: tuple[Mailbox, RelaySettings],
) -> None:
    server, settings = encrypted
    relay = Relay(settings)
    for _ in range(2):
        await deliver(relay, a_letter(text="x" * 300_000))
    assert (len(server.accepted()), server.connections) == (2, 1)
    await relay.aclose()


async def test_a_wrong_password_is_our_fault(encrypted: tuple[Mailbox, RelaySettings]) -> None:
    server, settings = encrypted
    with pytest.raises(Unreachable) as caught:
        await Relay(replace(settings, password="wrong")).prepare(a_letter())
    assert (caught.value.stage, caught.value.code) == ("login", 535)
    assert server.accepted() == []


async def test_a_server_nobody_vouches_for_gets_neither_login_nor_mail(
    encrypted: tuple[Mailbox, RelaySettings],
) -> None:
    server, settings = encrypted
    for doubtful in (replace(settings, ca_file=None), replace(settings, host="127.0.0.1")):
        with pytest.raises(Unreachable) as caught:
            await Relay(doubtful).prepare(a_letter())
        assert caught.value.stage in ("tls", "connect")
    assert server.accepted() == []


async def test_a_server_that_offers_no_encryption_gets_neither_login_nor_mail() -> None:
    async def script(server: Script) -> None:
        await server.greet("AUTH PLAIN LOGIN")
        assert await server.wait_for_the_end() == b""

    async with scripted(script) as server:
        url = server.url.replace("smtp://", "smtp://ada:lovelace@").replace("tls=none", "tls=starttls")
        with pytest.raises(Unreachable) as caught:
            await Relay.from_url(url).prepare(a_letter())
        await server.end()
    assert caught.value.stage == "tls"
