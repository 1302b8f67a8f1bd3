"""Answers as events, over a real server where it matters that the client is gone."""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette

from kyo_app import runtime
from kyo_app.api import streaming, threads
from kyo_app.api.app import PREFIX
from kyo_app.api.caller import caller
from kyo_app.api.threads import Work
from kyo_app.routes import routes
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history
from tests.fakes import ScriptedGenerator

LEAVE = "Everybody has thirty days of paid leave a year. Unused leave ends in March."
ANSWER = Draft("Thirty days [1].", Outcome.ANSWERED, (DraftCitation(1, 0, 0, 46),), 120, 5)
BODY = {"question": "How many days of leave?"}
EVENTS = {"Accept": "text/event-stream"}
QUERY = f"{PREFIX}/retrieval/query/"


class Hesitant(ScriptedGenerator):
    """Waits before each piece but the first until it may go on."""

    def __init__(self, pieces: Sequence[str], end: Draft | Exception) -> None:
        super().__init__(pieces, end)
        self.go_on = threading.Event()

    def generate(self, question: str, retrieval: Retrieval) -> Generator[str, None, Draft]:
        inner = super().generate(question, retrieval)
        try:
            yield next(inner)
            self.go_on.wait(10)
            return (yield from inner)
        finally:
            inner.close()


@pytest.fixture
def asked_with(
    kyo: Kyo, api: FastAPI, employee: Actor, publish: Callable[[str, str], None]
) -> Iterator[Callable[[ScriptedGenerator], None]]:
    """Has the API ask this generator, on behalf of the employee."""
    publish("leave.txt", LEAVE)
    api.dependency_overrides[caller] = lambda: employee
    with runtime.using(kyo):

        def change(generator: ScriptedGenerator) -> None:
            runtime._process.kyo = replace(kyo, generator=generator)

        yield change


@pytest.fixture
def site(api: FastAPI) -> Iterator[httpx.Client]:
    """All routes of KYO but the pages, behind a real server."""
    with runtime.using(runtime.kyo()):
        app = Starlette(routes=[*routes()])
    for route in app.routes:
        if getattr(route, "path", None) == PREFIX:
            route.app = api  # type: ignore[attr-defined]  # a Mount
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def events_of(text: str) -> list[tuple[str, Any]]:
    """Names and data, in their order; comments are left out."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def busy() -> int:
    return int(threads._limiter(Work.QUESTION).borrowed_tokens)


def test_a_stream_begins_brings_pieces_and_ends_with_the_answer(
    asked_with: Callable[[ScriptedGenerator], None], site: httpx.Client
) -> None:
    asked_with(ScriptedGenerator(["Thirty ", "days [7]."], ANSWER))
    response = site.post(QUERY, json=BODY, headers=EVENTS)
    assert response.headers["content-type"].startswith("text/event-stream")
    begun, *pieces, answer = events_of(response.text)
    assert begun[0] == "begun"
    assert {name for name, _ in pieces} == {"piece"}
    assert "".join(data["text"] for _, data in pieces) == "Thirty days [7]."
    assert (answer[0], answer[1]["text"]) == ("answer", "Thirty days [1].")
    assert answer[1]["conversation_id"] == begun[1]["conversation_id"]


def test_what_fails_in_the_middle_is_told_in_the_stream(
    asked_with: Callable[[ScriptedGenerator], None], site: httpx.Client
) -> None:
    asked_with(ScriptedGenerator(["Thirty "], Unavailable("The model is away. Ask again.")))
    response = site.post(QUERY, json=BODY, headers=EVENTS)
    assert response.status_code == 200
    name, problem = events_of(response.text)[-1]
    assert (name, problem["status"], problem["detail"]) == ("problem", 503, "The model is away. Ask again.")


def test_what_nobody_has_foreseen_is_a_problem_without_details(
    asked_with: Callable[[ScriptedGenerator], None], site: httpx.Client
) -> None:
    asked_with(ScriptedGenerator(["Thirty "], RuntimeError("secret")))
    name, problem = events_of(site.post(QUERY, json=BODY, headers=EVENTS).text)[-1]
    assert (name, problem["status"]) == ("problem", 500)
    assert "secret" not in str(problem)


def test_who_hangs_up_finds_what_there_was_and_leaves_the_thread_free(
    asked_with: Callable[[ScriptedGenerator], None], site: httpx.Client, kyo: Kyo, employee: Actor
) -> None:
    generator = Hesitant(["Thirty ", "days ", "and more."], ANSWER)
    asked_with(generator)
    with site.stream("POST", QUERY, json=BODY, headers=EVENTS) as response:
        next(line for line in response.iter_lines() if "Thirty" in line)
    time.sleep(0.3)  # until the server has seen it
    generator.go_on.set()
    wait_for(lambda: busy() == 0)
    assert generator.closed
    [answer] = history.list_answers(kyo, employee).answers
    assert answer.outcome is Outcome.STOPPED
    assert answer.text.startswith("Thirty")
    assert "more" not in answer.text


def test_a_silent_model_does_not_let_the_connection_die(
    asked_with: Callable[[ScriptedGenerator], None], site: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", 0.05)
    generator = Hesitant(["Thirty ", "days."], ANSWER)
    asked_with(generator)
    with site.stream("POST", QUERY, json=BODY, headers=EVENTS) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith(":"))
        generator.go_on.set()
        assert [line for line in lines if line == "event: answer"]


def test_slow_questions_keep_nobody_else_waiting(
    site: httpx.Client, api: FastAPI, employee: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.dependency_overrides[caller] = lambda: employee
    released = threading.Event()

    def ask(*_: object, **__: object) -> Answer:
        released.wait(10)
        raise Unavailable("Enough.")

    monkeypatch.setattr(asking, "ask", ask)
    with ThreadPoolExecutor(Work.QUESTION.value) as people:
        try:
            waiting = [
                people.submit(httpx.post, f"{site.base_url}{QUERY}", json=BODY, timeout=20)
                for _ in range(Work.QUESTION.value)
            ]
            wait_for(lambda: busy() == Work.QUESTION.value)
            assert site.get("/healthz").status_code == 200
            assert site.get(f"{PREFIX}/retrieval/history/").status_code == 200
            assert not any(one.done() for one in waiting)
        finally:
            released.set()
    assert {one.result().status_code for one in waiting} == {503}
