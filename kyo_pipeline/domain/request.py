"""What is going on at this moment, and from where: a run of a page, a command, a run of Dagster.

It is told once, where it begins, and stands in all that is put on record meanwhile, so that rows of one deed can be
found together. Each thread and each task has its own.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4

from kyo_pipeline.domain.typed_text import said_by_browser


@dataclass(frozen=True)
class Request:
    """`id` is ours, never what somebody has sent; `address` as far as the server knows, None: of this machine."""

    id: str | None = None
    address: str | None = None


_current: ContextVar[Request] = ContextVar("kyo.request", default=Request())  # noqa: B039 — it is frozen


def current() -> Request:
    """Without an id where nobody has said that anything began."""
    return _current.get()


def begin(address: str | None = None, id: str | None = None) -> Request:  # noqa: A002 — it is what it is called
    """From now on, in this thread or task. Without an id of its own it gets a new one."""
    request = Request(id or uuid4().hex, said_by_browser(address or "") or None)
    _current.set(request)
    return request


def forget() -> None:
    """What began is over."""
    _current.set(Request())
