"""One call of the pool: which files wait, which child reads which, and what becomes of those that die or hang."""

import select
from collections import Counter, deque
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kyo_pipeline.adapters.parsing.frames import Message
from kyo_pipeline.adapters.parsing.process import ParserProcess
from kyo_pipeline.domain.media_types import PDF, TEXT
from kyo_pipeline.domain.parsed import Heading, ParsedDocument
from kyo_pipeline.errors import Unavailable

if TYPE_CHECKING:
    from kyo_pipeline.adapters.parsing.pool import ParserPool

Outcome = tuple[int, ParsedDocument | str, float]

CRASHED = "The program that reads files crashed on this one. It is probably damaged: save it again and upload that."
TOO_SLOW = (
    "Reading this file took longer than {seconds:g} seconds, so it was stopped. Split it into smaller files, or save "
    "it again from the program it was made with."
)
NO_START = "The processes that read files do not start. KYO_PARSE_MEMORY_MB may be too small."

FILES_A_CHILD = 1000
TRIES = 2
_TEXTS_AHEAD = 16
_STARTS = 3
_BAD_PAGES = 3


class Batch:
    """One call of `parse_many`: which files wait, and which child reads which."""

    def __init__(self, pool: "ParserPool", files: Sequence[tuple[Path, str]], workers: int) -> None:
        self._pool = pool
        self._files = files
        self._workers = workers
        self._waiting = deque(range(len(files)))
        self._children: list[ParserProcess] = []
        self._crashes: Counter[tuple[int, int | None]] = Counter()
        self._known: dict[int, dict[int, str]] = {}  # the pictures of pages that have been read in a file
        self._bad_pages: Counter[int] = Counter()
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
                if not child.give(index, self._task(index)):
                    break

    def _task(self, index: int) -> Message:
        path, media_type = self._files[index]
        task: Message = {"do": "parse", "path": str(path.absolute()), "media_type": media_type}
        options = self._pool.ocr.options if media_type == PDF else None
        if options:
            enough = self._bad_pages[index] >= _BAD_PAGES
            task |= {"ocr": options | {"pages": 0} if enough else options, "known": self._known.get(index, {})}
        return task

    def _busy(self) -> list[ParserProcess]:
        return [child for child in self._children if child.queue]

    def _takes(self, child: ParserProcess, index: int) -> bool:
        """Short texts may wait at the child, which then never waits for us; anything else wants a free child."""
        if child.served + len(child.queue) >= FILES_A_CHILD:
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
        answers = child.read()
        if answers is None:
            yield from self._bury(child)
            return
        for message, _ in answers:
            self._failed_starts = 0
            child.served += 1
            yield child.queue.popleft(), _result(message), float(message["seconds"])
        if child.served >= FILES_A_CHILD and not child.queue:
            self._drop(child)

    def _stop_slow(self, child: ParserProcess) -> Generator[Outcome, None, None]:
        self._drop(child)
        if not child.ready:
            self._count_failed_start()
            return
        if child.page is not None:
            self._give_up_page(child)
            self._put_back(child)
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
            self._crashes[index, child.page] += 1
            if self._crashes[index, child.page] < TRIES:
                self._remember(child)
            elif child.page is not None:
                self._give_up_page(child)
            else:
                child.queue.popleft()
                yield index, CRASHED, 0.0
            self._put_back(child)

    def _remember(self, child: ParserProcess) -> None:
        """Keep what was read of pictures before the child died; the page that it was reading is tried again."""
        read = {page: text for page, text in child.pages.items() if page != child.page}
        self._known[child.queue[0]] = self._known.get(child.queue[0], {}) | read

    def _give_up_page(self, child: ParserProcess) -> None:
        """The picture on which the child died or hung stays unread, the rest of the file goes on."""
        self._remember(child)
        if child.page is not None:
            self._known[child.queue[0]][child.page] = ""
            self._bad_pages[child.queue[0]] += 1

    def _drop(self, child: ParserProcess) -> None:
        self._children.remove(child)
        self._pool.discard(child)

    def _put_back(self, child: ParserProcess) -> None:
        self._waiting.extendleft(reversed(child.queue))
        child.queue.clear()

    def _count_failed_start(self) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _STARTS:
            raise Unavailable(NO_START)


def _result(message: Message) -> ParsedDocument | str:
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
