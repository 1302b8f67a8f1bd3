"""From a question to its stored answer, over many passages: `python -m benchmarks.ask [--chunks 100000]`.

First the built-in generator, warm, stage by stage: each question is asked once, so its vector is in no cache. Then a
language model: what the product adds to the model's own time to its first token. The model is a server that waits, and
then sends a sentence; asked by a bare client and by the product in turns.
"""

import argparse
import http.client
import json
import tempfile
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import passages
from benchmarks.filling import Filled, filled
from benchmarks.measuring import Way, at_most, header, how_busy, in_turns, median, p95, row
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking
from tests.adapters.model_server import ModelServer, Reply, running

WARM_UP = 20
WANTED_ASK = 150.0
WANTED_FIRST_PIECE = 50.0
MODEL_SECONDS = 0.2  # before the first token


def extractive(space: Filled, questions: list[str]) -> None:
    print(f"\nAsk with the built-in generator, milliseconds, {len(questions) - WARM_UP} questions; {how_busy()}\n")
    stages = ("embed", "search", "generate")
    by_stage = (f"{stage}: median, p95" for stage in stages)
    print(header("may read", "whole: median", f"p95 (wanted: {WANTED_ASK:g})", *by_stage, "answered"))
    for share, actor in space.readers.items():
        taken, answers = _asked(space.kyo, actor, questions)
        each = [[answer.timings.get(stage, 0.0) for answer in answers] for stage in stages]
        cells = [f"{median(one):.1f}, {p95(one):.1f}" for one in each]
        answered = sum(answer.outcome is Outcome.ANSWERED for answer in answers) / len(answers)
        whole = f"{median(taken):.1f}", at_most(p95(taken), WANTED_ASK)
        print(row(share, *whole, *cells, f"{answered:.0%}"), flush=True)


def _asked(kyo: Kyo, actor: Actor, questions: list[str]) -> tuple[list[float], list[Answer]]:
    """Milliseconds and answers of all that come after the warm-up."""
    answers: list[Answer] = []
    ask = Way(lambda question: answers.append(asking.ask(kyo, actor, question)))
    in_turns({"": ask}, questions[:WARM_UP])
    answers.clear()
    return in_turns({"": ask}, questions[WARM_UP:])[""], answers


def first_piece(space: Filled, questions: list[str]) -> None:
    """Only questions for which the product asks the model at all: the others have nothing relevant to tell it."""
    with running(lambda _: _reply()) as server:
        product = _Product(_with_model(space.kyo, server), space.readers["100 %"])
        known = [question for question in questions if product.first_piece(question)]
        ways = {
            "bare": Way(lambda _: _first_line(server), product.leave),
            "product": Way(product.first_piece, product.leave),
        }
        taken = in_turns(ways, known)
        product.leave()
    added = [whole - bare for whole, bare in zip(taken["product"], taken["bare"], strict=True)]
    print(
        f"\nTo the first streamed piece, milliseconds, {len(known)} questions that the model is asked; {how_busy()}\n"
    )
    print(header("", "median", "p95"))
    print(row("the model, asked by itself", f"{median(taken['bare']):.1f}", f"{p95(taken['bare']):.1f}"))
    print(row("through the product", f"{median(taken['product']):.1f}", f"{p95(taken['product']):.1f}"))
    both = (at_most(figure, WANTED_FIRST_PIECE) for figure in (median(added), p95(added)))
    print(row(f"added (wanted: {WANTED_FIRST_PIECE:g})", *both))


class _Product:
    """Asks, and leaves after the first piece."""

    def __init__(self, kyo: Kyo, actor: Actor) -> None:
        self._kyo, self._actor = kyo, actor
        self._stream: Generator[str, None, Answer] | None = None

    def first_piece(self, question: str) -> str:
        """ "" when the model is not asked."""
        self._stream = asking.stream_answer(self._kyo, self._actor, question)
        return next(self._stream, "")

    def leave(self, _: str = "") -> None:
        if self._stream is not None:
            self._stream.close()


def _with_model(kyo: Kyo, server: ModelServer) -> Kyo:
    asked = {"KYO_LLM_BACKEND": "huggingface", "KYO_LLM_ENDPOINT": f"{server.url}/v1", "KYO_LLM_MODEL": "bench"}
    settings = kyo.settings.model_copy(update=asked)
    return replace(kyo, settings=settings, generator=open_generator(settings, kyo.embedder))


def _reply() -> Reply:
    pieces = ["The ", "answer ", "is ", "here ", "[1]."]
    said: list[object] = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return Reply(events=[*said, end, "[DONE]"], delay=MODEL_SECONDS, pause=0.005)


def _first_line(server: ModelServer) -> None:
    """What the plainest client would wait for: a connection, the question, and the first line of the answer."""
    with closing(http.client.HTTPConnection(urlsplit(server.url).netloc)) as connection:
        asked = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": "What?"}]}
        connection.request("POST", "/v1/chat/completions", json.dumps(asked), {"content-type": "application/json"})
        connection.getresponse().readline()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="a folder for the database; without it, it is made and thrown away")
    parser.add_argument("--reuse", action="store_true", help="take what was kept although tables have changed since")
    arguments = parser.parse_args()
    questions = passages.read().questions(arguments.questions + WARM_UP)
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as temporary,
        filled(arguments.chunks, arguments.keep or Path(temporary), reuse=arguments.reuse) as space,
    ):
        print(f"{space.built.passages:,} passages, {space.space.spec.dimensions} dimensions")
        extractive(space, questions)
        first_piece(space, questions)


if __name__ == "__main__":
    main()
