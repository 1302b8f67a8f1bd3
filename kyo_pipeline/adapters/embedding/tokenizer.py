"""Token positions from the tokenizer.json of a model."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer as HubTokenizer

from kyo_pipeline.errors import Invalid

# A tokenizer without pre-tokenizer takes a text as one word: merging is then slow, and on one core.
_SHORTEST, _LONGEST = 1_000, 2_000
_PIECES = 32  # at a time: the library needs some 200 bytes for each token while it works
_SINGLE_SPACE = re.compile(r"(?<=\S) (?=\S)")
_BOUNDARY = re.compile(r"[。！？\s](?=\S)")


class FastTokenizer:
    """Implements the port `Tokenizer` with the Rust library `tokenizers`. Padding and truncation are off."""

    def __init__(self, definition: str) -> None:
        """`definition` is the JSON text of a tokenizer.json."""
        self._tokenizer = HubTokenizer.from_str(definition)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        last = (0, 0)
        for piece, (start, end) in self._offsets(text):
            # A character may be several tokens, and one token mostly begins where another ends: to share those objects
            # halves the memory.
            if (piece + start, piece + end) != last:
                last = (last[1] if piece + start == last[1] else piece + start, piece + end)
            if end > start:
                spans.append(last)
        return spans

    def _offsets(self, text: str) -> Iterator[tuple[int, tuple[int, int]]]:
        """The offset of a piece and, within it, those of a token."""
        for pieces in _batches(_pieces(text)):
            encodings = self._tokenizer.encode_batch([text[a:b] for a, b in pieces], add_special_tokens=False)
            for (start, _), encoding in zip(pieces, encodings, strict=True):
                for offsets in encoding.offsets:
                    yield start, offsets


def read_tokenizer(path: Path) -> FastTokenizer:
    """Read a tokenizer.json. Raises `Invalid` when the file is none."""
    try:
        return FastTokenizer(path.read_text(encoding="utf-8"))
    except Exception as error:  # `tokenizers` raises a bare Exception for a wrong file
        raise Invalid(f"{path} is not a readable tokenizer.json. Set KYO_EMBEDDING_TOKENIZER to one.") from error


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Spans of at most `_LONGEST`: cut at single spaces, which no token crosses, else at a boundary, else anywhere."""
    start = 0
    while len(text) - start > _LONGEST:
        window = (start + _SHORTEST, start + _LONGEST)
        if space := _SINGLE_SPACE.search(text, *window):
            yield start, space.start()
            start = space.end()
        else:
            boundary = _BOUNDARY.search(text, *window)
            cut = boundary.end() if boundary else window[1]
            yield start, cut
            start = cut
    yield start, len(text)


def _batches(pieces: Iterable[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    remaining = iter(pieces)
    while batch := list(islice(remaining, _PIECES)):
        yield batch
