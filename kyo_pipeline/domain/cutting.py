"""How texts are cut into the chunks that an embedding set searches."""

from dataclasses import dataclass

from kyo_pipeline.domain.embedding import EmbeddingSpec

#: Goes up when `chunking` cuts otherwise than before, so that no document keeps the old places for ever.
_RULES = 1
#: Tokens kept free for title and headings, which are embedded with each chunk.
_PLACE_TOKENS = 48


@dataclass(frozen=True)
class Cutting:
    """Tokens of a chunk, and tokens that neighbours share.

    `name` is the same for two texts if the places of one may be those of the other: it tells the rules, both numbers,
    and the model whose tokens they are.
    """

    size: int
    overlap: int
    name: str

    @staticmethod
    def of(chunk_size: int, chunk_overlap: int, spec: EmbeddingSpec) -> "Cutting":
        """As the settings say, or smaller where the model reads less once title and headings stand in front."""
        reads = spec.max_tokens
        size = chunk_size if reads is None else min(chunk_size, max(reads - _PLACE_TOKENS, reads // 2))
        # The settings keep the overlap below CHUNK_SIZE, but not below what a model that reads little leaves of it.
        overlap = chunk_overlap if chunk_overlap < size else size // 4
        return Cutting(size, overlap, f"{_RULES}/{size}/{overlap}/{spec.backend}/{spec.model}")
