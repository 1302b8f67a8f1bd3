"""An answer as server-sent events, while it is written."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from uuid import UUID

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from kyo_app.api import problems, retrieval_bodies
from kyo_app.api.threads import Work, run
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.errors import KyoError

_log = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
#: Pieces of one such time are one event: a model writes a word at a time.
BATCH_SECONDS = 0.08
#: So often something is sent while a model is silent, or a proxy would take the connection for a dead one.
KEEP_ALIVE_SECONDS = 15.0

Stream = Generator[str, None, Answer]
Begin = Callable[[Callable[[UUID], None]], Stream]
_Said = UUID | str | Answer | Exception


def is_wanted(request: Request) -> bool:
    """Whether the client names event streams as what it accepts. Whoever does not gets JSON."""
    accepted = request.headers.get("accept", "").lower().split(",")
    return any(one.partition(";")[0].strip() == MEDIA_TYPE for one in accepted)


async def streamed(request: Request, begin: Begin) -> Response:
    """The events of the stream that `begin` makes; it is given what wants to be told of the conversation.

    Raises what the stream raises before it has begun: the answer has its own status as long as nothing is sent.
    """
    told = _Told(asyncio.get_running_loop())
    task = asyncio.create_task(run(Work.QUESTION, _write, begin, told))
    try:
        first = await told.said.get()
    except BaseException:  # the server stops, or gives this request up
        told.is_gone.set()
        raise
    if isinstance(first, Exception):
        await task
        raise first
    return _EventStream(_events(request, first, told), told, task)


@dataclass
class _Told:
    """What the thread that asks says to the loop that sends. `is_gone` is set when nobody listens any more."""

    loop: asyncio.AbstractEventLoop
    said: asyncio.Queue[_Said] = field(default_factory=asyncio.Queue)
    is_gone: Event = field(default_factory=Event)

    def say(self, said: _Said) -> None:
        self.loop.call_soon_threadsafe(self.said.put_nowait, said)


def _write(begin: Begin, told: _Told) -> None:
    """In a thread: the generator is run and closed in the same one."""
    try:
        with closing(begin(told.say)) as stream:
            while not told.is_gone.is_set():
                try:
                    told.say(next(stream))
                except StopIteration as end:
                    told.say(end.value)
                    return
    except Exception as error:  # noqa: BLE001 — whoever waits for the answer is told, and raises it or logs it
        told.say(error)


class _EventStream(StreamingResponse):
    """Tells the thread when the client is gone, however that comes to be known."""

    def __init__(self, events: AsyncIterator[str], told: _Told, task: "asyncio.Task[None]") -> None:
        # nginx would else keep the events until it has a page of them
        super().__init__(events, media_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})
        self._told, self._task = told, task  # the loop itself keeps weak references to tasks alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._told.is_gone.set()


async def _events(request: Request, first: _Said, told: _Told) -> AsyncIterator[str]:
    said: _Said | None = first
    while True:
        if said is None:
            yield ": the answer is still being written\n\n"
        elif isinstance(said, UUID):
            yield _event("begun", json.dumps({"conversation_id": str(said)}))
        elif isinstance(said, str):
            text, said = await _batch(said, told)
            yield _event("piece", json.dumps({"text": text}))
            if said is not None:
                continue
        elif isinstance(said, Answer):
            yield _event("answer", retrieval_bodies.Answer.model_validate(said).model_dump_json())
            return
        else:
            yield _event("problem", bytes((await _problem(request, said)).body).decode())
            return
        said = await _next(told, KEEP_ALIVE_SECONDS)


async def _batch(text: str, told: _Told) -> tuple[str, _Said | None]:
    """The pieces that come soon after this one, and what came behind them if it is none."""
    until = told.loop.time() + BATCH_SECONDS
    while (left := until - told.loop.time()) > 0:
        said = await _next(told, left)
        if not isinstance(said, str):
            return text, said
        text += said
    return text, None


async def _next(told: _Told, seconds: float) -> _Said | None:
    try:
        return await asyncio.wait_for(told.said.get(), seconds)
    except asyncio.TimeoutError:
        return None


async def _problem(request: Request, error: Exception) -> Response:
    if isinstance(error, KyoError):
        return await problems.answered(request, error)
    _log.error("An answer that was being streamed broke off.", exc_info=error)
    return problems.unexpected()


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
