"""A language model, and quotes from the documents where it fails."""

import logging
import time
from collections.abc import Callable, Sequence
from collections.abc import Generator as PyGenerator
from dataclasses import replace

from kyo_pipeline.adapters.breaker import Breaker, Entry
from kyo_pipeline.domain.answers import Draft, Outcome
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.pieces import result_of
from kyo_pipeline.domain.ports import AnswerGenerator
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.errors import NotAnswered, Unavailable

QUOTED_NOTICE = "The language model did not answer, so this was quoted word for word from the documents."
NOT_FOUND_NOTICE = "The language model did not answer, and without it nothing was found. Try again later."

_log = logging.getLogger(__name__)


class FallbackGenerator:
    """Implements the port `AnswerGenerator`: by `preferred`, and by `spare` where that is unavailable.

    After some failures in a row the preferred one is left alone for a while, see `domain/circuit.py`. Threads may
    share one of these.
    """

    def __init__(
        self, preferred: AnswerGenerator, spare: AnswerGenerator, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._preferred = preferred
        self._spare = spare
        self._breaker = Breaker(clock)

    @property
    def name(self) -> str:
        return self._preferred.name

    @property
    def model(self) -> str:
        return self._preferred.model

    def generate(self, question: str, retrieval: Retrieval) -> PyGenerator[str, None, Draft]:
        """Yield pieces; return the draft, which says so when it is the spare's.

        What the model wrote before it broke off has been yielded then, and is not in the draft.
        Raises `Invalid` as the model does; `Unavailable` only when the spare is unavailable too.
        """
        if (entry := self._breaker.enter()) is None:
            return (yield from self._instead(question, retrieval))
        pieces = _Pieces(self._preferred.generate(question, retrieval))
        try:
            return (yield from _judged(pieces, entry))
        except Unavailable as error:
            _log.warning("An answer is quoted instead of written. %s", error.message)
            failure = error
        finally:
            self._breaker.leave(entry)
        draft = yield from self._instead(question, retrieval, silently=pieces.have_come)
        return _with_costs(draft, failure)

    def rewrite(self, question: str, turns: Sequence[Turn]) -> str | None:
        """As the model does; None while it is left alone."""
        if (entry := self._breaker.enter()) is None:
            return None
        try:
            written = self._preferred.rewrite(question, turns)
            entry.answered = written is not None or None  # that it wrote nothing of use is no failure
            return written
        finally:
            self._breaker.leave(entry)

    def _instead(self, question: str, retrieval: Retrieval, silently: bool = False) -> PyGenerator[str, None, Draft]:
        """The spare's draft; `silently`, since behind half an answer its pieces would be read as the other half."""
        pieces = self._spare.generate(question, retrieval)
        draft = result_of(pieces) if silently else (yield from pieces)
        notice = QUOTED_NOTICE if draft.outcome is Outcome.ANSWERED else NOT_FOUND_NOTICE
        return replace(draft, generator=self._spare.name, model=self._spare.model, notice=notice)


class _Pieces:
    """The pieces of a generator, and whether any have come."""

    def __init__(self, pieces: PyGenerator[str, None, Draft]) -> None:
        self._pieces = pieces
        self.have_come = False

    def __iter__(self) -> PyGenerator[str, None, Draft]:
        try:
            while True:
                try:
                    piece = next(self._pieces)
                except StopIteration as stopped:
                    draft: Draft = stopped.value
                    return draft
                self.have_come = True
                yield piece
        finally:
            self._pieces.close()


def _judged(pieces: _Pieces, entry: Entry) -> PyGenerator[str, None, Draft]:
    """The pieces and the draft; note in the entry what this tells of the model."""
    try:
        draft = yield from iter(pieces)
    except Unavailable:
        entry.answered = False
        raise
    except GeneratorExit:  # the reader has left: what came until then came from a model that works
        entry.answered = pieces.have_come or None
        raise
    entry.answered = draft.prompt_tokens > 0 or None  # without a relevant passage it was not asked
    return draft


def _with_costs(draft: Draft, failure: Unavailable) -> Draft:
    if not isinstance(failure, NotAnswered):
        return draft
    return replace(
        draft,
        prompt_tokens=draft.prompt_tokens + failure.prompt_tokens,
        completion_tokens=draft.completion_tokens + failure.completion_tokens,
    )
