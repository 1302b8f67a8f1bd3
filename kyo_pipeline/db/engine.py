"""Connections and transactions. Every transaction carries the actor on whose behalf it runs."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]  # ships no types
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from kyo_pipeline.db import audit_chain
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.people import LAST_ADMIN
from kyo_pipeline.errors import Conflict, Forbidden, Invalid, KyoError, Unavailable
from kyo_pipeline.settings import PROJECT_ROOT

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 5

_OPTIONS = ("-csearch_path=kyo,public,pg_temp", "-clock_timeout=30s", "-cidle_in_transaction_session_timeout=300s")

#: What services pass on to the functions of this layer: a connection inside a transaction.
Transaction = Connection

QUERIES = PROJECT_ROOT / "sql" / "queries"

#: COPY and LISTEN bypass SQLAlchemy's own classes.
_ERRORS = (DBAPIError, NoFreeConnection, psycopg2.Error)
_AWAY = (OperationalError, InterfaceError, NoFreeConnection, psycopg2.OperationalError, psycopg2.InterfaceError)

_BAD_URL = "DATABASE_URL: this is not the URL of a PostgreSQL database: postgresql://user:password@host:port/name"
_DISK_FULL = "The database has no space left on its disk. Nothing was changed; try again when there is."
_CANNOT_HOLD = "The database cannot hold this text: it is too long, or of too many different words."
_HAS_NUL = "There is a character in this text that the database cannot hold (NUL). Take it out, and try again."
_SAYS_NUL = "cannot contain NUL"
_IN_THE_WAY = "Somebody else was working on the same thing at the same moment. Nothing was changed; try again."
_NOT_READY = "This embedding set is not in a state for that, or documents are missing in it. Nothing was changed."
_REFUSED = "The database does not allow this to you. Nothing was changed."
_NO_ROLE = "The database lacks a role that KYO needs. Run `kyo migrate`."
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
    """A pool of connections to the schema `kyo`. Nothing is connected before the first transaction.

    With a `role`, each connection takes it on: `url` is then of somebody who may. Without, `url` says who connects.
    Rows of the audit log are sealed with what `audit_key` returns.
    """

    def __init__(
        self,
        url: str,
        role: DatabaseRole | None = None,
        *,
        pool_size: int = 10,
        audit_key: Callable[[], bytes] = bytes,
    ) -> None:
        self._audit_key = audit_key
        self._engine: Engine = create_engine(
            with_driver(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args={
                # A forgotten transaction must not hold its locks for ever.
                "options": " ".join([*_OPTIONS, *([f"-crole={role.value}"] if role else [])]),
                "connect_timeout": CONNECT_SECONDS,
                "application_name": "kyo",
            },
        )

    @contextmanager
    def transaction(self, actor: Actor) -> Iterator[Connection]:
        """One transaction as `actor`: committed at the end, rolled back by any exception. Raises `Unavailable`."""
        try:
            with self._begin() as connection, _on_record(connection, self._audit_key):
                connection.execute(text("select set_config('kyo.actor', :actor, true)"), {"actor": str(actor.id)})
                yield connection
        except _ERRORS as error:
            raise told(error) from error
        except ValueError as error:
            if _SAYS_NUL in str(error):  # of psycopg2, which raises nothing of its own here
                raise Invalid(_HAS_NUL) from error
            raise

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection outside any transaction, for LISTEN. Raises `Unavailable`."""
        try:
            with self._engine.connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")
        except _ERRORS as error:
            raise told(error) from error

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection


@contextmanager
def _on_record(tx: Connection, key: Callable[[], bytes]) -> Iterator[None]:
    """What was put on record meanwhile is written in the end, see `db/audit_chain.py`."""
    begun = audit_chain.begin(tx)
    try:
        yield
        audit_chain.write(tx, key)
    finally:
        audit_chain.end(begun)


def told(error: Exception) -> Exception:
    """The `KyoError` for what the database says by its SQLSTATE; the error itself where it is our own mistake."""
    orig: Any = getattr(error, "orig", error)
    code: str | None = getattr(orig, "pgcode", None)
    if code is None:
        lacks_role = 'role "kyo_' in str(error) and "does not exist" in str(error)
        return Unavailable(_NO_ROLE if lacks_role else _NO_DATABASE) if isinstance(error, _AWAY) else error
    if code == _DELETED_MEANWHILE:
        # It may as well be our own mistake, which nobody would look for behind that sentence.
        _log.warning("Refused by the foreign key %s", orig.diag.constraint_name)
    for family, answer in _BY_SQLSTATE.items():
        if code.startswith(family):
            return answer[0](answer[1])
    return error


#: SQLSTATE of a foreign key that was violated: what it refers to is gone.
_DELETED_MEANWHILE = "23503"

#: Beginnings of SQLSTATE (PostgreSQL, appendix A), the more special first.
_BY_SQLSTATE: dict[str, tuple[type[KyoError], str]] = {
    "53100": (Unavailable, _DISK_FULL),
    "08": (Unavailable, _NO_DATABASE),
    "53": (Unavailable, _NO_DATABASE),
    "57P": (Unavailable, _NO_DATABASE),
    "22": (Invalid, _CANNOT_HOLD),
    "54": (Invalid, _CANNOT_HOLD),
    "40": (Conflict, _IN_THE_WAY),
    "55000": (Conflict, _NOT_READY),
    "55P03": (Conflict, _IN_THE_WAY),
    "23505": (Conflict, _IN_THE_WAY),
    _DELETED_MEANWHILE: (Conflict, _IN_THE_WAY),
    "23001": (Conflict, LAST_ADMIN),
    "42501": (Forbidden, _REFUSED),
}


def lock_name(tx: Connection, name: str, *, shared: bool = False) -> None:
    """Until the end of the transaction, whoever else locks this name waits; with `shared`, unless they share it too."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    tx.execute(text(f"select {function}(hashtextextended(:name, 0))"), {"name": f"kyo.{name}"})


@cache
def query(name: str) -> str:
    """The statement in `sql/queries/<name>.sql`."""
    return Path(QUERIES / f"{name}.sql").read_text(encoding="utf-8")
