"""One child process of the parser pool, seen from the parent."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, cast

from kyo_pipeline.adapters.parsing.clock import Clock
from kyo_pipeline.adapters.parsing.frames import Message, encode, take_frame

_CODE = "import sys; from kyo_pipeline.adapters.parsing.worker import main; main(int(sys.argv[1]), float(sys.argv[2]))"
_READ = 1 << 20
_START_SECONDS = 20.0  # of computing; it takes 0.1


class ParserProcess:
    """A child with the indices of the files it has been given, the one it is reading first.

    `pages` is what it has said about the pictures of pages in that file: page -> text; `page` the one it is reading.
    """

    def __init__(self, memory_mb: int, timeout_seconds: float, page_seconds: float | None = None) -> None:
        self.queue: deque[int] = deque()
        self.served = 0
        self.ready = False
        self.was_slow = False
        self.page: int | None = None
        self.pages: dict[int, str] = {}
        self._timeout = timeout_seconds
        self._page_timeout = page_seconds or timeout_seconds
        self._most = memory_mb << 20
        self._buffer = bytearray()
        self._child = _spawn(memory_mb, max(self._timeout, self._page_timeout))
        self._clock = Clock(self._child.pid, _START_SECONDS)
        self._input = cast(IO[bytes], self._child.stdin)
        self._output = cast(IO[bytes], self._child.stdout)

    @property
    def pid(self) -> int:
        return self._child.pid

    def fileno(self) -> int:
        return self._output.fileno()

    def give(self, index: int, task: Message, attached: bytes = b"") -> bool:
        """Queue a task; False when the child has died, which its output will say too."""
        if not self.queue and self.ready:
            self._clock.start(self._timeout)
        self.queue.append(index)
        try:
            self._input.write(encode(task, attached))
            self._input.flush()
        except OSError:
            return False
        return True

    def read(self) -> list[tuple[Message, bytes]] | None:
        """The answers that have arrived; None when the child has died. Does not wait for the rest of one."""
        data = os.read(self.fileno(), _READ)
        self._buffer += data
        if not data or len(self._buffer) > self._most:  # more than it may hold itself: it is not ours any more
            return None
        answers: list[tuple[Message, bytes]] = []
        while frame := take_frame(self._buffer):
            message, _ = frame
            if "ready" in message:
                self.ready = True
            elif "page" in message:
                self._note(int(message["page"]), str(message["text"]))
            else:
                self.page, self.pages = None, {}
                answers.append(frame)
        # Any sign of life starts the clock again: the rest of a long result may have waited for us, not for the child.
        self._clock.start(self._timeout if self.page is None else self._page_timeout)
        return answers

    def ask(self, task: Message, attached: bytes = b"") -> tuple[Message, bytes] | None:
        """Give an idle child one task and wait for the answer; None when it died, or was killed for being slow."""
        with self._killed_when_slow():
            while not self.ready:
                if self.read() is None:
                    return None
            self.give(0, task, attached)
            while (answers := self.read()) == []:
                pass
        if not answers:
            return None
        self.queue.clear()
        self.served += 1
        return answers[0]

    def seconds_left(self) -> float:
        """Until the file that is being read may have used up its time; that is sure when it is not above 0."""
        return self._clock.left()

    def is_alive(self) -> bool:
        return self._child.poll() is None

    def stop(self) -> None:
        """Kill the child, and wait until it is gone."""
        self._child.kill()
        self._child.wait()
        self._output.close()
        with suppress(OSError):  # the rest of a task may be unwritten: there is nobody left to read it
            self._input.close()

    def kill(self) -> None:
        """End the child; whoever listens to it finds that out."""
        self._child.kill()

    def _note(self, page: int, text: str) -> None:
        """Said twice of each page: when its turn comes, without text, and when it has been read."""
        self.page = None if page in self.pages else page
        self.pages[page] = text

    @contextmanager
    def _killed_when_slow(self) -> Iterator[None]:
        """Ends both the reading and the writing inside, either of which would wait for ever for a child that hangs."""
        done = threading.Event()

        def watch() -> None:
            while (left := self.seconds_left()) > 0:
                if done.wait(min(left, self._timeout)):  # the clock may start again meanwhile
                    return
            self.was_slow = True
            self.kill()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def _spawn(memory_mb: int, timeout_seconds: float) -> subprocess.Popen[bytes]:
    # The environment is not passed on: a process that reads hostile files has no business with keys and passwords.
    # `-S` saves the time of `site`; the search path comes from this process as it is.
    search = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)  # noqa: PTH100  "" must become the folder
    return subprocess.Popen(  # noqa: S603  our own interpreter and constant code
        [sys.executable, "-S", "-c", _CODE, str(memory_mb), str(timeout_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": search, "LC_ALL": "C.UTF-8", "OMP_THREAD_LIMIT": "1"},  # one core, for tesseract
        cwd="/",
    )
