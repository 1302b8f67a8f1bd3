"""One embedded PostgreSQL for the whole run, migrated by the real migrations; each test is rolled back."""

import secrets
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from argon2 import PasswordHasher
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from kyo_pipeline.adapters import passwords
from kyo_pipeline.adapters.audit_key import audit_key
from kyo_pipeline.adapters.embedded_postgres import DATABASE, postmaster_pid, running_postgres
from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.files import FolderFiles
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.db import users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.db.migrate import migrate
from kyo_pipeline.domain import request
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.ports import Embedder
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import indexing, library, reviewing, upkeep
from kyo_pipeline.settings import Settings
from tests.fakes import MemoryCache, PlainTextParser, RollbackDatabase

# How long an example takes says how busy this machine is, and nothing about the product.
hypothesis_settings.register_profile("kyo", deadline=None)
hypothesis_settings.load_profile("kyo")


_MIGRATED = "migrated"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """xdist knows tests by their ids: of two that share one, it would run one."""
    twice = [name for name, times in Counter(item.nodeid for item in items).items() if times > 1]
    if twice:
        raise pytest.UsageError(f"Tests share an id: {', '.join(twice)}")


class Clock:
    """A clock that moves only when a test moves it. It starts late enough for the rows of the migrations."""

    def __init__(self) -> None:
        self.time = datetime.now(timezone.utc)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **amount: float) -> None:
        self.time += timedelta(**amount)

    def to_mid_month(self) -> date:
        """On to a noon in the midst of a month, so that no test depends on when it runs; gives that day.

        Never back: of who is there by then, the password would be younger than the session.
        """
        in_the_next = self.time.replace(day=1) + timedelta(days=32)
        self.time = in_the_next.replace(day=15, hour=12, minute=0, second=0, microsecond=0)
        return self.time.date()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A migrated database."""
    # Not in pytest's folder: as root the server runs as somebody else, and each pytest closes that folder to others.
    with (
        tempfile.TemporaryDirectory(prefix="kyo-test-") as folder,
        running_postgres(Path(folder) / "data") as url,
    ):
        _spare_the_disk(url)
        migrate(url)
        _run(url, f"create database {_MIGRATED} template {DATABASE}")
        yield url
        if pid := postmaster_pid(Path(folder) / "data"):
            # Nobody needs this data again: an immediate stop spares the checkpoint, which may take ten seconds.
            server = psutil.Process(pid)
            server.send_signal(signal.SIGQUIT)
            server.wait(30)


def _spare_the_disk(url: str) -> None:
    """This data need not outlive the machine: what is committed is not waited for until it lies on the disk."""
    server = make_url(url).set(username="postgres").render_as_string(hide_password=False)
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _run(server, f"alter system set {setting} = off")
    _run(server, "select pg_reload_conf()")


def _run(url: str, statement: str) -> None:
    """Run it outside of a transaction, on a connection of its own."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Where the tests run in the background, Ctrl-C is ignored, and by their children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    """What one test has begun in this thread is not what the next one puts on record."""
    yield
    request.forget()


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """Argon2 at a thousandth of its cost, else hashing is a third of the run; and the hasher of the product."""
    real = passwords._HASHER
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield real


@pytest.fixture(scope="session")
def connection(database_url: str) -> Iterator[Connection]:
    """One for all tests: a new one would plan each statement and each policy for the first time."""
    options = {"options": "-csearch_path=kyo,public -clock_timeout=60s"}
    engine = create_engine(database_url, poolclass=NullPool, connect_args=options)
    with engine.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(KYO_HOME=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def embedder(settings: Settings) -> Embedder:
    """The real built-in model: it loads in half a second."""
    return open_embedder(settings)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def db(connection: Connection, settings: Settings) -> Iterator[RollbackDatabase]:
    """The real database as the app's role sees it; what a test writes is rolled back."""
    database = RollbackDatabase(connection, audit_key=partial(audit_key, settings))
    yield database
    database.close()


@pytest.fixture
def kyo(db: RollbackDatabase, settings: Settings, embedder: Embedder, clock: Clock, tmp_path: Path) -> Iterator[Kyo]:
    """Kyo on the real database and the real built-in model."""
    bundle = Kyo(
        settings=settings,
        db=db,
        embedder=embedder,
        generator=open_generator(settings, embedder),
        cache=MemoryCache(clock),
        files=FolderFiles(tmp_path / "files"),
        parser=PlainTextParser(),
        now=clock,
    )
    yield bundle
    bundle.close()


@pytest.fixture
def pipeline(kyo: Kyo, db: RollbackDatabase) -> Kyo:
    """The same Kyo, in the same transaction, as Dagster's runs have it: with the rights of the pipeline."""
    return replace(kyo, db=db.as_role(DatabaseRole.PIPELINE))


@pytest.fixture
def owner(kyo: Kyo, db: RollbackDatabase) -> Kyo:
    """The same Kyo, in the same transaction, as the owner of the tables, whom no policy stops."""
    return replace(kyo, db=db.as_role(None))


@pytest.fixture
def person(owner: Kyo) -> Callable[[Role], Actor]:
    """Adds somebody with a role. They have no usable password: hashing one for each test would be slow."""

    def add(role: Role) -> Actor:
        name = f"{role.value}-{secrets.token_hex(3)}"
        with owner.db.transaction(OPERATOR) as tx:
            return users.add(tx, name, name.title(), role, owner.now(), password_hash="no password fits")

    return add


@pytest.fixture
def employee(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.EMPLOYEE)


@pytest.fixture
def manager(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.MANAGER)


@pytest.fixture
def admin(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.ADMIN)


@pytest.fixture
def run_pipeline(pipeline: Kyo) -> Callable[[], None]:
    """All steps once, as one Dagster run does them."""
    kyo = pipeline

    def run() -> None:
        claim = indexing.claim_name(secrets.token_hex(8))
        indexing.parse(kyo, claim)
        indexing.cut(kyo, claim)
        indexing.embed(kyo, claim)
        indexing.publish_ready(kyo, claim)
        upkeep.refresh_weights(kyo)

    return run


@pytest.fixture
def publish(
    kyo: Kyo, db: RollbackDatabase, employee: Actor, manager: Actor, run_pipeline: Callable[[], None]
) -> Callable[[str, str], None]:
    """Puts a text into the searchable corpus the whole way: uploaded, processed, approved by somebody else."""
    app = replace(kyo, db=db)  # some tests have a `kyo` with the rights of the pipeline

    def put(file_name: str, text: str) -> None:
        uploaded = library.upload(app, employee, file_name, text.encode())
        run_pipeline()
        reviewing.approve(app, manager, uploaded.document.latest.id)

    return put


@pytest.fixture
def with_settings(kyo: Kyo) -> Callable[..., Kyo]:
    """The same Kyo with some settings changed."""

    def change(**values: object) -> Kyo:
        return replace(kyo, settings=kyo.settings.model_copy(update=values))

    return change


@pytest.fixture
def sql(owner: Kyo) -> Callable[..., list[Any]]:
    """Runs one statement as the owner, in the test's transaction, and returns its rows, if it has any."""

    def run(statement: str, **values: object) -> list[Any]:
        with owner.db.transaction(OPERATOR) as tx:
            result = tx.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    return run


@pytest.fixture
def audited(sql: Callable[..., list[Any]]) -> Callable[[], list[str]]:
    """The events in the audit log, oldest first."""
    return lambda: [row.event for row in sql("select event from audit_log order by id")]


@pytest.fixture
def collection(sql: Callable[..., list[Any]], clock: Clock) -> Callable[..., str]:
    """Adds a collection and returns its name; `members` maps people to their access."""

    def add(name: str, everyone: str | None = None, members: Mapping[Actor, str] | None = None) -> str:
        statement = (
            "insert into collections (name, everyone_access, created_at) values (:name, :everyone, :now) returning id"
        )
        [(found,)] = sql(statement, name=name, everyone=everyone, now=clock())
        for actor, access in (members or {}).items():
            sql("insert into collection_members values (:id, :user, :access)", id=found, user=actor.id, access=access)
        return name

    return add


@pytest.fixture(scope="session")
def new_database(database_url: str) -> Callable[[], str]:
    """Makes empty databases on the same server, for tests that migrate; they go when the server goes."""

    def create(template: str = "template1") -> str:
        name = f"test_{secrets.token_hex(4)}"
        _run(database_url, f"create database {name} template {template}")
        return make_url(database_url).set(database=name).render_as_string(hide_password=False)

    return create


@pytest.fixture(scope="session")
def migrated_database(new_database: Callable[..., str]) -> Callable[[], str]:
    """Makes migrated ones, for tests that commit: copies, which takes a fraction of the time."""

    def copy() -> str:
        url = new_database(_MIGRATED)
        name = make_url(url).database
        # As migration 0003 does: a copy has all that is in a database, and none of the rights to it.
        _run(url, f"revoke temporary on database {name} from public")
        _run(url, f"grant temporary on database {name} to {DatabaseRole.PIPELINE.value}")
        return url

    return copy


@pytest.fixture(scope="module")
def own_database(migrated_database: Callable[[], str]) -> str:
    """A migrated database of this module alone."""
    return migrated_database()


#: With all that hangs on them.
_EMPTIED = (
    "alerts",
    "api_keys",
    "cuttings",
    "documents",
    "evaluation_cases",
    "gap_runs",
    "gaps",
    "invitations",
    "lexemes",
    "quality_runs",
    "questions",
    "rolled_up_days",
    "rolled_up_months",
    "sessions",
    "sign_in_failures",
    "sign_in_tickets",
    "stale_days",
    "usage_by_person",
    "verified_answers",
)


@pytest.fixture
def committed(kyo: Kyo, own_database: str) -> Iterator[Kyo]:
    """Kyo on the module's own database: transactions are committed there, so that other connections see them."""
    db, owner = Database(own_database, DatabaseRole.APP), Database(own_database)
    yield replace(kyo, db=db)
    with owner.transaction(OPERATOR) as tx:
        tx.execute(text(f"truncate {', '.join(_EMPTIED)} cascade"))
        tx.execute(text("update rollup_state set closed_through = '-infinity'"))
        tx.execute(text("alter table audit_log disable trigger audit_log_is_append_only"))
        tx.execute(text("truncate audit_log"))
        tx.execute(text("alter table audit_log enable trigger audit_log_is_append_only"))
        tx.execute(text("select set_config('kyo.actor', '', true)"))  # for people there is no way to delete people
        tx.execute(text("delete from users where id <> :operator"), {"operator": OPERATOR.id})
    db.close()
    owner.close()
