"""The child process in which files are read: tasks come on standard input, results go out on standard output.

A frame is its length (4 bytes, big-endian) and JSON: not pickle, because what a hostile file makes of this process must
not be able to run anything in the parent. Nothing heavy is imported before a file needs it.
"""

import json
import os
import resource
import signal
import struct
import sys
import time
from dataclasses import asdict
from typing import Any, BinaryIO

from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.domain.media_types import DOCX, PDF, TEXT
from kyo_pipeline.domain.parsed import ParsedDocument

TOO_MUCH_MEMORY = (
    "Reading this file takes more memory than is allowed. Split it into smaller files, or save it again from the "
    "program it was made with."
)
BROKEN = "The file is damaged and cannot be read. Open it on your computer, save it again and upload that."
NO_FILE = "The stored file could not be opened. Upload it again."

_LENGTH = struct.Struct(">I")
_NESTING = 4000


def main(memory_mb: int, cpu_seconds: float) -> None:
    """Serve tasks {path, media_type} until standard input ends; each result is {document or refusal, seconds}."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the pipe
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    sys.setrecursionlimit(_NESTING)
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what a library prints must not end up between the frames
    send(sink, {"ready": os.getpid()})
    while task := receive(source):
        _limit_cpu(cpu_seconds)
        started = time.perf_counter()
        answer = _answer(str(task["path"]), str(task["media_type"]))
        send(sink, {**answer, "seconds": time.perf_counter() - started})


def send(sink: BinaryIO, message: dict[str, Any]) -> None:
    sink.write(encode(message))
    sink.flush()


def encode(message: dict[str, Any]) -> bytes:
    """One frame."""
    body = json.dumps(message, ensure_ascii=False).encode("utf-8", errors="replace")
    return _LENGTH.pack(len(body)) + body


def receive(source: BinaryIO) -> dict[str, Any] | None:
    """The next message; None when the other side has closed."""
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    message: dict[str, Any] = json.loads(source.read(_LENGTH.unpack(head)[0]))
    return message


def take_frame(buffer: bytearray) -> dict[str, Any] | None:
    """Remove and return the first whole message of `buffer`; None when it has none yet."""
    if len(buffer) < _LENGTH.size:
        return None
    end = _LENGTH.size + _LENGTH.unpack_from(buffer)[0]
    if len(buffer) < end:
        return None
    message: dict[str, Any] = json.loads(bytes(buffer[_LENGTH.size : end]))
    del buffer[:end]
    return message


def parse(path: str, media_type: str) -> ParsedDocument:
    """Read one file. Raises `Unreadable`, OSError when it is not there, and whatever the libraries raise."""
    os.stat(path)  # noqa: PTH116  the libraries would report a missing file as a damaged one
    if media_type == PDF:
        from kyo_pipeline.adapters.parsing.pdf import parse_pdf  # takes 0.2 s, so only for a PDF

        return parse_pdf(path)
    if media_type == DOCX:
        from kyo_pipeline.adapters.parsing.docx import parse_docx  # takes 0.1 s, so only for a DOCX

        return parse_docx(path)
    if media_type == TEXT:
        from kyo_pipeline.adapters.parsing.text import parse_text

        with open(path, "rb") as file:  # noqa: PTH123  pathlib would add 15 ms to the start of every child
            return parse_text(file.read())
    raise Unreadable(f"Files of the type {media_type} cannot be read here. Upload a PDF, DOCX or text file.")


def _answer(path: str, media_type: str) -> dict[str, Any]:
    try:
        return {"document": asdict(parse(path, media_type))}
    except Unreadable as refusal:
        return {"refusal": str(refusal)}
    except MemoryError:
        return {"refusal": TOO_MUCH_MEMORY}
    except OSError as error:
        return {"refusal": NO_FILE if error.errno else BROKEN}
    except Exception:  # noqa: BLE001  parsers raise anything on broken files, and that must end in a sentence
        return {"refusal": BROKEN}


def _limit_cpu(seconds: float) -> None:
    """Ends a child whose parent has died; a living parent stops it sooner, by the clock on the wall."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))
