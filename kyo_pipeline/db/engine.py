"""Connections and transactions. Every transaction carries the actor on whose behalf it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]  # ships no types
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.errors import Invalid, Unavailable
from kyo_pipeline.settings import PROJECT_ROOT

#: What services pass on to the functions of this layer: a connection inside a transaction.
Transaction = Connection

QUERIES = PROJECT_ROOT / "sql" / "queries"

#: How it shows that the database is away or has no connection left. COPY and LISTEN bypass SQLAlchemy's own classes.
_AWAY = (OperationalError, InterfaceError, NoFreeConnection, psycopg2.OperationalError, psycopg2.InterfaceError)

_BAD_URL = "DATABASE_URL: this is not the URL of a PostgreSQL database: postgresql://user:password@host:port/name"
_NO_DATABASE = "The database does not answer. Look at `kyo status`, or ask the person who runs KYO."


def with_driver(url: str) -> str:
    """The same URL with our driver named: SQLAlchemy 2.1 would take `postgresql://` for psycopg 3."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Invalid(_BAD_URL) from None  # the cause quotes the URL, and with it the password
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise Invalid(_BAD_URL)
    return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def url_of(*, user: str, password: str | None, host: str, port: int, name: str) -> str:
    """A database URL from its parts; special characters in them are escaped."""
    url = URL.create("postgresql+psycopg2", user, password, host, port, name)
    return url.render_as_string(hide_password=False)


class Database:
    """A pool of connections to the schema `kyo`. Nothing is connected before the first transaction."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self._engine: Engine = create_engine(
            with_driver(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args={
                "options": "-csearch_path=kyo,public",
                "connect_timeout": 5,
                "application_name": "kyo",
            },
        )

    @contextmanager
    def transaction(self, actor: Actor) -> Iterator[Connection]:
        """One transaction as `actor`: committed at the end, rolled back by any exception. Raises `Unavailable`."""
        try:
            with self._begin() as connection:
                connection.execute(text("select set_config('kyo.actor', :actor, true)"), {"actor": str(actor.id)})
                yield connection
        except _AWAY as error:
            raise Unavailable(_NO_DATABASE) from error

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection outside any transaction, for LISTEN. Raises `Unavailable`."""
        try:
            with self._engine.connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")
        except _AWAY as error:
            raise Unavailable(_NO_DATABASE) from error

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection


@cache
def query(name: str) -> str:
    """The statement in `sql/queries/<name>.sql`."""
    return Path(QUERIES / f"{name}.sql").read_text(encoding="utf-8")
