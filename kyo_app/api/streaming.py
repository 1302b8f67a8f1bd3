"""An answer as server-sent events, while it is written."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from time import monotonic
from typing import Any

import anyio
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from kyo_app.api import problems
from kyo_app.api.retrieval_bodies import Answer
from kyo_app.api.threads import Work, run
from kyo_pipeline.domain import answers
from kyo_pipeline.errors import KyoError

_log = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
#: A piece is sent no sooner than so many seconds after the one before: a model writes fifty in one.
_BATCH_SECONDS = 0.08
#: What is refused, is refused within this time, and has a status of its own.
_FIRST_SECONDS = 3
#: Proxies close what is silent for a minute.
_SILENCE_SECONDS = 15
_COMMENT = ": still at work\n\n"
_HEADERS = {"X-Accel-Buffering": "no"}  # nginx would collect it

Writing = Generator[str, None, answers.Answer]


class Begun(dict[str, str]):
    """What is known before the first piece: the conversation, once the question is stored."""


class _Done:
    """The end of a generator, with what it has returned: a thread cannot raise `StopIteration` to a task."""

    def __init__(self, answer: answers.Answer) -> None:
        self.answer = answer


Step = asyncio.Task["str | _Done"]


async def stream(writing: Writing, begun: Begun) -> Response:
    """Answer with events. What fails at once is raised, and so has a status of its own."""
    first = _step(writing)
    await asyncio.wait({first}, timeout=_FIRST_SECONDS)
    if first.done() and first.exception() is not None:
        await run(Work.QUESTION, writing.close)
        raise first.exception() or AssertionError("there is one")
    return _EventStream(_events(writing, begun, first))


class _EventStream(StreamingResponse):
    """Closes its events whatever happens: Starlette leaves that to the garbage collector."""

    def __init__(self, events: AsyncGenerator[str, None]) -> None:
        super().__init__(events, headers=_HEADERS, media_type=MEDIA_TYPE)
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)


async def _events(writing: Writing, begun: Begun, step: Step) -> AsyncGenerator[str, None]:
    told, collected, sent_at = False, "", monotonic()
    try:
        while True:
            if begun and not told:
                told = True
                yield _event("begun", begun)
            await asyncio.wait({step}, timeout=_SILENCE_SECONDS)
            if not step.done():
                yield _COMMENT
                continue
            piece = step.result()
            collected += piece if isinstance(piece, str) else ""
            if collected and (isinstance(piece, _Done) or monotonic() - sent_at >= _BATCH_SECONDS):
                yield _event("piece", {"text": collected})
                collected, sent_at = "", monotonic()
            if isinstance(piece, _Done):
                yield _event("answer", Answer.of(piece.answer).model_dump(mode="json"))
                return
            step = _step(writing)
    except KyoError as error:
        yield _event("problem", _body(problems.of_error(error)))
    except Exception:  # noqa: BLE001 — the last stop: the stream has begun, and no handler can answer any more
        _log.exception("An answer could not be written to its end")
        yield _event("problem", _body(problems.unexpected()))
    finally:
        # Whoever has gone away cancels this task: what was written so far is stored all the same.
        with anyio.CancelScope(shield=True):
            await asyncio.wait({step})
            await run(Work.QUESTION, writing.close)


def _step(writing: Writing) -> Step:
    return asyncio.create_task(run(Work.QUESTION, _next, writing))


def _next(writing: Writing) -> "str | _Done":
    try:
        return next(writing)
    except StopIteration as stopped:
        return _Done(stopped.value)


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _body(response: Response) -> Any:
    assert isinstance(response, JSONResponse)  # noqa: S101 — problems are nothing else
    return json.loads(bytes(response.body))
