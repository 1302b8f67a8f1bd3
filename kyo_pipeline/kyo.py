"""Kyo: the frozen bundle of the neighbours that services work with."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial

from kyo_pipeline.adapters.audit_key import audit_key
from kyo_pipeline.adapters.cache import RedisCache
from kyo_pipeline.adapters.embedding.factory import configured_source, open_embedder
from kyo_pipeline.adapters.files import FolderFiles
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.adapters.languages import LanguageDetector
from kyo_pipeline.adapters.models import Models
from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.adapters.reranking.factory import open_reranker
from kyo_pipeline.db.engine import Database, url_of
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.domain.ports import AnswerGenerator, Cache, Embedder, FileStore, Languages, Parser, Reranker
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings


@dataclass(frozen=True)
class Kyo:
    """Everything a service needs from outside. Opening one connects to nothing and loads no model yet.

    `embedder` is the model of `source`, where the settings name another; None: of the settings.
    """

    settings: Settings
    db: Database
    embedder: Embedder
    generator: AnswerGenerator
    cache: Cache
    files: FileStore
    parser: Parser
    now: Callable[[], datetime]
    languages: Languages = field(default_factory=LanguageDetector)
    reranker: Reranker | None = None
    source: ModelSource | None = None
    models: Models = field(default_factory=Models)

    def using(self, source: ModelSource | None) -> "Kyo":
        """The same with the model of an embedding set, and the generator that goes with it; None: as it is."""
        if source is None or source == (self.source or configured_source(self.settings)):
            return self
        opened = self.models.opened(self.settings, source)
        return replace(self, embedder=opened.embedder, generator=opened.generator, source=source)

    def close(self) -> None:
        self.parser.close()
        self.db.close()


def open_kyo(settings: Settings, role: DatabaseRole = DatabaseRole.APP) -> Kyo:
    """The production bundle, under the rules of the app unless it is for the pipeline. Raises `Unavailable`.

    That is when no database is named.
    """
    embedder = open_embedder(settings)
    return Kyo(
        settings=settings,
        db=open_database(settings, role),
        embedder=embedder,
        generator=open_generator(settings, embedder),
        cache=RedisCache(settings.REDIS_URL.get_secret_value()),
        files=FolderFiles(settings.KYO_HOME / "files"),
        parser=ParserPool(settings),
        now=utc_now,
        reranker=open_reranker(settings),
    )


def open_database(settings: Settings, role: DatabaseRole) -> Database:
    """As somebody who has this role alone, where the settings name one; else as the owner, who takes it on."""
    own = role_url(settings, role)
    key = partial(audit_key, settings)
    return Database(database_url(settings), role, audit_key=key) if own is None else Database(own, audit_key=key)


def role_url(settings: Settings, role: DatabaseRole) -> str | None:
    """The URL of a user who has this role alone, if there is one."""
    own = {
        DatabaseRole.APP: settings.KYO_APP_DATABASE_URL,
        DatabaseRole.PIPELINE: settings.KYO_PIPELINE_DATABASE_URL,
    }[role]
    return own.get_secret_value() if own else None


def database_url(settings: Settings) -> str:
    """The owner's: DATABASE_URL, or the one that the DB_* variables make. Raises `Unavailable` where neither is set."""
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
