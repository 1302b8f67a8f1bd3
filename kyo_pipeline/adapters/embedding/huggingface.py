"""Embeddings from Hugging Face: the hosted inference API, or a self-hosted text-embeddings-inference."""

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import httpx
import numpy as np
from huggingface_hub import hf_hub_download
from numpy.typing import NDArray
from pydantic import SecretStr

from kyo_pipeline.adapters.embedding.profiles import profile_of
from kyo_pipeline.adapters.embedding.tokenizer import FastTokenizer, read_tokenizer
from kyo_pipeline.adapters.embedding.vectors import by_length, unit_rows
from kyo_pipeline.adapters.remote import open_client, with_retries
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.ports import Vectors
from kyo_pipeline.errors import Invalid, Unavailable

_BATCH = 32  # what text-embeddings-inference accepts at most unless told otherwise
_PASSAGE_ATTEMPTS = 5
_QUERY_ATTEMPTS = 2  # somebody is waiting
_NAME = "The embedding model"
_REVISION = "unknown"  # neither the hosted API nor an endpoint tells which commit of the model it runs


class HuggingFaceEmbedder:
    """Implements the port `Embedder`. Making one calls nobody.

    `tokenizer` may, once, and so may `spec` where the profile does not know the dimensions.
    """

    def __init__(
        self,
        model: str,
        endpoint: str | None,
        key: SecretStr | None,
        timeout: float,
        tokenizer_file: Path | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._model = model
        self._endpoint = endpoint
        self._key = key
        self._timeout = timeout
        self._tokenizer_file = tokenizer_file
        self._wait = wait
        self._profile = profile_of(model)
        self.calls = 0

    @cached_property
    def spec(self) -> EmbeddingSpec:
        profile = self._profile
        dimensions = profile.dimensions or self._request(["dimensions"], _QUERY_ATTEMPTS).shape[1]
        return profile.spec("huggingface", self._model, _REVISION, dimensions, profile.max_tokens)

    @cached_property
    def tokenizer(self) -> FastTokenizer:
        return read_tokenizer(self._tokenizer_file or self._download_tokenizer())

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.spec.dimensions), dtype=np.float32)
        order = by_length(list(texts))
        for start in range(0, len(order), _BATCH):
            positions = order[start : start + _BATCH]
            vectors[positions] = self._embed([texts[position] for position in positions], _PASSAGE_ATTEMPTS)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._embed([self.spec.query_prefix + text], _QUERY_ATTEMPTS)[0]
        return vector

    def _embed(self, texts: list[str], attempts: int) -> Vectors:
        matrix = self._request(texts, attempts)
        if matrix.shape[1] != self.spec.dimensions:
            raise Invalid(
                f"The embedding endpoint gives {matrix.shape[1]} numbers for a text, but {self._model} has "
                f"{self.spec.dimensions}. Set KYO_EMBEDDING_MODEL to the model that the endpoint serves."
            )
        return unit_rows(matrix)

    def _request(self, texts: list[str], attempts: int) -> NDArray[np.float32]:
        """Shape (len(texts), dimensions of the answer), finite, not normalised."""

        try:
            answer = with_retries(lambda: self._call(texts), _NAME, attempts, self._wait)
        except (ValueError, TypeError) as error:
            raise Unavailable(
                f"{_NAME} answered with something that is no list of vectors. Check KYO_EMBEDDING_MODEL and "
                "KYO_EMBEDDING_ENDPOINT."
            ) from error
        return _pooled(answer, len(texts), self._profile.pooling)

    def _call(self, texts: list[str]) -> NDArray[np.float32]:
        self.calls += 1
        provider = None if self._endpoint else "hf-inference"
        with open_client(self._endpoint or self._model, self._key, self._timeout, provider) as client:
            vectors: NDArray[np.float32] = client.feature_extraction(texts, truncate=True)
            return vectors

    def _download_tokenizer(self) -> Path:
        token = self._key.get_secret_value() if self._key and not self._endpoint else False
        try:
            return Path(hf_hub_download(self._model, "tokenizer.json", token=token))
        except (OSError, ValueError, httpx.HTTPError):
            # `from None`: see `with_retries`.
            raise Unavailable(
                f"The tokenizer of {self._model} cannot be downloaded. Set KYO_EMBEDDING_TOKENIZER to the "
                "path of its tokenizer.json."
            ) from None


def _pooled(answer: NDArray[np.float32], count: int, pooling: str) -> NDArray[np.float32]:
    """(n, dims) as it is; of a vector for each token (n, tokens, dims) the first, which is CLS."""
    if answer.ndim == 3 and answer.shape[1] > 0:
        if pooling != "cls":  # without the attention mask, a mean would count the padding
            raise Invalid(f"{_NAME} gives a vector for each token. Let the endpoint pool them, by their mean.")
        answer = answer[:, 0]
    if answer.ndim != 2 or answer.shape[0] != count or answer.shape[1] == 0:
        raise Unavailable(f"{_NAME} answered with an array of shape {answer.shape} for {count} texts.")
    if not np.isfinite(answer).all():
        raise Unavailable(f"{_NAME} answered with numbers that are not finite.")
    return answer
