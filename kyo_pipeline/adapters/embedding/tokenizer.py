"""Token positions from the tokenizer.json of a model."""

from pathlib import Path

from tokenizers import Tokenizer as HubTokenizer

from kyo_pipeline.errors import Invalid

# A tokenizer without pre-tokenizer takes a text as one word: merging is then slow, and on one core.
_PIECE_CHARACTERS = 4_000


class FastTokenizer:
    """Implements the port `Tokenizer` with the Rust library `tokenizers`. Padding and truncation are off."""

    def __init__(self, definition: str) -> None:
        """`definition` is the JSON text of a tokenizer.json."""
        self._tokenizer = HubTokenizer.from_str(definition)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        pieces = _pieces(text)
        encodings = self._tokenizer.encode_batch([text[a:b] for a, b in pieces], add_special_tokens=False)
        return [
            (piece[0] + start, piece[0] + end)
            for piece, encoding in zip(pieces, encodings, strict=True)
            for start, end in encoding.offsets
            if end > start
        ]


def read_tokenizer(path: Path) -> FastTokenizer:
    """Read a tokenizer.json. Raises `Invalid` when the file is none."""
    try:
        return FastTokenizer(path.read_text(encoding="utf-8"))
    except Exception as error:  # `tokenizers` raises a bare Exception for a wrong file
        raise Invalid(f"{path} is not a readable tokenizer.json. Set KYO_EMBEDDING_TOKENIZER to one.") from error


def _pieces(text: str) -> list[tuple[int, int]]:
    """Spans of about `_PIECE_CHARACTERS`, cut at single spaces, which no token crosses."""
    pieces, start = [], 0
    while len(text) - start > _PIECE_CHARACTERS:
        cut = _single_space(text, start + _PIECE_CHARACTERS)
        if cut < 0:
            break
        pieces.append((start, cut))
        start = cut + 1
    return [*pieces, (start, len(text))]


def _single_space(text: str, position: int) -> int:
    """The next space at or after `position` between two other characters, -1 when there is none."""
    cut = text.find(" ", position)
    while cut >= 0 and (text[cut - 1].isspace() or text[cut + 1 : cut + 2].isspace() or cut + 1 == len(text)):
        cut = text.find(" ", cut + 1)
    return cut
