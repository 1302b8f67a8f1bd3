from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from kyo_pipeline.db.migrate import read_migrations
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home in which nothing runs."""
    return Settings(KYO_HOME=tmp_path)


def test_migrate_brings_a_database_up_to_date_once(settings: Settings, new_database: Callable[[], str]) -> None:
    named = settings.model_copy(update={"DATABASE_URL": SecretStr(new_database())})
    assert operations.migrate(named) == [migration.name for migration in read_migrations()]
    assert operations.migrate(named) == []


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
            "postgresql+psycopg2://kyo:p%40ss@db:5432/kyo?options=-csearch_path%3Ddagster",
        ),
        (
            "postgresql+psycopg2://kyo@/kyo?host=/tmp/a folder",
            "postgresql+psycopg2://kyo@/kyo?host=/tmp/a%20folder&options=-csearch_path%3Ddagster",
        ),
        (
            "postgres://kyo@db/kyo?sslmode=require&options=-csearch_path%3Dkyo",
            "postgresql+psycopg2://kyo@db/kyo?sslmode=require&options=-csearch_path%3Ddagster",
        ),
    ],
)
def test_dagster_has_a_schema_of_its_own_in_the_same_database(url: str, expected: str) -> None:
    assert operations.dagster_url(url) == expected
