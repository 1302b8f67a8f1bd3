"""Services block, so each call of one has a thread. Every kind of work has its own, so that none starves another.

Streamlit's pages and static files share the default ones: nothing of the API runs there.
"""

from collections.abc import Awaitable, Callable
from enum import Enum
from functools import cache, partial, wraps
from inspect import signature
from typing import ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")


class Work(Enum):
    """How many threads there are for it, in one process."""

    SIGN_IN = 4  # each hashes, which takes a processor
    REQUEST = 12
    QUESTION = 32  # they wait for a language model most of the time
    UPLOAD = 2  # each holds its file in memory


@cache
def _limiter(work: Work) -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(work.value)


async def run(work: Work, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it in a thread for this work; whoever comes when all are busy waits without holding anybody up."""
    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=_limiter(work))


def in_thread(work: Work = Work.REQUEST) -> Callable[[Callable[P, T]], Callable[P, Awaitable[T]]]:
    """Make an endpoint of a plain function: FastAPI's own threads are those of Streamlit."""

    def decorate(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
        @wraps(function)
        async def endpoint(*args: P.args, **kwargs: P.kwargs) -> T:
            return await run(work, function, *args, **kwargs)

        # FastAPI looks behind `wraps`, and would take it for the plain function that it was.
        del endpoint.__wrapped__
        endpoint.__signature__ = signature(function, eval_str=True)  # type: ignore[attr-defined]  # what FastAPI reads
        return endpoint

    return decorate
