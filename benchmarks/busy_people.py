"""People who ask and upload without a pause, each in a thread, and what became of it."""

import secrets
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from uuid import UUID

from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, library, reviewing

_LETTERS = "bcdfghjklmnpqrstvwxz"  # a word of them is in no dictionary
_PATIENCE_SECONDS = 120


class Askers:
    """One question after the other. A failure is an exception, or no passage where there was one before."""

    def __init__(self, kyo: Kyo, questions: Sequence[str]) -> None:
        self._kyo, self.questions = kyo, questions
        self._next = cycle(questions)
        self._had: set[str] = set()
        self.count = self.not_found = self.empty = 0
        self.failed: list[str] = []

    def ask_all(self) -> None:
        """Which of them have passages."""
        self._had = {one for one in self.questions if asking.search(self._kyo, OPERATOR, one).passages}

    def ask_one(self) -> None:
        question = next(self._next)
        self.count += 1
        try:
            self.not_found += asking.ask(self._kyo, OPERATOR, question).outcome is Outcome.NOT_FOUND
            found = asking.search(self._kyo, OPERATOR, question).passages
        except Exception as error:  # noqa: BLE001 — whatever it is, somebody had no answer
            self.failed.append(f"{question}: {error!r}")
            return
        if question in self._had and not found:
            self.empty += 1
            self.failed.append(f"{question}: nothing found any more")


@dataclass
class Uploads:
    """Small texts, each with a word that nothing else has: when it was uploaded, and after which time it was found."""

    kyo: Kyo
    documents: dict[str, UUID] = field(default_factory=dict)
    waiting: dict[str, float] = field(default_factory=dict)
    found: dict[str, float] = field(default_factory=dict)

    def add_one(self) -> None:
        word = "".join(secrets.choice(_LETTERS) for _ in range(12))
        content = f"The locker of {word} is on the second floor. Its key is at the reception.\n".encode()
        document = library.upload(self.kyo, OPERATOR, f"{word}.txt", content).document
        reviewing.approve(self.kyo, OPERATOR, document.latest.id)
        self.documents[word], self.waiting[word] = document.id, time.perf_counter()
        self.wait_for_all(2.0)

    def wait_for_all(self, seconds: float = _PATIENCE_SECONDS) -> None:
        deadline = time.perf_counter() + seconds
        while self.waiting and time.perf_counter() < deadline:
            self._look()
            time.sleep(0.05)

    def _look(self) -> None:
        for word in [one for one in self.waiting if self.is_found(one)]:
            self.found[word] = time.perf_counter() - self.waiting.pop(word)

    def is_found(self, word: str) -> bool:
        passages = asking.search(self.kyo, OPERATOR, f"Where is the locker of {word}?").passages
        return any(one.document_id == self.documents[word] for one in passages)

    @property
    def median_seconds(self) -> float:
        return statistics.median(self.found.values()) if self.found else 0.0


@contextmanager
def looped(*acts: Callable[[], None]) -> Iterator[list[str]]:
    """Do each of these again and again, in a thread of its own; the list has what went wrong in them."""
    over, failures = threading.Event(), list[str]()

    def loop(act: Callable[[], None]) -> None:
        while not over.wait(0.02):
            try:
                act()
            except Exception as error:  # noqa: BLE001 — the others go on
                failures.append(repr(error))

    threads = [threading.Thread(target=loop, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        over.set()
        for thread in threads:
            thread.join()
