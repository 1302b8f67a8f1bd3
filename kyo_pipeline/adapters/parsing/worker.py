"""The child process in which files are read: tasks come on standard input, results go out on standard output.

Nothing heavy is imported before a file needs it.
"""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import BinaryIO

from kyo_pipeline.adapters.parsing.confinement import confine
from kyo_pipeline.adapters.parsing.frames import Message, receive, send
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.domain.media_types import DOCX, HTML, MARKDOWN, PDF, TEXT
from kyo_pipeline.domain.parsed import ParsedDocument

Tell = Callable[[int, str], None]

TOO_MUCH_MEMORY = (
    "Reading this file takes more memory than is allowed. Split it into smaller files, or save it again from the "
    "program it was made with."
)
BROKEN = "The file is damaged and cannot be read. Open it on your computer, save it again and upload that."
NO_FILE = "The stored file could not be opened. Upload it again."

_NESTING = 4000
_IDLE_SECONDS = 300


def main(memory_mb: int, cpu_seconds: float) -> None:
    """Serve tasks until standard input ends. `do` says what: parse, render, unlock.

    Each answer has its result or a `refusal`, and `seconds`. Before it may come {page, text}: a sign of life from
    reading the pictures of pages, and what was found.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the pipe
    confine(memory_mb)
    sys.setrecursionlimit(_NESTING)
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what a library prints must not end up between the frames

    def tell(page: int, text: str) -> None:
        send(sink, {"page": page, "text": text})
        _limit_cpu(cpu_seconds)

    send(sink, {"ready": os.getpid()})
    while received := _next_task(source):
        _limit_cpu(cpu_seconds)
        started = time.perf_counter()
        answer, attached = _answer(*received, tell)
        send(sink, {**answer, "seconds": time.perf_counter() - started}, attached)


def _next_task(source: BinaryIO) -> tuple[Message, bytes] | None:
    """Ends the process when nothing comes for a while: its libraries take 100 MB, and the next one starts at once."""
    signal.alarm(_IDLE_SECONDS)
    received = receive(source)
    signal.alarm(0)
    return received


def parse(path: str, media_type: str, task: Message | None = None, tell: Tell | None = None) -> ParsedDocument:
    """Read one file. Raises `Unreadable`, OSError when it is not there, and whatever the libraries raise."""
    os.stat(path)  # noqa: PTH116  the libraries would report a missing file as a damaged one
    if media_type == PDF:
        return _parse_pdf(path, task or {}, tell)
    if media_type == DOCX:
        from kyo_pipeline.adapters.parsing.docx import parse_docx  # takes 0.1 s, so only for a DOCX

        return parse_docx(path)
    if media_type in (TEXT, MARKDOWN, HTML):
        with open(path, "rb") as file:  # noqa: PTH123  pathlib would add 15 ms to the start of every child
            return _parse_text(file.read(), media_type)
    raise Unreadable(f"Files of the type {media_type} cannot be read here. Upload a PDF, DOCX or text file.")


def _parse_text(content: bytes, media_type: str) -> ParsedDocument:
    if media_type == MARKDOWN:
        from kyo_pipeline.adapters.parsing.markdown import parse_markdown

        return parse_markdown(content)
    if media_type == HTML:
        from kyo_pipeline.adapters.parsing.html import parse_html

        return parse_html(content)
    from kyo_pipeline.adapters.parsing.text import parse_text

    return parse_text(content)


def _parse_pdf(path: str, task: Message, tell: Tell | None) -> ParsedDocument:
    from kyo_pipeline.adapters.parsing.pdf import parse_pdf  # takes 0.2 s, so only for a PDF

    if not task.get("ocr") or tell is None:
        return parse_pdf(path)
    from kyo_pipeline.adapters.parsing.ocr import PictureReader

    known = {int(page): str(text) for page, text in task["known"].items()}
    with closing(PictureReader(path, task["ocr"], known, tell)) as pictures:
        return parse_pdf(path, pictures.read)


def _answer(task: Message, attached: bytes, tell: Tell) -> tuple[Message, bytes]:
    try:
        return _do(task, attached, tell)
    except Unreadable as refusal:
        return {"refusal": str(refusal)}, b""
    except MemoryError:
        return {"refusal": TOO_MUCH_MEMORY}, b""
    except OSError as error:
        return {"refusal": NO_FILE if error.errno else BROKEN}, b""
    except Exception:  # noqa: BLE001  parsers raise anything on broken files, and that must end in a sentence
        return {"refusal": BROKEN}, b""


def _do(task: Message, attached: bytes, tell: Tell) -> tuple[Message, bytes]:
    if task["do"] == "render":
        from kyo_pipeline.adapters.parsing.render import render

        return render(task["path"], task["page"], task["quote"], task["width"], task["ocr"])
    if task["do"] == "unlock":
        from kyo_pipeline.adapters.parsing.unlock import unlock

        return unlock(attached, task["password"])
    return {"document": asdict(parse(task["path"], task["media_type"], task, tell))}, b""


def _limit_cpu(seconds: float) -> None:
    """Ends a child whose parent has died; a living parent stops it sooner, even when it is late itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + 2 * seconds) + 2, hard))
