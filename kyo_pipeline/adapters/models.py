"""Models that other embedding sets than the configured one need, opened once a process."""

import threading
from dataclasses import dataclass

from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.domain.ports import AnswerGenerator, Embedder
from kyo_pipeline.settings import Settings

#: The one that answers while the settings name another, and one more while they change over.
_AT_ONCE = 2


@dataclass(frozen=True)
class OpenedModel:
    embedder: Embedder
    generator: AnswerGenerator


class Models:
    """Keeps the last few: what a model takes of memory is given back when nobody searches with it any more."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._opened: dict[ModelSource, OpenedModel] = {}

    def opened(self, settings: Settings, source: ModelSource) -> OpenedModel:
        """Nothing is loaded before it is used."""
        with self._opening:
            found = self._opened.pop(source, None)
            if found is None:
                embedder = open_embedder(settings, source)
                found = OpenedModel(embedder, open_generator(settings, embedder, source))
            self._keep(source, found)
            return found

    def give(self, source: ModelSource, opened: OpenedModel) -> None:
        """Put one there that somebody has opened already."""
        with self._opening:
            self._keep(source, opened)

    def _keep(self, source: ModelSource, opened: OpenedModel) -> None:
        while len(self._opened) >= _AT_ONCE:
            self._opened.pop(next(iter(self._opened)))
        self._opened[source] = opened
