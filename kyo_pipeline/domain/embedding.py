"""What has to be known of an embedding model, so that vectors of two models are never mixed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSource:
    """What it takes to open a model beside the one that the settings name: never a key.

    `model` is a name or a folder, as in KYO_EMBEDDING_MODEL, and empty for the built-in one. `endpoint` is where it is
    served, None for the hosted API and on this machine; `tokenizer_file` a path, None for the model's own.
    """

    backend: str
    model: str = ""
    endpoint: str | None = None
    tokenizer_file: str | None = None


@dataclass(frozen=True)
class EmbeddingSpec:
    """The identity of a vector space, recorded beside each table of vectors.

    `max_tokens` is what the model reads, None when it has no limit. `similarity_threshold` is the cosine under which a
    passage is no evidence. `dense_weight` is the share of the dense leg in the fused score, 0 to 1. `languages` are
    those that it was made for, by PostgreSQL's names (`domain/languages.py`); None when it knows many, or nobody knows
    which.
    """

    backend: str
    model: str
    revision: str
    dimensions: int
    pooling: str
    query_prefix: str
    passage_prefix: str
    max_tokens: int | None
    similarity_threshold: float
    dense_weight: float
    languages: tuple[str, ...] | None = None

    def knows(self, language: str | None) -> bool:
        """Whether its vectors say anything about texts in this language; of one that nobody could tell, they may."""
        return self.languages is None or language is None or language in self.languages

    def same_space(self, other: "EmbeddingSpec") -> bool:
        """Whether vectors of the two may be compared.

        The revision counts only where the weights are on this machine: a hosted model does not say which it runs.
        """
        return self._space() == other._space()

    def _space(self) -> tuple[object, ...]:
        revision = None if self.backend == "huggingface" else self.revision
        return (self.backend, self.model, revision, self.dimensions, self.pooling, self.passage_prefix)

    def clash_with(self, configured: "EmbeddingSpec") -> str:
        """The sentence for an operator whose model is not the one that the vectors are of."""
        return (
            f"The documents are embedded with {self.model} ({self.backend}, {self.revision}), but the model is now "
            f"{configured.model} ({configured.backend}, {configured.revision}). Put the one from before back where it "
            "was; another model is built beside it by `kyo embeddings build`."
        )
