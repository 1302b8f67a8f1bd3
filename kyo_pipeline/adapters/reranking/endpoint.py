"""Reranking by a server that speaks as text-embeddings-inference does: POST /rerank."""

import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence

import httpx
from pydantic import SecretStr

from kyo_pipeline.adapters.remote import complaint
from kyo_pipeline.errors import Unavailable

_NAME = "The reranker"
_BATCH = 32  # what text-embeddings-inference accepts at most unless told otherwise
_LONGEST_SECONDS = 10.0  # somebody is waiting, and has found something already
_UNUSABLE = f"{_NAME} answered with something that is no list of scores. Check KYO_RERANKER_ENDPOINT."


class EndpointReranker:
    """Implements the port `Reranker`. Making one calls nobody. The key goes to this address alone.

    `address` is the server's, with or without /rerank at its end; `timeout`, in seconds, is for all texts together.
    """

    def __init__(self, address: str, key: SecretStr | None, timeout: float) -> None:
        self._url = address.rstrip("/").removesuffix("/rerank") + "/rerank"
        self._headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        self._timeout = min(timeout, _LONGEST_SECONDS)

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """One call for each 32 texts. It is not tried again: the order of the search is there."""
        scores: list[float] = []
        ends = time.monotonic() + self._timeout
        # Redirects are not followed (httpx's default), and no login is taken from the machine.
        with httpx.Client(timeout=self._timeout, headers=self._headers) as client:
            for start in range(0, len(texts), _BATCH):
                batch = list(texts[start : start + _BATCH])
                scores += _scores(self._call(client, question, batch, ends), len(batch))
        return scores

    def _call(self, client: httpx.Client, question: str, texts: list[str], ends: float) -> object:
        asked = {"query": question, "texts": texts, "truncate": True}
        try:
            with client.stream("POST", self._url, json=asked) as answer:
                answer.raise_for_status()
                return json.loads(b"".join(_in_time(answer.iter_bytes(), ends)))
        # `from None`: the text of the cause holds the address.
        except httpx.HTTPError as error:
            raise Unavailable(complaint(_NAME, error)) from None
        except (ValueError, httpx.InvalidURL):
            raise Unavailable(_UNUSABLE) from None


def _in_time(pieces: Iterable[bytes], ends: float) -> Iterator[bytes]:
    """The client's own limit is for each piece: a server that drips would never reach it."""
    for piece in pieces:
        yield piece
        if time.monotonic() > ends:
            raise httpx.ReadTimeout("the answer takes too long")


def _scores(answer: object, count: int) -> list[float]:
    """In the order of the texts: the answer is a list of {index, score}, mostly the best first."""
    try:
        scored = {one["index"]: float(one["score"]) for one in answer} if isinstance(answer, list) else {}
    except (TypeError, KeyError, ValueError, OverflowError):
        raise Unavailable(_UNUSABLE) from None
    if scored.keys() != set(range(count)) or not all(map(math.isfinite, scored.values())):
        raise Unavailable(_UNUSABLE)
    return [scored[index] for index in range(count)]
