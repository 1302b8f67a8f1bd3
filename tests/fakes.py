"""Ten-line neighbours for tests, where the real ones would be slow or far away."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.parsed import ParsedDocument


class RollbackDatabase(Database):
    """A database on one connection: its transactions are savepoints, and in the end nothing of them remains."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        options = {"options": "-csearch_path=kyo,public"}
        self._test_engine = create_engine(url, poolclass=NullPool, connect_args=options)
        self._connection = self._test_engine.connect()
        self._outer = self._connection.begin()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._connection.begin_nested():
            yield self._connection

    def close(self) -> None:
        self._outer.rollback()
        self._connection.close()
        super().close()


class MemoryCache:
    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def set(self, key: str, value: bytes, seconds: int) -> None:  # noqa: ARG002 — the port's signature
        self.values[key] = value

    def ping(self) -> bool:
        return True


class PlainTextParser:
    """Reads text files in this process; a file that begins with `broken` is refused."""

    def parse_many(
        self, files: Sequence[tuple[Path, str]]
    ) -> Generator[tuple[int, ParsedDocument | str, float], None, None]:
        for index, (path, _) in enumerate(files):
            text = path.read_text(encoding="utf-8")
            refused = "This file is damaged." if text.startswith("broken") else None
            yield index, refused or ParsedDocument(text), 0.001

    def close(self) -> None:
        pass
