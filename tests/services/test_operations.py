from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from kyo_pipeline.adapters.audit_key import audit_key
from kyo_pipeline.db import audit_chain
from kyo_pipeline.db import migrate as migrations
from kyo_pipeline.db.engine import Database
from kyo_pipeline.db.migrate import everything
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import open_database
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home in which nothing runs."""
    return Settings(KYO_HOME=tmp_path)


def test_migrate_brings_a_database_up_to_date_once(settings: Settings, new_database: Callable[[], str]) -> None:
    named = settings.model_copy(update={"DATABASE_URL": SecretStr(new_database())})
    assert operations.migrate(named) == [migration.name for migration in everything()]
    assert operations.migrate(named) == []


def test_the_embedded_database_is_there_for_each_role(settings: Settings) -> None:
    """The app and the pipeline connect as somebody who owns nothing, and cannot become the owner."""
    with operations.running_servers(settings) as servers:
        operations.migrate(servers.settings)
        for role in DatabaseRole:
            db = open_database(servers.settings, role)
            with db.transaction(OPERATOR) as tx:
                assert tx.execute(text("select current_user, session_user")).one() == (role.value, role.value)
            db.close()


def test_without_users_of_their_own_the_roles_are_taken_on(database_url: str) -> None:
    named = Settings(DATABASE_URL=SecretStr(database_url))
    for role in DatabaseRole:
        db = open_database(named, role)
        with db.transaction(OPERATOR) as tx:
            assert tx.scalar(text("select current_user")) == role.value
        db.close()


def test_a_database_without_the_roles_says_what_to_do(database_url: str) -> None:
    db = Database(database_url.replace("//kyo@", "//kyo_nobody@"))
    with pytest.raises(Unavailable, match="kyo migrate"), db.transaction(OPERATOR):
        pass


def test_migrate_without_a_database_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="kyo up"):
        operations.migrate(settings)


def test_servers_that_are_named_are_used_and_none_is_started(tmp_path: Path) -> None:
    named = Settings(KYO_HOME=tmp_path, DATABASE_URL="postgresql://kyo@db/kyo", REDIS_URL="redis://cache:6379/0")
    with operations.running_servers(named, redis=True) as servers:
        assert servers.settings == named
        assert (servers.postmaster, servers.redis_command) == (None, None)
    assert list(tmp_path.iterdir()) == []
    assert not operations.is_embedded_database_running(named)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://kyo:p%40ss@db:5432/kyo",
            "postgresql+psycopg2://kyo:p%40ss@db:5432/kyo?options=-csearch_path%3Ddagster%20-crole%3Dkyo_pipeline",
        ),
        (
            "postgresql+psycopg2://kyo@/kyo?host=/tmp/a folder",
            "postgresql+psycopg2://kyo@/kyo?host=/tmp/a%20folder&options=-csearch_path%3Ddagster%20-crole%3Dkyo_pipeline",
        ),
        (
            "postgres://kyo@db/kyo?sslmode=require&options=-csearch_path%3Dkyo",
            "postgresql+psycopg2://kyo@db/kyo?sslmode=require&options=-csearch_path%3Ddagster%20-crole%3Dkyo_pipeline",
        ),
    ],
)
def test_dagster_has_a_schema_of_its_own_in_the_same_database(url: str, expected: str) -> None:
    assert operations.dagster_url(Settings(DATABASE_URL=SecretStr(url))) == expected


def test_dagster_connects_as_the_pipeline_where_it_has_a_user_of_its_own() -> None:
    settings = Settings(
        DATABASE_URL=SecretStr("postgresql://owner@db/kyo"),
        KYO_PIPELINE_DATABASE_URL=SecretStr("postgresql://pipe@db/kyo"),
    )
    expected = "postgresql+psycopg2://pipe@db/kyo?options=-csearch_path%3Ddagster"
    assert operations.dagster_url(settings) == expected


def test_a_log_from_before_there_was_a_chain_becomes_part_of_it_once(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    migrations.migrate(url, migrations.read_migrations()[:8])
    owner = Database(url)
    with owner.transaction(OPERATOR) as tx:
        tx.execute(
            text(
                """
                insert into audit_log (at, actor_name, event, object_type, object_id, outcome, details)
                select '2026-01-01', 'anna', 'document:upload', 'document', n::text, 'done', '{"size": 1.50}'
                from generate_series(1, 3) as n
                """
            )
        )
    settings = Settings(KYO_HOME=tmp_path, DATABASE_URL=SecretStr(url))
    assert operations.migrate(settings)[0].startswith("0009")
    assert operations.migrate(settings) == []
    with owner.transaction(OPERATOR) as tx:
        [row] = audit_chain.read(tx, 0, 10)
        assert (row.id, row.entry.event, row.entry.details["rows"]) == (4, "audit:begin", 3)
        assert row.is_intact()
        assert row.is_sealed([audit_key(settings)])
        assert audit_chain.changed_before(tx) is None
    owner.close()
