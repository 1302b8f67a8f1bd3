"""What goes through the pipes between the app or pipeline and the child processes that read files.

A frame is two lengths (4 bytes each, big-endian), JSON, and bytes: not pickle, because what a hostile file makes of a
child must not be able to run anything in the parent.
"""

import json
import struct
from typing import Any, BinaryIO

Message = dict[str, Any]

_LENGTHS = struct.Struct(">II")


def encode(message: Message, attached: bytes = b"") -> bytes:
    """One frame."""
    body = json.dumps(message, ensure_ascii=False).encode("utf-8", errors="replace")
    return _LENGTHS.pack(len(body), len(attached)) + body + attached


def send(sink: BinaryIO, message: Message, attached: bytes = b"") -> None:
    sink.write(encode(message, attached))
    sink.flush()


def receive(source: BinaryIO) -> tuple[Message, bytes] | None:
    """The next message and what is attached; None when the other side has closed."""
    head = source.read(_LENGTHS.size)
    if len(head) < _LENGTHS.size:
        return None
    length, attached = _LENGTHS.unpack(head)
    return json.loads(source.read(length)), source.read(attached)


def take_frame(buffer: bytearray) -> tuple[Message, bytes] | None:
    """Remove and return the first whole frame of `buffer`; None when it has none yet."""
    if len(buffer) < _LENGTHS.size:
        return None
    length, attached = _LENGTHS.unpack_from(buffer)
    body = _LENGTHS.size + length
    if len(buffer) < body + attached:
        return None
    message: Message = json.loads(bytes(buffer[_LENGTHS.size : body]))
    content = bytes(buffer[body : body + attached])
    del buffer[: body + attached]
    return message, content
