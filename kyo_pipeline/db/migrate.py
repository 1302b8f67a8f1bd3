"""Runs `sql/migrations/NNNN_name.sql`: each exactly once, in order, with its record in the same transaction.

Then `sql/functions/name.sql`, each whenever it has changed: what a function does is read in one file, not in a history.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from kyo_pipeline.db.engine import with_driver
from kyo_pipeline.errors import Conflict, Unavailable
from kyo_pipeline.settings import PROJECT_ROOT

MIGRATIONS = PROJECT_ROOT / "sql" / "migrations"
FUNCTIONS = PROJECT_ROOT / "sql" / "functions"

#: Any number that other programs on the same server are unlikely to use.
_LOCK = 5_906_201_937

#: Whoever has no rights in the schema gets an error for asking what is in it.
_IS_READABLE = "select exists (select from pg_namespace where nspname = 'kyo' and has_schema_privilege(oid, 'usage'))"
_RECORDS = "select to_regclass('kyo.schema_migrations')"


@dataclass(frozen=True)
class Migration:
    name: str
    body: str
    repeatable: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body.encode()).hexdigest()


def read_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """All migrations in order. Raises `Conflict` when a number is missing or used twice, or there is none."""
    found = [Migration(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))]
    if not found:
        raise Conflict(f"There are no migrations in {folder}: this installation of KYO is not complete.")
    for number, migration in enumerate(found, start=1):
        if not migration.name.startswith(f"{number:04d}_"):
            raise Conflict(f"Migration {migration.name} should have the number {number:04d}.")
    return tuple(found)


def read_functions(folder: Path = FUNCTIONS) -> tuple[Migration, ...]:
    """The functions that are made anew when their file has changed, by name. None of them may need another one."""
    return tuple(
        Migration(f"function {path.stem}", path.read_text(encoding="utf-8"), repeatable=True)
        for path in sorted(folder.glob("*.sql"))
    )


def migrate(url: str, migrations: tuple[Migration, ...] | None = None) -> list[str]:
    """Apply what is pending, return the names. Raises `Conflict` (edited, failed) and `Unavailable` (no database)."""
    engine = create_engine(with_driver(url), poolclass=NullPool, connect_args={"connect_timeout": 5})
    wanted = everything() if migrations is None else migrations
    try:
        with engine.connect() as connection:
            _lock(connection)
            _prepare(connection)
            return [migration.name for migration in wanted if _apply(connection, migration)]
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {_first_line(error)}") from error
    except SQLAlchemyError as error:
        raise Conflict(f"A migration failed and nothing of it was kept: {_first_line(error)}") from error


def pending(connection: Connection) -> list[str]:
    """Names of the migrations that this database lacks; all of them when it was never migrated."""
    if not connection.scalar(text(_IS_READABLE)) or connection.scalar(text(_RECORDS)) is None:
        return [migration.name for migration in everything()]
    applied = {
        row.name: row.sha256 for row in connection.execute(text("select name, sha256 from kyo.schema_migrations"))
    }
    return [migration.name for migration in everything() if not _is_applied(migration, applied.get(migration.name))]


def everything() -> tuple[Migration, ...]:
    """All migrations, then all functions."""
    return read_migrations() + read_functions()


def _is_applied(migration: Migration, known: str | None) -> bool:
    """Whether nothing is to be done. An edited migration counts as applied here: `migrate` complains about it."""
    return known == migration.sha256 or (known is not None and not migration.repeatable)


def _lock(connection: Connection) -> None:
    # Polled: a blocking advisory lock would deadlock with `create index concurrently` of another installer.
    for _ in range(600):
        taken = connection.scalar(text("select pg_try_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        if taken:
            return
        time.sleep(0.1)
    raise Unavailable("Another process has been migrating this database for a minute; try again later.")


def _prepare(connection: Connection) -> None:
    connection.execute(text("create schema if not exists kyo"))
    connection.execute(text("create schema if not exists dagster"))
    connection.execute(
        text(
            """
            create table if not exists kyo.schema_migrations (
              name text primary key,
              sha256 text not null,
              applied_at timestamptz not null default now()
            )
            """
        )
    )
    connection.commit()


def _apply(connection: Connection, migration: Migration) -> bool:
    known = connection.scalar(
        text("select sha256 from kyo.schema_migrations where name = :name"), {"name": migration.name}
    )
    connection.commit()
    if known == migration.sha256:
        return False
    if known is not None and not migration.repeatable:
        raise Conflict(f"Migration {migration.name} was edited after it had been applied; restore the file.")
    with connection.begin():
        connection.execute(text("set local search_path = kyo, public"))
        connection.exec_driver_sql(migration.body, execution_options={"no_parameters": True})
        connection.execute(
            text(
                """
                insert into kyo.schema_migrations (name, sha256)
                values (:name, :sha256)
                on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()
                """
            ),
            {"name": migration.name, "sha256": migration.sha256},
        )
    return True


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
