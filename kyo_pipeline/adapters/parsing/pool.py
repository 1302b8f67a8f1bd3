"""Reads files in child processes with limits on time and memory, and puts an end to those that misbehave.

Not multiprocessing or pebble: their children import the parent's main module (Dagster, Streamlit) again, share one pipe
that a killed child can leave half written, and pebble's pool stops for good when an idle child is killed.
"""

import threading
from collections.abc import Generator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kyo_pipeline.adapters.parsing.batch import FILES_A_CHILD, NO_START, TRIES, Batch, Outcome
from kyo_pipeline.adapters.parsing.frames import Message
from kyo_pipeline.adapters.parsing.ocr import Recognition, find_recognition
from kyo_pipeline.adapters.parsing.process import ParserProcess
from kyo_pipeline.domain.media_types import may_be_locked
from kyo_pipeline.domain.sources import PageImage
from kyo_pipeline.domain.unlocking import Lock, Unlocked
from kyo_pipeline.errors import Unavailable

if TYPE_CHECKING:  # the children import this package too, and must not spend their start on pydantic
    from kyo_pipeline.settings import Settings

NOT_DRAWN = "This page cannot be drawn: it is damaged, or takes too long. Read its text instead, or download the file."
NOT_UNLOCKED = (
    "The protection of this file cannot be taken off: it is damaged, or that takes too long. Save it without a "
    "password and upload that."
)
NEEDS_PASSWORD = "This file is protected with a password. Enter it; it is used once and not kept."  # noqa: S105
WRONG_PASSWORD = "This is not the password of this file. Check it and enter it again."  # noqa: S105
BUSY = "Too many files are being read at the moment. Try again in a minute."


class ParserPool:
    """The `Parser` of production. Starts its children when they are first needed, and keeps them for the next call."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._workers = settings.KYO_PARSE_WORKERS
        self._timeout = settings.KYO_PARSE_TIMEOUT_SECONDS
        self._memory_mb = settings.KYO_PARSE_MEMORY_MB
        self._lock = threading.Lock()
        self._idle: list[ParserProcess] = []
        self._busy: set[ParserProcess] = set()
        self._closed = False
        self._turns = threading.BoundedSemaphore(self._workers)

    def parse_many(self, files: Sequence[tuple[Path, str]]) -> Generator[Outcome, None, None]:
        """Parse (path, media type) pairs; yield (index, result, seconds) as each one is done, in any order.

        Raises `Unavailable` when no child process can be started. Several threads may call this at the same time; each
        call has up to `workers` children of its own.
        """
        yield from Batch(self, files, min(self._workers, len(files))).run()

    def render_page(self, path: Path, page: int, quote: str, width: int = 1000) -> PageImage | str:
        """One page of a PDF as a picture in which the quote is highlighted, or a sentence why not."""
        task = {"do": "render", "path": str(path.absolute()), "page": page, "quote": quote, "width": width}
        answer, png = self._ask(task | {"ocr": self.ocr.options}, b"", NOT_DRAWN)
        if "refusal" in answer:
            return str(answer["refusal"])
        return PageImage(png, int(answer["width"]), int(answer["height"]), int(answer["marked"]))

    def unlock(self, content: bytes, password: str | None) -> Unlocked:
        """Take the password off a PDF or Office file; no child is started for files that are not locked."""
        if not may_be_locked(content):
            return Unlocked(Lock.NOT_LOCKED, content)
        answer, opened = self._ask({"do": "unlock", "password": password}, content, NOT_UNLOCKED)
        if "refusal" in answer:
            return Unlocked(Lock.REFUSED, reason=str(answer["refusal"]))
        state = Lock(answer["state"])
        reason = {Lock.NEEDS_PASSWORD: NEEDS_PASSWORD, Lock.WRONG_PASSWORD: WRONG_PASSWORD}.get(state, "")
        return Unlocked(state, content if state is Lock.NOT_LOCKED else opened, reason)

    @property
    def recognition(self) -> str:
        """Whether text in pictures is read, and if not, why."""
        return self.ocr.state

    @cached_property
    def ocr(self) -> Recognition:
        """Found out when the first PDF comes."""
        return find_recognition(self._settings)

    def close(self) -> None:
        """Kill the children. Whoever is still listening to `parse_many` gets `Unavailable`."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for child in self._busy:
                child.kill()
        for child in idle:
            child.stop()

    def acquire(self) -> ParserProcess:
        """An idle child that is alive, else a new one. Raises `Unavailable` after `close`."""
        with self._lock:
            if self._closed:
                raise Unavailable("The reading of files has been stopped. Try again when KYO is running again.")
            while self._idle:
                child = self._idle.pop()
                if child.is_alive():
                    break
                child.stop()
            else:
                child = ParserProcess(self._memory_mb, self._timeout, 2 * self._settings.KYO_OCR_SECONDS_PER_PAGE)
            self._busy.add(child)
            return child

    def release(self, child: ParserProcess) -> None:
        """Keep a child for later, unless it is in the middle of something or has served its time."""
        with self._lock:
            sound = child.ready and not child.queue and child.served < FILES_A_CHILD
            if sound and not self._closed and len(self._idle) < self._workers:
                self._busy.discard(child)
                self._idle.append(child)
                return
        self.discard(child)

    def discard(self, child: ParserProcess) -> None:
        """End a child, whatever it is doing."""
        with self._lock:
            self._busy.discard(child)
        child.stop()

    @property
    def timeout_seconds(self) -> float:
        return self._timeout

    def _ask(self, task: Message, attached: bytes, otherwise: str) -> tuple[Message, bytes]:
        """The answer to one task, from a child that does nothing else; `otherwise` is the refusal when there is none.

        A child that dies is given a second chance, as it may have been killed from outside; one that is slow is not.
        """
        if not self._turns.acquire(timeout=self._timeout):
            raise Unavailable(BUSY)
        try:
            for _ in range(TRIES):
                child = self.acquire()
                try:
                    answer = child.ask(task, attached)
                except BaseException:
                    self.discard(child)
                    raise
                if answer is None or task["do"] == "unlock":  # what has seen a password does not go on
                    self.discard(child)
                else:
                    self.release(child)
                if answer is not None:
                    return answer
                if not child.ready:
                    raise Unavailable(NO_START)
                if child.was_slow:
                    break
        finally:
            self._turns.release()
        return {"refusal": otherwise}, b""
