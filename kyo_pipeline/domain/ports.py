"""The neighbours that services talk to, as protocols; implemented in `adapters/`, and by fakes in tests."""

from collections.abc import Generator as PyGenerator
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kyo_pipeline.domain.answers import Draft
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.sources import PageImage
from kyo_pipeline.domain.stored_files import StoredFile
from kyo_pipeline.domain.unlocking import Unlocked

Vectors = NDArray[np.float32]


class Tokenizer(Protocol):
    """Counts and locates tokens as the embedding model does."""

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character offsets (start, end) in `text` of each token, without the model's special tokens."""
        ...


class Embedder(Protocol):
    """Turns text into unit vectors. Raises `Unavailable` when a remote model does not answer."""

    @property
    def spec(self) -> EmbeddingSpec: ...

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def calls(self) -> int:
        """How many requests have been sent to a model elsewhere, those that failed too."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimensions), float32, each row of length 1. Batches by itself."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimensions,), float32, length 1."""
        ...


class Languages(Protocol):
    """Tells in which language a text is written."""

    def likelihoods(self, text: str) -> dict[str, float]:
        """How likely each language is, by its ISO 639-1 code, 0 to 1."""
        ...


class Reranker(Protocol):
    """Reads question and text together, which tells more than two vectors do, and costs more."""

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score for each text, in their order; higher is better, on a scale of the model's own.

        Long texts are cut by the model. Raises `Unavailable`.
        """
        ...


class AnswerGenerator(Protocol):
    """Writes an answer from passages only."""

    @property
    def name(self) -> str:
        """The kind of generator: `extractive`, `huggingface`."""
        ...

    @property
    def model(self) -> str: ...

    def generate(self, question: str, retrieval: Retrieval) -> PyGenerator[str, None, Draft]:
        """Yield pieces of the text as they come; return the checked draft. Raises `Unavailable`."""
        ...

    def rewrite(self, question: str, turns: Sequence[Turn]) -> str | None:
        """A follow-up so that it stands alone, as a model writes it, unchecked; None where there is none, or it fails.

        `turns` are the ones before, oldest first.
        """
        ...


class Cache(Protocol):
    """Speeds things up. An outage is a miss, never an error."""

    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes, seconds: int) -> None: ...

    def count(self, key: str, seconds: int) -> int:
        """Add one to a counter and return it; in an outage this process counts.

        It is forgotten `seconds` after it was last added to: a counter of a window has the window in its key.
        """
        ...

    def ping(self) -> bool: ...


class FileStore(Protocol):
    """Bytes by their sha256."""

    def put(self, content: bytes) -> str:
        """Store and return the sha256 in hexadecimal; twice the same is once. Raises `Unavailable`."""
        ...

    def path(self, sha256: str) -> Path:
        """A local path to the bytes. Raises `NotFound`."""
        ...

    def stored(self) -> Iterator[StoredFile]:
        """All that is there, by digest."""
        ...

    def is_whole(self, sha256: str) -> bool:
        """Whether the bytes are still those that were stored. Raises `NotFound`, `Unavailable`."""
        ...

    def remove(self, sha256: str) -> None:
        """Remove the bytes, if they are there. Whoever calls sees to it that nobody has them. Raises `Unavailable`."""
        ...

    def set_aside(self, sha256: str) -> None:
        """Put damaged bytes out of the way, beside their place: the same file can then be stored again."""
        ...

    def leftovers(self, before: datetime) -> int:
        """How many files were begun before that and never finished."""
        ...

    def remove_leftovers(self, before: datetime) -> int:
        """Remove those; returns how many. Raises `Unavailable`."""
        ...


class Parser(Protocol):
    """Reads files in a process of its own, with limits on time and memory."""

    def parse_many(
        self, files: Sequence[tuple[Path, str]]
    ) -> PyGenerator[tuple[int, ParsedDocument | str, float], None, None]:
        """Parse (path, media type) pairs; yield (index, result, seconds) as each one is done, in any order.

        The result is the parsed document, or a sentence that says why the file cannot be used and what to do about it.
        """
        ...

    def render_page(self, path: Path, page: int, quote: str, width: int = 1000) -> PageImage | str:
        """One page of a PDF (the first is 1) as a picture in which the quote is highlighted; or a sentence why not.

        The quote is part of the text that `parse_many` found on that page.
        """
        ...

    @property
    def recognition(self) -> str:
        """Whether text in pictures (OCR) is read: `on (eng)`, or `off` and what it needs."""
        ...

    def unlock(self, content: bytes, password: str | None) -> Unlocked:
        """Take the password off a PDF or Office file. The kind is decided by the content; others are not locked.

        Raises `Unavailable`, as `parse_many` does, when no process can be started.
        """
        ...

    def close(self) -> None: ...
