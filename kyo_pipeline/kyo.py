"""Kyo: the frozen bundle of the neighbours that services work with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from kyo_pipeline.adapters.cache import RedisCache
from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.files import FolderFiles
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.db.engine import Database, url_of
from kyo_pipeline.domain.ports import AnswerGenerator, Cache, Embedder, FileStore, Parser
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings


@dataclass(frozen=True)
class Kyo:
    """Everything a service needs from outside. Opening one connects to nothing and loads no model yet."""

    settings: Settings
    db: Database
    embedder: Embedder
    generator: AnswerGenerator
    cache: Cache
    files: FileStore
    parser: Parser
    now: Callable[[], datetime]

    def close(self) -> None:
        self.parser.close()
        self.db.close()


def open_kyo(settings: Settings) -> Kyo:
    """The production bundle. Raises `Unavailable` when no database is named."""
    embedder = open_embedder(settings)
    return Kyo(
        settings=settings,
        db=Database(database_url(settings)),
        embedder=embedder,
        generator=open_generator(settings, embedder),
        cache=RedisCache(settings.REDIS_URL.get_secret_value()),
        files=FolderFiles(settings.KYO_HOME / "files"),
        parser=ParserPool(settings),
        now=utc_now,
    )


def database_url(settings: Settings) -> str:
    """DATABASE_URL, or the one that the DB_* variables make. Raises `Unavailable` where neither is set."""
    if settings.DATABASE_URL is not None:
        return settings.DATABASE_URL.get_secret_value()
    if settings.uses_embedded_database:
        raise Unavailable("No database is running here. Start KYO with `kyo up`, or set DATABASE_URL.")
    return url_of(
        user=settings.DB_USER,
        password=settings.DB_PASSWORD.get_secret_value() if settings.DB_PASSWORD else None,
        host=settings.DB_HOST,
        port=settings.DB_PORT,
        name=settings.DB_NAME,
    )


def utc_now() -> datetime:
    return datetime.now(timezone.utc)
