"""Ten-line neighbours for tests, where the real ones would be slow or far away."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.answers import Draft
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.domain.ports import Embedder, Tokenizer, Vectors
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.sources import PageImage
from kyo_pipeline.domain.unlocking import Lock, Unlocked


class RollbackDatabase(Database):
    """A database on one connection: its transactions are savepoints, and in the end nothing of them remains.

    It connects as the owner, who takes on a role for each transaction, as the app and the pipeline have theirs.
    """

    def __init__(
        self,
        connection: Connection,
        role: DatabaseRole | None = DatabaseRole.APP,
        audit_key: Callable[[], bytes] = bytes,
    ) -> None:
        super().__init__(connection.engine.url.render_as_string(hide_password=False), audit_key=audit_key)
        self._connection = connection
        self._outer = connection.begin()
        self._role = role

    def as_role(self, role: DatabaseRole | None) -> "RollbackDatabase":
        """The same transaction with the rights of another role; None: of the owner."""
        sibling = copy(self)
        sibling._role = role
        return sibling

    @contextmanager
    def undone(self) -> Iterator[Connection]:
        """All transactions inside are undone at its end. The connection is the owner's."""
        inner = self._connection.begin_nested()
        try:
            yield self._connection
        finally:
            inner.rollback()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        before = self._connection.scalar(text("select current_user"))
        with self._connection.begin_nested():
            self._connection.execute(text(f"set local role {self._role.value if self._role else 'none'}"))
            yield self._connection
            self._connection.execute(text(f"set local role {before}"))

    def close(self) -> None:
        if self._outer.is_active:  # whoever closes Kyo has closed it already
            self._outer.rollback()
        super().close()


class OtherEmbedder:
    """An embedder with another identity; it may break after so many calls, to stand for a model that goes away."""

    def __init__(
        self,
        inner: Embedder,
        spec: EmbeddingSpec | None = None,
        *,
        broken: Exception | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        self._inner = inner
        self.tokenizer = tokenizer or inner.tokenizer
        self.spec = spec or replace(inner.spec, model="another model")
        self.broken = broken
        self.calls_left = 0
        self.calls = 0
        self.queries: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self._break()
        return self._inner.embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        self._break()
        self.queries.append(text)
        return self._inner.embed_query(text)

    def _break(self) -> None:
        if self.broken and self.calls_left <= 0:
            raise self.broken
        self.calls_left -= 1


class ScriptedGenerator:
    """Writes these pieces, then raises the error or returns the draft."""

    name = "scripted"
    model = "none"

    def __init__(self, pieces: Sequence[str], end: Draft | Exception) -> None:
        self.pieces = pieces
        self.end = end
        self.closed = False

    def generate(self, question: str, retrieval: Retrieval) -> Generator[str, None, Draft]:  # noqa: ARG002 — the port's signature
        try:
            yield from self.pieces
            if isinstance(self.end, Exception):
                raise self.end
            return self.end
        finally:
            self.closed = True

    def rewrite(self, question: str, turns: Sequence[Turn]) -> str | None:  # noqa: ARG002 — the port's signature
        return None


class DownCache:
    """A cache that is away: every question is a miss."""

    def get(self, key: str) -> bytes | None:  # noqa: ARG002 — the port's signature
        return None

    def set(self, key: str, value: bytes, seconds: int) -> None:
        pass

    def count(self, key: str, seconds: int) -> int:  # noqa: ARG002 — the port's signature
        return 1

    def ping(self) -> bool:
        return False


class MemoryCache:
    """A cache that forgets by the clock of the test."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ends: dict[str, datetime] = {}
        self.values: dict[str, bytes] = {}
        self.counters: dict[str, int] = {}

    def get(self, key: str) -> bytes | None:
        self._forget()
        return self.values.get(key)

    def set(self, key: str, value: bytes, seconds: int) -> None:
        self.values[key], self._ends[key] = value, self._now() + timedelta(seconds=seconds)

    def count(self, key: str, seconds: int) -> int:
        self._forget()
        self.counters[key], self._ends[key] = self.counters.get(key, 0) + 1, self._now() + timedelta(seconds=seconds)
        return self.counters[key]

    def ping(self) -> bool:
        return True

    def _forget(self) -> None:
        for key in [key for key, end in self._ends.items() if end <= self._now()]:
            del self._ends[key]
            self.values.pop(key, None)
            self.counters.pop(key, None)


class PlainTextParser:
    """Reads text files in this process; a file that begins with `broken` is refused."""

    def parse_many(
        self, files: Sequence[tuple[Path, str]]
    ) -> Generator[tuple[int, ParsedDocument | str, float], None, None]:
        for index, (path, _) in enumerate(files):
            text = path.read_text(encoding="utf-8")
            refused = "This file is damaged." if text.startswith("broken") else None
            yield index, refused or ParsedDocument(text), 0.001

    @property
    def recognition(self) -> str:
        return "off (test)"

    def render_page(self, path: Path, page: int, quote: str, width: int = 1000) -> PageImage | str:  # noqa: ARG002 — the port's signature
        return "Text files have no pages."

    def unlock(self, content: bytes, password: str | None) -> Unlocked:  # noqa: ARG002 — the port's signature
        return Unlocked(Lock.NOT_LOCKED, content)

    def close(self) -> None:
        pass
