"""The same set with four and with two bytes a number: bytes, what is found, and how fast."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean

from sqlalchemy import text

from benchmarks import bare_vectors, builds
from benchmarks.filling import Filled, filled
from benchmarks.measuring import Way, at_least, header, how_busy, in_turns, median, p95, row
from benchmarks.search import NO_WORDS, WARM_UP, Questions
from kyo_pipeline.db import search
from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.embedding_sets import Storage
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import embedding_sets as sets
from kyo_pipeline.services import reembedding

K = 10
WANTED_RECALL = 0.98


@dataclass(frozen=True)
class Measured:
    table: int
    index: int
    recall: float
    milliseconds: list[float]


def measure(count: int, questions: int, keep: Path) -> None:
    with filled(count, keep) as space:
        asked = Questions(space, questions)
        found = _both(space, asked)
    print(f"\n{count:,} passages, {len(asked.measured)} questions, one statement each; {how_busy()}\n")
    print(header("stored as", "table", "index", f"recall@{K} of the dense leg", "ms median, p95"))
    for storage, one in found.items():
        recall = at_least(one.recall, WANTED_RECALL)
        figures = f"{median(one.milliseconds):.1f}, {p95(one.milliseconds):.1f}"
        print(row(storage.value, f"{one.table / 1e6:.1f} MB", f"{one.index / 1e6:.1f} MB", recall, figures))
    print(row("**ratio**", *_ratios(found[Storage.HALFVEC], found[Storage.VECTOR])))


def _ratios(half: Measured, whole: Measured) -> list[str]:
    speed = p95(half.milliseconds) / p95(whole.milliseconds)
    pairs = half.table / whole.table, half.index / whole.index, half.recall / whole.recall, speed
    return [f"{one:.2f}" for one in pairs]


def _both(space: Filled, asked: Questions) -> dict[Storage, Measured]:
    """Both are built one after the other by the product, and gone afterwards; the search is measured in turns."""
    built: dict[Storage, EmbeddingSet] = {}
    settings = space.servers.settings
    with builds.pipeline(settings) as pipeline:
        try:
            for storage in Storage:
                changed = builds.with_changes(settings, KYO_VECTOR_STORAGE=storage.value)
                built[storage] = _built(replace(pipeline, settings=changed))
            return _compared(space, asked, built)
        finally:
            for one in built.values():
                builds.discard(pipeline, one.id)


def _built(kyo: Kyo) -> EmbeddingSet:
    """With its index, and out of the way of the next one."""
    built = builds.build(kyo)
    reembedding.finish(kyo, built.id, 512, 0)
    sets.retire(kyo, OPERATOR, built.id)
    return builds.find(kyo, built.id)


def _compared(space: Filled, asked: Questions, built: dict[Storage, EmbeddingSet]) -> dict[Storage, Measured]:
    taken = _timed(space, asked, built)
    best = _best(space, asked, built[Storage.VECTOR])
    measured = {}
    for storage, one in built.items():
        table, index = _bytes(space, one)
        recall = _recall(space, asked, one, built[Storage.VECTOR], best)
        measured[storage] = Measured(table, index, recall, taken[storage.value])
    return measured


def _timed(space: Filled, asked: Questions, built: dict[Storage, EmbeddingSet]) -> dict[str, list[float]]:
    with space.kyo.db.transaction(space.readers["100 %"]) as tx:

        def find(one: EmbeddingSet, question: str) -> object:
            return search.passages(tx, one, question, asked.vectors[question], K)

        ways = {storage.value: Way(partial(find, one)) for storage, one in built.items()}
        in_turns(ways, asked.texts[:WARM_UP])
        return in_turns(ways, asked.measured)


def _best(space: Filled, asked: Questions, whole: EmbeddingSet) -> list[list[float]]:
    with space.owner.transaction(OPERATOR) as tx:
        vectors = [asked.written[question] for question in asked.measured]
        return [bare_vectors.exact(tx, whole, vector, K, None) for vector in vectors]


def _recall(
    space: Filled, asked: Questions, one: EmbeddingSet, whole: EmbeddingSet, best: Sequence[list[float]]
) -> float:
    """How near what the product finds by meaning alone is in truth: by the vectors with four bytes a number."""
    alone = replace(one, spec=replace(one.spec, dense_weight=1.0))
    shares = []
    for question, ranked in zip(asked.measured, best, strict=True):
        with space.kyo.db.transaction(space.readers["100 %"]) as tx:
            found = search.passages(tx, alone, NO_WORDS, asked.vectors[question], K)
        with space.owner.transaction(OPERATOR) as tx:
            near = bare_vectors.similarities(
                tx, whole, asked.written[question], [passage.chunk_id for passage in found]
            )
        shares.append(bare_vectors.recall(near, ranked))
    return fmean(shares)


def _bytes(space: Filled, one: EmbeddingSet) -> tuple[int, int]:
    """The table without its indexes, and the index of its vectors."""
    table = vector_table(one.id)
    with space.owner.transaction(OPERATOR) as tx:
        names = (table, f"{table}_nearest")
        sizes = [tx.scalar(text("select pg_table_size(cast(:name as regclass))"), {"name": name}) for name in names]
    return int(str(sizes[0])), int(str(sizes[1]))
