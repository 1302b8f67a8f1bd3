"""What an operator's tools need before there is a `Kyo`: servers, their addresses, migrations."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from pydantic import SecretStr

from kyo_pipeline.adapters.disposable import disposable_folder
from kyo_pipeline.adapters.embedded_postgres import as_role, postmaster_pid, running_postgres
from kyo_pipeline.adapters.embedded_redis import redis_command, redis_url, running_redis
from kyo_pipeline.adapters.locks import not_writable
from kyo_pipeline.adapters.sockets import socket_folder
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.settings import Settings

#: Dagster's storage makes tables with common names (`runs`, `jobs`), so it has a schema of its own.
DAGSTER_SCHEMA = "dagster"


@dataclass(frozen=True)
class Servers:
    """The servers in use. `settings` has their addresses filled in: `open_kyo` takes it."""

    settings: Settings
    postmaster: int | None
    redis_command: tuple[str, ...] | None


@contextmanager
def running_servers(settings: Settings, *, redis: bool = False) -> Iterator[Servers]:
    """Start or join the embedded PostgreSQL, unless another is set; with `redis` the embedded Redis too.

    Without `redis` its address is filled in all the same: if one runs there, it is used.
    """
    with ExitStack() as stack:
        addresses: dict[str, object] = {}
        if settings.uses_embedded_database:
            url = stack.enter_context(running_postgres(_data(settings)))
            addresses["DATABASE_URL"] = SecretStr(url)
            addresses["KYO_APP_DATABASE_URL"] = SecretStr(as_role(url, DatabaseRole.APP))
            addresses["KYO_PIPELINE_DATABASE_URL"] = SecretStr(as_role(url, DatabaseRole.PIPELINE))
        if settings.uses_embedded_redis:
            home = settings.KYO_HOME
            addresses["REDIS_URL"] = SecretStr(stack.enter_context(running_redis(home)) if redis else redis_url(home))
        yield Servers(
            settings=settings.model_copy(update=addresses),
            postmaster=postmaster_pid(_data(settings)) if settings.uses_embedded_database else None,
            redis_command=tuple(redis_command(settings.KYO_HOME)) if settings.uses_embedded_redis else None,
        )


@contextmanager
def running_apart(settings: Settings) -> Iterator[Servers]:
    """A migrated database of its own, in a folder that goes with this process, however that ends.

    Only models that were downloaded are shared with the installation.
    """
    models = settings.KYO_HOME.absolute() / "models"
    try:
        models.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(models, error) from error
    with disposable_folder("kyo-apart-") as folder:
        home = folder / "home"
        home.mkdir(mode=0o700)
        (home / "models").symlink_to(models)
        with running_servers(settings.apart(home)) as servers:
            migrate(servers.settings)
            yield servers


def code_socket(settings: Settings) -> str:
    """Where Dagster's code server listens: a socket that nobody else gets at, as gRPC wants its path written."""
    folder = settings.KYO_HOME.absolute() / "dagster"
    name = "code.sock"
    return quote(str(socket_folder(folder, name, uid=os.geteuid(), gid=os.getegid()) / name))


def is_embedded_database_running(settings: Settings) -> bool:
    return postmaster_pid(_data(settings)) is not None


def has_database(settings: Settings) -> bool:
    """False where the embedded PostgreSQL would have to be made first."""
    return not settings.uses_embedded_database or _data(settings).exists()


def migrate(settings: Settings) -> list[str]:
    """Bring the database up to date; return the names of the migrations that were applied now."""
    # Not above: `kyo up` holds this module for its whole life, and has SQLAlchemy only in its children.
    from kyo_pipeline.adapters.audit_key import audit_key
    from kyo_pipeline.db import audit_chain, verified
    from kyo_pipeline.db import migrate as migrations
    from kyo_pipeline.db.engine import Database
    from kyo_pipeline.kyo import database_url, utc_now

    applied = migrations.migrate(database_url(settings))
    owner = Database(database_url(settings), audit_key=partial(audit_key, settings))
    try:
        with owner.transaction(OPERATOR) as tx:
            audit_chain.begin_chain(tx, utc_now())
            verified.rekey(tx)
    finally:
        owner.close()
    return applied


def refresh_statistics(settings: Settings) -> None:
    """Tell the planner at once what much writing in a short time has changed."""
    # As in `migrate`.
    from kyo_pipeline.db import statistics
    from kyo_pipeline.db.engine import Database
    from kyo_pipeline.kyo import database_url

    owner = Database(database_url(settings))
    try:
        statistics.refresh(owner)
    finally:
        owner.close()


def dagster_url(settings: Settings) -> str:
    """The same database for Dagster's storage, which finds its schema by the search path, as the pipeline's role."""
    # As in `migrate`.
    from kyo_pipeline.kyo import database_url, role_url

    own = role_url(settings, DatabaseRole.PIPELINE)
    role = "" if own else f" -crole={DatabaseRole.PIPELINE.value}"
    parts = urlsplit(own or database_url(settings))
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name != "options"]
    options = ("options", f"-csearch_path={DAGSTER_SCHEMA}{role}")
    query = urlencode([*kept, options], quote_via=quote, safe="/")
    return parts._replace(scheme="postgresql+psycopg2", query=query).geturl()


def _data(settings: Settings) -> Path:
    return settings.KYO_HOME / "postgres"
