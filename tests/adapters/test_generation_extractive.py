from collections.abc import Generator
from uuid import UUID

import pytest

from kyo_pipeline.adapters.embedding.builtin import BuiltinEmbedder
from kyo_pipeline.adapters.generation.extractive import ExtractiveGenerator
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.domain.answers import Draft, Outcome
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.settings import Settings

TEXT = "Employees receive 30 days of annual leave. The printer is on the second floor of the main building."
PASSAGE = Passage(1, UUID(int=1), UUID(int=2), 1, "Handbook", "HR", TEXT, 0, len(TEXT), 1, 1, (), 1.0, 0.6, 5.0)
RETRIEVAL = Retrieval((PASSAGE,), {"mani": 1.0, "day": 1.5, "leav": 3.0, "annual": 3.0}, 0.35, 1)


def finished(pieces: Generator[str, None, Draft]) -> tuple[str, Draft]:
    text = ""
    while True:
        try:
            text += next(pieces)
        except StopIteration as end:
            return text, end.value


@pytest.mark.parametrize("is_embedding", [True, False])
def test_the_draft_is_what_was_yielded(is_embedding: bool) -> None:
    generator = ExtractiveGenerator(BuiltinEmbedder() if is_embedding else None)
    text, draft = finished(generator.generate("How many days of annual leave?", RETRIEVAL))
    assert text == draft.text == "“Employees receive 30 days of annual leave.” [1]"
    assert draft.outcome is Outcome.ANSWERED
    assert (draft.prompt_tokens, draft.completion_tokens) == (0, 0)


def test_without_passages_nothing_is_found() -> None:
    generator = ExtractiveGenerator(BuiltinEmbedder())
    _, draft = finished(generator.generate("How many days?", Retrieval((), {"day": 1.0}, 0.35, 1)))
    assert draft.outcome is Outcome.NOT_FOUND


def test_it_is_what_runs_when_nothing_is_configured() -> None:
    generator = open_generator(Settings(), BuiltinEmbedder())
    assert generator.name == "extractive"
