"""A reranker that is made at first use, and left alone for a while after it has failed."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from kyo_pipeline.adapters.breaker import Breaker
from kyo_pipeline.domain.ports import Reranker
from kyo_pipeline.errors import KyoError, Unavailable

_log = logging.getLogger(__name__)


class GuardedReranker:
    """Implements the port `Reranker`. Threads may share it; whichever comes first loads the model.

    Everything that is wrong is `Unavailable`, also a model that cannot be loaded: nobody's question fails for an order.
    """

    def __init__(self, load: Callable[[], Reranker], clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._loaded: Reranker | None = None
        self._breaker = Breaker(clock)

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        if (entry := self._breaker.enter()) is None:
            raise Unavailable("The reranker failed a moment ago, and is left alone for some seconds.")
        try:
            scores = self._reranker().rerank(question, texts)
            entry.answered = True
            return scores
        except KyoError as error:
            entry.answered = False
            _log.warning("Passages keep the order of the search. %s", error.message)
            raise Unavailable(error.message) from None
        finally:
            self._breaker.leave(entry)

    def _reranker(self) -> Reranker:
        if not self._loading.acquire(blocking=self._loaded is not None):
            raise Unavailable("The reranker is being loaded.")  # nobody waits for an order
        try:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded
        finally:
            self._loading.release()
