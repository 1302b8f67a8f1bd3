"""Reads files in child processes with limits on time and memory, and puts an end to those that misbehave.

Not multiprocessing or pebble: their children import the parent's main module (Dagster, Streamlit) again, share one pipe
that a killed child can leave half written, and pebble's pool stops for good when an idle child is killed.
"""

import select
import threading
from collections import Counter, deque
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kyo_pipeline.adapters.parsing.process import ParserProcess
from kyo_pipeline.domain.media_types import TEXT
from kyo_pipeline.domain.parsed import Heading, ParsedDocument
from kyo_pipeline.errors import Unavailable

if TYPE_CHECKING:  # the children import this package too, and must not spend their start on pydantic
    from kyo_pipeline.settings import Settings

Outcome = tuple[int, ParsedDocument | str, float]

CRASHED = "The program that reads files crashed on this one. It is probably damaged: save it again and upload that."
TOO_SLOW = (
    "Reading this file took longer than {seconds:g} seconds, so it was stopped. Split it into smaller files, or save "
    "it again from the program it was made with."
)

_FILES_A_CHILD = 1000
_TEXTS_AHEAD = 16
_STARTS = 3
_TRIES = 2


class ParserPool:
    """The `Parser` of production. Starts its children when they are first needed, and keeps them for the next call."""

    def __init__(self, settings: "Settings") -> None:
        self._workers = settings.KYO_PARSE_WORKERS
        self._timeout = settings.KYO_PARSE_TIMEOUT_SECONDS
        self._memory_mb = settings.KYO_PARSE_MEMORY_MB
        self._lock = threading.Lock()
        self._idle: list[ParserProcess] = []
        self._busy: set[ParserProcess] = set()
        self._closed = False

    def parse_many(self, files: Sequence[tuple[Path, str]]) -> Generator[Outcome, None, None]:
        """Parse (path, media type) pairs; yield (index, result, seconds) as each one is done, in any order.

        Raises `Unavailable` when no child process can be started. Several threads may call this at the same time; each
        call has up to `workers` children of its own.
        """
        yield from _Batch(self, files, min(self._workers, len(files))).run()

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
                child = ParserProcess(self._memory_mb, self._timeout)
            self._busy.add(child)
            return child

    def release(self, child: ParserProcess) -> None:
        """Keep a child for later, unless it is in the middle of something or has served its time."""
        with self._lock:
            sound = child.ready and not child.queue and child.served < _FILES_A_CHILD
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


class _Batch:
    """One call of `parse_many`: which files wait, and which child reads which."""

    def __init__(self, pool: ParserPool, files: Sequence[tuple[Path, str]], workers: int) -> None:
        self._pool = pool
        self._files = files
        self._workers = workers
        self._waiting = deque(range(len(files)))
        self._children: list[ParserProcess] = []
        self._crashes: Counter[int] = Counter()
        self._failed_starts = 0

    def run(self) -> Generator[Outcome, None, None]:
        try:
            while self._waiting or any(child.queue for child in self._children):
                self._feed()
                readable = self._readable()
                # Decided before anything is yielded: the time that the consumer takes is not the child's.
                slow = [child for child in self._busy() if child not in readable and child.seconds_left() <= 0]
                for child in readable:
                    yield from self._listen(child)
                for child in slow:
                    yield from self._stop_slow(child)
        finally:
            for child in self._children:
                self._pool.release(child)

    def _feed(self) -> None:
        while len(self._children) < min(self._workers, len(self._waiting) + len(self._busy())):
            self._children.append(self._pool.acquire())
        # One file each in turn, so that the last ones do not queue behind a child while another has nothing to do.
        for child in sorted(self._children, key=lambda child: len(child.queue)):
            while self._waiting and self._takes(child, self._waiting[0]):
                index = self._waiting.popleft()
                if not child.give(index, *self._files[index]):
                    break

    def _busy(self) -> list[ParserProcess]:
        return [child for child in self._children if child.queue]

    def _takes(self, child: ParserProcess, index: int) -> bool:
        """Short texts may wait at the child, which then never waits for us; anything else wants a free child."""
        if child.served + len(child.queue) >= _FILES_A_CHILD:
            return False
        if not child.queue:
            return True
        ahead = min(_TEXTS_AHEAD, len(self._waiting) // self._workers)
        return len(child.queue) < ahead and all(self._files[i][1] == TEXT for i in (index, *child.queue))

    def _readable(self) -> list[ParserProcess]:
        left = min((child.seconds_left() for child in self._children if child.queue), default=0.0)
        poll = select.poll()  # select() cannot watch descriptors above 1023, which a long-lived app may have
        for child in self._children:
            poll.register(child, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, left) * 1000 + 1)}
        return [child for child in self._children if child.fileno() in ready]

    def _listen(self, child: ParserProcess) -> Generator[Outcome, None, None]:
        messages = child.read()
        if messages is None:
            yield from self._bury(child)
            return
        for message in messages:
            self._failed_starts = 0
            child.served += 1
            yield child.queue.popleft(), _result(message), float(message["seconds"])
        if child.served >= _FILES_A_CHILD and not child.queue:
            self._drop(child)

    def _stop_slow(self, child: ParserProcess) -> Generator[Outcome, None, None]:
        self._drop(child)
        if not child.ready:
            self._count_failed_start()
            return
        index = child.queue.popleft()
        self._put_back(child)
        yield index, TOO_SLOW.format(seconds=self._pool.timeout_seconds), self._pool.timeout_seconds

    def _bury(self, child: ParserProcess) -> Generator[Outcome, None, None]:
        """A child died. Its file is tried once more, because it may have been killed from outside."""
        self._drop(child)
        if not child.ready:
            self._put_back(child)
            self._count_failed_start()
        elif child.queue:
            index = child.queue[0]
            self._crashes[index] += 1
            if self._crashes[index] >= _TRIES:
                child.queue.popleft()
                yield index, CRASHED, 0.0
            self._put_back(child)

    def _drop(self, child: ParserProcess) -> None:
        self._children.remove(child)
        self._pool.discard(child)

    def _put_back(self, child: ParserProcess) -> None:
        self._waiting.extendleft(reversed(child.queue))
        child.queue.clear()

    def _count_failed_start(self) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _STARTS:
            raise Unavailable("The processes that read files do not start. KYO_PARSE_MEMORY_MB may be too small.")


def _result(message: dict[str, Any]) -> ParsedDocument | str:
    if "refusal" in message:
        return str(message["refusal"])
    fields = message["document"]
    return ParsedDocument(
        text=fields["text"],
        page_starts=tuple(fields["page_starts"]),
        headings=tuple(Heading(**heading) for heading in fields["headings"]),
        empty_pages=tuple(fields["empty_pages"]),
        ocr_pages=tuple(fields["ocr_pages"]),
    )
