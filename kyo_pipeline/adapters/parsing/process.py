"""One child process of the parser pool, seen from the parent."""

import os
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from kyo_pipeline.adapters.parsing.worker import encode, take_frame

_CODE = "import sys; from kyo_pipeline.adapters.parsing.worker import main; main(int(sys.argv[1]), float(sys.argv[2]))"
_READ = 1 << 20
_START_SECONDS = 20.0


class ParserProcess:
    """A child with the indices of the files it has been given, the one it is reading first."""

    def __init__(self, memory_mb: int, timeout_seconds: float) -> None:
        self.queue: deque[int] = deque()
        self.served = 0
        self.ready = False
        self._timeout = timeout_seconds
        self._buffer = bytearray()
        self._deadline = time.monotonic() + _START_SECONDS + timeout_seconds
        self._child = _spawn(memory_mb, timeout_seconds)
        self._input = cast(IO[bytes], self._child.stdin)
        self._output = cast(IO[bytes], self._child.stdout)

    @property
    def pid(self) -> int:
        return self._child.pid

    def fileno(self) -> int:
        return self._output.fileno()

    def give(self, index: int, path: Path, media_type: str) -> bool:
        """Queue a file; False when the child has died, which its output will say too."""
        if not self.queue and self.ready:
            self._deadline = time.monotonic() + self._timeout
        self.queue.append(index)
        try:
            self._input.write(encode({"path": os.fspath(path.absolute()), "media_type": media_type}))
            self._input.flush()
        except OSError:
            return False
        return True

    def read(self) -> list[dict[str, Any]] | None:
        """The messages that have arrived; None when the child has died. Does not wait for the rest of one."""
        data = os.read(self.fileno(), _READ)
        if not data:
            return None
        # Any sign of life starts the clock again: the rest of a long result may have waited for us, not for the child.
        self._deadline = time.monotonic() + self._timeout
        self._buffer += data
        messages: list[dict[str, Any]] = []
        while message := take_frame(self._buffer):
            if "ready" in message:
                self.ready = True
            else:
                messages.append(message)
        return messages

    def seconds_left(self) -> float:
        """Until the file that is being read has used up its time."""
        return self._deadline - time.monotonic()

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


def _spawn(memory_mb: int, timeout_seconds: float) -> subprocess.Popen[bytes]:
    # The environment is not passed on: a process that reads hostile files has no business with keys and passwords.
    # `-S` saves the time of `site`; the search path comes from this process as it is.
    search = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)  # noqa: PTH100  "" must become the folder
    return subprocess.Popen(  # noqa: S603  our own interpreter and constant code
        [sys.executable, "-S", "-c", _CODE, str(memory_mb), str(timeout_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": search, "LC_ALL": "C.UTF-8"},
        cwd="/",
    )
