"""`relance up`: everything on one machine, in one command, with nothing mocked."""

import asyncio
import errno
import json
import os
import shlex
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from access import ensure_token
from embedded.demo import make_demo
from embedded.mailbox import Mailbox
from embedded.postgres import Postgres
from embedded.processes import Child, StartError, free_port
from embedded.progress import Progress
from embedded.temporal import TemporalServer
from migrate import migrate
from server import serving
from settings import Settings
from worker import working

ADDRESSES = "addresses.json"  # below the folder: where a second command finds the running parts
ACCESS = "token"  # below the folder: opens the API, to whoever may read the folder
DEMO = "demo-made"  # below the folder: the demo is made once, and what the newcomer deletes stays deleted
SMTP_PORT = 1025


@dataclass(frozen=True, slots=True)
class Standing:
    """What runs now: where its parts answer, and the programs that must not end before us."""

    settings: Settings
    programs: list[Child]


@asynccontextmanager
async def standing(folder: Path, console: Console) -> AsyncIterator[Standing]:
    """Start every part that the settings do not name, in order, and stop them in reverse."""
    settings, progress = Settings(), Progress(console)
    _make(folder)
    own_mailbox = not settings.smtp_url
    servers: list[Postgres | TemporalServer] = []
    async with AsyncExitStack() as stack:
        if not settings.database_url:
            with progress.stage("PostgreSQL"):
                postgres = Postgres(folder)
                settings.database_url = await postgres.start()
                stack.push_async_callback(postgres.stop)
                servers.append(postgres)
        if not settings.temporal_address:
            with progress.stage("Temporal"):
                temporal = TemporalServer(folder, settings.temporal_namespace)
                await temporal.start()
                settings.temporal_address, settings.temporal_ui = temporal.address, temporal.ui_url
                stack.push_async_callback(temporal.stop)
                servers.append(temporal)
        if own_mailbox:
            with progress.stage("Mailbox"):
                mailbox = Mailbox(folder / "outbox")
                port = await mailbox.start("127.0.0.1", free_port(SMTP_PORT))
                settings.smtp_url, settings.outbox = f"smtp://127.0.0.1:{port}", str(folder / "outbox")
                stack.push_async_callback(mailbox.stop)
        with progress.stage("Tables"):
            await migrate(settings)
        with progress.stage("Worker"):
            await stack.enter_async_context(working(settings))
        with progress.stage("API and pages"):
            listener = _listen(settings, console)
            settings.open_pages = settings.open_pages or ip_address(listener.getsockname()[0]).is_loopback
            token = await ensure_token(settings, folder / ACCESS, "made by relance up")
            await stack.enter_async_context(serving(settings, listener))
        _write_addresses(folder, settings)
        stack.callback((folder / ADDRESSES).unlink, missing_ok=True)
        if own_mailbox and not (made := folder / DEMO).exists():
            with progress.stage("Demo organization"):
                await make_demo(base_url(settings), token)
                made.touch()
        yield Standing(settings, [server.child for server in servers if server.child])
        console.print("\nStopping …")


def base_url(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


async def up(folder: Path, console: Console) -> int:
    """Run until Ctrl-C or SIGTERM, a second one does not wait; return the exit code."""
    async with standing(folder, console) as house:
        console.print(_welcome(house.settings, folder / ACCESS))
        ended = await _first_to_end(house.programs)
        if ended:
            console.print(f"[red]✗[/] {ended.log.stem} ended by itself; the reason may stand in {ended.log}")
    console.print(f"Stopped. Everything is kept in {folder}/ and goes on with the next start.")
    return 1 if ended else 0


async def _first_to_end(programs: list[Child]) -> Child | None:
    """Wait until we are asked to stop (None), or one of the programs has ended."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    waiting: dict[asyncio.Task[object], Child | None] = {asyncio.create_task(stop.wait()): None}
    waiting |= {asyncio.create_task(program.wait()): program for program in programs}
    done, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    return waiting[done.pop()]


def _listen(settings: Settings, console: Console) -> socket.socket:
    """Return a listening socket; on a port of the kernel's choice, said aloud, where ours is taken."""
    try:
        listener = _bound(settings.host, settings.port)
    except (OSError, UnicodeError) as error:  # the latter for a host that is no name at all
        if getattr(error, "errno", None) != errno.EADDRINUSE:
            text = f"cannot listen on {settings.host}:{settings.port} ({error}): set RELANCE_HOST and RELANCE_PORT"
            raise StartError(text) from error
        listener = _bound(settings.host, 0)
        taken, settings.port = settings.port, listener.getsockname()[1]
        console.print(f"  Port {taken} is taken: using {settings.port}. RELANCE_PORT sets another.")
    settings.port = listener.getsockname()[1]
    listener.setblocking(False)
    return listener


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket listening there, in the family of the host."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address, family=family)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartError(f"--folder {folder} cannot be our folder: {error.strerror}.") from error


def _write_addresses(folder: Path, settings: Settings) -> None:
    temporal = ("temporal_address", "temporal_namespace", "temporal_ui")
    fields = ("database_url", *temporal, "smtp_url", "outbox", "host", "port")
    addresses = {field: getattr(settings, field) for field in fields} | {"pid": os.getpid()}
    new = folder / f"{ADDRESSES}.new"
    new.touch(mode=0o600)  # the addresses may hold passwords
    new.write_text(json.dumps(addresses, indent=2))
    new.replace(folder / ADDRESSES)


def _welcome(settings: Settings, token: Path) -> str:
    base = base_url(settings)
    lines = [
        "",
        f"  [bold]Planned mails[/]   {base}/",
        f"  [bold]Outbox[/]          {base}/outbox" if settings.outbox else "",
        f"  [bold]Timers[/]          {settings.temporal_ui}" if settings.temporal_ui else "",
        "",
        f"  Every call of the API shows a token. Yours is kept in {escape(str(token))}; move a session with it,",
        "  and watch its mails follow:",
        "",
        f"  curl -X PUT {base}/v1/sessions/first-aid \\",
        f"    -H \"Authorization: Bearer $(cat {escape(shlex.quote(str(token)))})\" -H 'Content-Type: application/json' \\",
        '    -d \'{"name": "First aid at work", "starts_at": "2027-03-15T09:00:00+01:00"}\'',
        "",
        "  Ctrl-C stops everything; nothing is lost.",
    ]
    return "\n".join(lines)
