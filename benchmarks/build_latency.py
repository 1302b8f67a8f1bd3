"""How long questions take while a set is built beside the one that answers, its index made, and when it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from time import perf_counter

from redis import Redis
from sqlalchemy import text

from benchmarks import builds, passages
from benchmarks.build_process import Building, Manners, Phase, building
from benchmarks.filling import Filled, filled
from benchmarks.measuring import at_most, header, how_busy, median, p95, row
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.services import asking, following
from kyo_pipeline.services import embedding_sets as sets

WANTED_RATIO = 1.3
WARM_UP = 30
K = 10

NICE = Manners(nice=19)
#: Whatever `kyo up` starts has a session of its own: so have these, but for the first two.
WAYS: dict[str, tuple[str, Manners]] = {
    "not nice": ("built-in", Manners()),
    "nice": ("built-in", NICE),
    "own session": ("built-in", Manners(session=True)),
    "own session, nice": ("built-in", Manners(nice=19, session=True)),
    "own session, nice with its group": ("built-in", Manners(nice=19, session=True, group=True)),
    "…, and its connections": ("built-in", Manners(nice=19, session=True, group=True, backends=True)),
    "…, one core": ("built-in", Manners(nice=19, session=True, group=True, backends=True, cores=1)),
    "…, half of the time": ("built-in", Manners(nice=19, session=True, group=True, backends=True, rest=1.0)),
    "…, index with a worker": ("built-in", Manners(nice=19, session=True, group=True, backends=True, workers=1)),
    "…, index with 64 MB": ("built-in", Manners(nice=19, session=True, group=True, backends=True, memory_mb=64)),
    "MiniLM, not nice": ("MiniLM", Manners(session=True, seconds=60)),
    "MiniLM, nice with all": ("MiniLM", Manners(nice=19, session=True, group=True, backends=True, seconds=60)),
    "MiniLM, nice, one core": ("MiniLM", Manners(19, session=True, group=True, backends=True, cores=1, seconds=60)),
}


@dataclass
class Taken:
    """Milliseconds of questions by what went on beside them, and how long that took, in seconds."""

    before: list[float] = field(default_factory=list)
    beside: dict[Phase, list[float]] = field(default_factory=dict)
    after: list[float] = field(default_factory=list)
    seconds: dict[Phase, float] = field(default_factory=dict)


class Asker:
    """An employee who may read everything, and asks one question after the other; no vector is in the cache."""

    def __init__(self, space: Filled) -> None:
        self._texts = cycle(passages.read().questions(1_000))
        self._redis = Redis.from_url(space.servers.settings.REDIS_URL.get_secret_value())
        self._search = partial(asking.search, space.kyo, space.readers["100 %"], limit=K)

    def ask(self) -> float:
        question = next(self._texts)
        self._redis.flushdb()
        started = perf_counter()
        assert self._search(question).passages, question
        return (perf_counter() - started) * 1000

    def times(self, count: int) -> list[float]:
        for _ in range(WARM_UP):
            self.ask()
        return [self.ask() for _ in range(count)]


def measure(count: int, questions: int, keep: Path, ways: Sequence[str]) -> None:
    with filled(count, keep) as space:
        asker = Asker(space)
        print(f"\n{count:,} passages, milliseconds of questions, median and 95th percentile; {how_busy()}")
        print(f"Ratios are of the 95th percentiles to those before; wanted: {WANTED_RATIO}\n")
        print(
            header(
                "built how", "before", "while embedding", "ratio", "s", "while indexing", "ratio", "s", "after", "ratio"
            )
        )
        for name in ways:
            model, manners = WAYS[name]
            if model == "built-in" or builds.has_minilm():
                print(_row(name, _measured(space, asker, questions, model, manners)), flush=True)


def _measured(space: Filled, asker: Asker, questions: int, model: str, manners: Manners) -> Taken:
    taken = Taken(before=asker.times(questions))
    settings = builds.with_changes(space.servers.settings, **builds.MODELS[model])
    if model != "built-in":
        _give_texts(space)
    with builds.pipeline(settings) as kyo:
        begun = following.begin_anew(kyo, "A benchmark.")
        try:
            with building(settings, manners) as process:
                _ask_beside(process, asker.ask, taken)
            if manners.seconds is None:
                sets.activate(kyo, OPERATOR, begun.id, "A benchmark.")
                taken.after = asker.times(questions)
                sets.activate(kyo, OPERATOR, space.space.id, "A benchmark.")
        finally:
            builds.discard(kyo, begun.id)
    return taken


def _ask_beside(process: Building, ask: Callable[[], float], taken: Taken) -> None:
    """A question counts for the phase in which it began and ended."""
    began: dict[Phase, float] = {}
    while (phase := process.phase) is not Phase.DONE:
        began.setdefault(phase, perf_counter())
        milliseconds = ask()
        if process.phase is phase:
            taken.beside.setdefault(phase, []).append(milliseconds)
            taken.seconds[phase] = perf_counter() - began[phase]
    process.process.join()
    assert process.process.exitcode == 0, "the process that built the set has failed"


def _give_texts(space: Filled) -> None:
    """What `filling` leaves out, since nothing is cut there: the texts of which other chunks can be made."""
    with space.owner.transaction(OPERATOR) as tx:
        tx.execute(
            text(
                """
                insert into version_texts (version_id, text, page_starts, headings, empty_pages)
                select c.version_id, string_agg(c.text, E'\\n\\n' order by c.ordinal), '{}', '[]', '{}'
                from chunks c
                where c.cutting_id = :cutting
                group by c.version_id
                on conflict do nothing
                """
            ),
            {"cutting": space.space.cutting_id},
        )


def _row(name: str, taken: Taken) -> str:
    cells = [_figures(taken.before)]
    for phase in (Phase.EMBEDDING, Phase.INDEXING):
        cells += [*_beside(taken, taken.beside.get(phase, [])), f"{taken.seconds.get(phase, 0):.0f}"]
    return row(name, *cells, *_beside(taken, taken.after))


def _beside(taken: Taken, milliseconds: list[float]) -> list[str]:
    if len(milliseconds) < 20:  # too few for a 95th percentile
        return ["–", "–"]
    return [_figures(milliseconds), at_most(p95(milliseconds) / p95(taken.before), WANTED_RATIO, ".2f")]


def _figures(milliseconds: list[float]) -> str:
    return f"{median(milliseconds):.1f}, {p95(milliseconds):.1f}"
