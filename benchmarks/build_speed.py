"""How many passages a second a set takes in, beside the model alone with the same texts."""

import cProfile
import pstats
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text

from benchmarks import builds, passages
from benchmarks.builds import Built
from benchmarks.measuring import at_least, header, how_busy, median, row
from kyo_app.apart import index, opened_apart
from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.chunks import indexed_text
from kyo_pipeline.domain.labelled import LabelledPassage, LabelledSet
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import embedding_sets as sets
from kyo_pipeline.services.reembedding import CHUNKS_A_TRANSACTION
from kyo_pipeline.settings import Settings

WANTED_RATIO = 0.85
OTHER_SIZE = 300


@dataclass(frozen=True)
class Case:
    """A set to build: by which model, with which CHUNK_SIZE, and whether its chunks are there before."""

    model: str
    size: int = 500
    is_cut: bool = False

    @property
    def title(self) -> str:
        return "only vectors are new" if self.is_cut else "chunks are cut anew"


CASES = (Case("built-in", is_cut=True), Case("built-in", OTHER_SIZE), Case("MiniLM"), Case("MiniLM", is_cut=True))


def measure(documents: int, rounds: int, models: list[str], *, profile: bool = False) -> None:
    cases = [case for case in CASES if case.model in models]
    with opened_apart(Settings(KYO_EMBEDDING_BACKEND="builtin")) as apart:
        index(apart, made_set(documents), docs=False, within=False)
        print(f"\n{documents:,} documents, {apart.chunks:,} passages; {how_busy()}\n")
        print(
            header(
                "model", "what is done", "passages", "set, passages/s", "model alone", f"ratio (wanted: {WANTED_RATIO})"
            )
        )
        for case in cases:
            changes = {**builds.MODELS[case.model], "CHUNK_SIZE": case.size}
            settings = builds.with_changes(apart.pipeline.settings, **changes)
            with builds.pipeline(settings) as kyo, profiled(is_wanted=profile):
                print(_measured(kyo, case, rounds), flush=True)


def made_set(documents: int) -> LabelledSet:
    """Documents of ten passages out of real sentences, as `benchmarks.search` has them."""
    source = passages.read()
    made = (source.document(number) for number in range(documents))
    texts = ((one.title, "\n\n".join(f"{heading}\n\n{body}" for heading, body in one.passages)) for one in made)
    rows = (LabelledPassage(f"{number}.txt", title, body, str(number)) for number, (title, body) in enumerate(texts))
    return LabelledSet("made", tuple(rows), (), {})


def _measured(kyo: Kyo, case: Case, rounds: int) -> str:
    """Set and model in turns: a busy moment meets both."""
    with _cut_before(kyo, is_wanted=case.is_cut):
        taken = [_round(kyo) for _ in range(rounds)]
    count = taken[0][0]
    rates = (f"{count / median(seconds):,.0f}" for seconds in list(zip(*taken, strict=True))[1:])
    ratio = median([alone / whole for _, whole, alone in taken])
    return row(case.model, case.title, f"{count:,}", *rates, at_least(ratio, WANTED_RATIO, ".2f"))


@contextmanager
def _cut_before(kyo: Kyo, *, is_wanted: bool) -> Iterator[None]:
    """A set that nobody searches, whose chunks stand while others are built and dropped."""
    if not is_wanted:
        yield
        return
    first = builds.build(kyo)
    sets.retire(kyo, OPERATOR, first.id)
    yield
    builds.discard(kyo, first.id)


def _round(kyo: Kyo) -> tuple[int, float, float]:
    """How many passages, and the seconds that they took the set and the model alone."""
    built = builds.build(kyo)
    groups = _groups(kyo, built)
    assert built.embedded == sum(len(group) for group in groups)
    alone = _alone(kyo, groups)
    builds.discard(kyo, built.id)
    return built.embedded, built.seconds, alone


def _alone(kyo: Kyo, groups: list[list[str]]) -> float:
    started = time.perf_counter()
    for group in groups:
        kyo.embedder.embed_passages(group)
    return time.perf_counter() - started


def _groups(kyo: Kyo, built: Built) -> list[list[str]]:
    """The texts that were embedded, by version as they were, in groups of the size of a transaction."""
    with kyo.db.transaction(OPERATOR) as tx:
        rows = tx.execute(
            text(
                f"""
                select d.title, c.heading_path, c.text
                from {vector_table(built.id)} e
                join chunks c on c.id = e.chunk_id
                join document_versions v on v.id = c.version_id
                join documents d on d.id = v.document_id
                order by v.uploaded_at, v.id, c.ordinal
                """  # noqa: S608 — the name is made from an integer
            )
        )
        texts = [indexed_text(row.title, tuple(row.heading_path), row.text) for row in rows]
    return [texts[start : start + CHUNKS_A_TRANSACTION] for start in range(0, len(texts), CHUNKS_A_TRANSACTION)]


@contextmanager
def profiled(*, is_wanted: bool) -> Iterator[None]:
    """Prints what took the time, where that is asked for. The figures themselves are worse then."""
    if not is_wanted:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
