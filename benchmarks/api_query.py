"""Questions over HTTP beside the bare service: `python -m benchmarks.api_query [--passages 400] [--seconds 10]`.

A real uvicorn with the API and /healthz, loaded from outside by wrk (`scripts/install-load-tool`). The caller is put in
the place of a token: checking one is not in the figures. Then how long /healthz takes while slow questions wait for a
model, which is a server that waits.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from benchmarks import passages
from benchmarks.filling import Filled, filled
from benchmarks.measuring import at_most, header, how_busy, median, p95, row
from kyo_app import runtime
from kyo_app.api.app import PREFIX, create_api
from kyo_app.api.caller import caller
from kyo_app.routes import healthz
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking
from tests.adapters.model_server import Reply, running

AT_ONCE = 8
SLOW = 20
MODEL_SECONDS = 4.0
WANTED_HEALTH = 50.0

_LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies, at = { BODIES }, 0
function request()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
function done(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.read + summary.errors.timeout
  print(string.format("FIGURES %f %f %f %d", latency:percentile(50) / 1000, latency:percentile(95) / 1000,
    summary.requests / summary.duration * 1e6, failed))
end
"""


@dataclass(frozen=True)
class Load:
    """Milliseconds, and how many a second."""

    median: float
    p95: float
    rate: float
    failed: int = 0


@contextmanager
def served(kyo: Kyo, actor: Actor) -> Iterator[str]:
    """The address of a server whose callers are all this person."""
    api = create_api()
    api.dependency_overrides[caller] = lambda: actor
    app = Starlette(routes=[Route("/healthz", healthz), Mount(PREFIX, app=api)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    with runtime.using(kyo):
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def over_http(url: str, questions: list[str], seconds: int, *, anew: bool) -> Load:
    bodies = ", ".join(f"[==[{json.dumps({'question': one, 'anew': anew})}]==]" for one in questions)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_LUA.replace("BODIES", bodies))
        script.flush()
        # One thread: each has its own Lua, and all of them would begin with the same question.
        command = ["wrk", "-t1", f"-c{AT_ONCE}", f"-d{seconds}s", "--timeout", "30s", "-s", script.name]
        said = subprocess.run(
            [*command, f"{url}{PREFIX}/retrieval/query/"], check=True, capture_output=True, text=True
        ).stdout
    figures = next(line for line in said.splitlines() if line.startswith("FIGURES")).split()[1:]
    middle, high, rate, failed = map(float, figures)
    return Load(middle, high, rate, int(failed))


def bare(kyo: Kyo, actor: Actor, questions: list[str], seconds: int, *, anew: bool) -> Load:
    """As many people, each in a thread."""
    until = time.perf_counter() + seconds

    def ask_on(first: int) -> list[float]:
        taken, at = [], first
        while (started := time.perf_counter()) < until:
            asking.ask(kyo, actor, questions[at % len(questions)], anew=anew)
            taken.append((time.perf_counter() - started) * 1000)
            at += AT_ONCE
        return taken

    with ThreadPoolExecutor(AT_ONCE) as people:
        taken = [one for each in people.map(ask_on, range(AT_ONCE)) for one in each]
    return Load(median(taken), p95(taken), len(taken) / seconds)


def compare(space: Filled, questions: list[str], seconds: int) -> None:
    actor = space.readers["100 %"]
    print(f"\nPOST {PREFIX}/retrieval/query/, {AT_ONCE} at once, milliseconds; {how_busy()}\n")
    print(header("", "median", "p95", "a second", "failed", "median beside the bare service"))
    with served(space.kyo, actor) as url:
        for name, anew in (("anew", True), ("from the cache", False)):
            over_http(url, questions, 2, anew=anew)  # warm
            alone = bare(space.kyo, actor, questions, seconds, anew=anew)
            whole = over_http(url, questions, seconds, anew=anew)
            for way, load in (("the service", alone), ("HTTP", whole)):
                cells = f"{load.median:.1f}", f"{load.p95:.1f}", f"{load.rate:.1f}", load.failed
                print(row(f"{name}, {way}", *cells, f"{load.median / alone.median:.2f}"), flush=True)


def health_meanwhile(space: Filled, questions: list[str]) -> None:
    with running(lambda _: Reply({"choices": []}, delay=MODEL_SECONDS)) as model:
        asked = {"KYO_LLM_BACKEND": "huggingface", "KYO_LLM_ENDPOINT": f"{model.url}/v1", "KYO_LLM_MODEL": "bench"}
        settings = space.kyo.settings.model_copy(update=asked)
        kyo = replace(space.kyo, settings=settings, generator=open_generator(settings, space.kyo.embedder))
        with served(kyo, space.readers["100 %"]) as url, ThreadPoolExecutor(SLOW) as people:
            asking_all = [people.submit(_post, url, questions[at % len(questions)]) for at in range(SLOW)]
            taken, waiting = [], []
            while not all(one.done() for one in asking_all):
                started = time.perf_counter()
                urllib.request.urlopen(f"{url}/healthz").read()  # noqa: S310 — our own server
                taken.append((time.perf_counter() - started) * 1000)
                waiting.append(sum(not one.done() for one in asking_all))
                time.sleep(0.02)
    print(f"\n/healthz with {SLOW} slow questions ({len(model.requests)} calls of the model), ms; {how_busy()}\n")
    print(header("asked", "median", f"p95 (wanted: {WANTED_HEALTH:g})", "max", "questions under way, median"))
    print(
        row(
            len(taken), f"{median(taken):.1f}", at_most(p95(taken), WANTED_HEALTH), f"{max(taken):.1f}", median(waiting)
        )
    )


def _post(url: str, question: str) -> int:
    body = json.dumps({"question": question, "anew": True}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}{PREFIX}/retrieval/query/", body, headers)  # noqa: S310 — our own server
    with urllib.request.urlopen(request) as answer:  # noqa: S310 — see above
        return int(answer.status)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=400)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--keep", type=Path, help="a folder for the database; without it, it is made and thrown away")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.exit(1, "wrk is missing: run scripts/install-load-tool\n")
    questions = passages.read().questions(arguments.questions)
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as temporary,
        filled(arguments.passages, arguments.keep or Path(temporary)) as space,
    ):
        compare(space, questions, arguments.seconds)
        health_meanwhile(space, questions)


if __name__ == "__main__":
    main()
