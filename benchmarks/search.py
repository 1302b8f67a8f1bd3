"""Search over many passages, beside the bare statement of pgvector: `python -m benchmarks.search [--chunks 100000]`.

Passages are recombined from real texts, questions are real (benchmarks/passages.py), vectors are the built-in model's.
The database is made once and kept: `--keep FOLDER`. To fill it takes 5 to 15 minutes for 100,000 passages, and hours
for `--chunks 1000000`.

`--only latency,recall,halfvec,sizes` prints parts; `--explain "1 %"` prints the plan of that reader's slowest question.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from statistics import fmean

import psutil
from redis import Redis
from sqlalchemy import text

from benchmarks import bare_vectors, passages
from benchmarks.filling import READERS, Filled, filled
from benchmarks.measuring import Way, at_least, at_most, header, how_busy, in_turns, median, p95, row
from benchmarks.plans import plans_of
from kyo_pipeline import finding
from kyo_pipeline.db import search
from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.services import asking

PARTS = ("latency", "recall", "halfvec", "sizes")
K = 10
WARM_UP = 30

#: 95th percentile of milliseconds by number of passages; the first that is not smaller counts.
WANTED_P95 = {100_000: 25.0, 1_000_000: 60.0}
WANTED_RATIO = 2.5
WANTED_RECALL = 0.98

#: A question without a word that counts: the lexical leg proposes nothing.
NO_WORDS = "what is this"


class Questions:
    """Real questions with their vectors."""

    def __init__(self, space: Filled, count: int) -> None:
        self.texts = passages.read().questions(count + WARM_UP)
        self.vectors = {question: space.kyo.embedder.embed_query(question) for question in self.texts}
        self.written = {question: bare_vectors.written(vector) for question, vector in self.vectors.items()}

    @property
    def measured(self) -> list[str]:
        return self.texts[WARM_UP:]


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="kyo-bench-") as temporary:
        keep = arguments.keep or Path(temporary)
        with filled(arguments.chunks, keep, reuse=arguments.reuse) as space:
            questions = Questions(space, arguments.questions)
            if arguments.explain:
                explain(space, questions, arguments.explain)
                return
            documents = -(-space.built.passages // passages.PASSAGES_A_DOCUMENT)
            print(
                f"{space.built.passages:,} passages, {documents:,} documents, {space.space.spec.dimensions} dimensions"
            )
            measure(space, questions, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="a folder for the database; without it, it is made and thrown away")
    parser.add_argument("--reuse", action="store_true", help="take what was kept although tables have changed since")
    parser.add_argument("--only", type=lambda names: names.split(","), default=PARTS, help=f"of {','.join(PARTS)}")
    parser.add_argument(
        "--readers", type=lambda names: names.split(","), default=list(READERS), help="such as '100 %%'"
    )
    parser.add_argument("--explain", metavar="READER", help="the plan of this reader's slowest question: '100 %%'")
    return parser.parse_args()


def measure(space: Filled, questions: Questions, arguments: argparse.Namespace) -> None:
    started = time.perf_counter()
    dense = Dense(space, questions)
    if "recall" in arguments.only:
        recall(dense, arguments.readers)
    if "latency" in arguments.only:
        latency(space, questions, dense.effort(), arguments.readers)
    if "halfvec" in arguments.only:
        halfvec(dense)
    if "sizes" in arguments.only:
        sizes(space)
    print(f"\n({time.perf_counter() - started:.0f} s)")


class Dense:
    """The dense leg alone, and what is nearest in truth."""

    def __init__(self, space: Filled, questions: Questions) -> None:
        self.space, self.questions = space, questions
        self.table = vector_table(space.space.id)
        self.vectors = [questions.written[question] for question in questions.measured]
        self.alone = replace(space.space, spec=replace(space.space.spec, dense_weight=1.0))

    @cache  # noqa: B019 — it lives as long as the benchmark
    def best(self, share: str = "100 %") -> list[list[float]]:
        with self.space.owner.transaction(OPERATOR) as tx:
            collections = None if share == "100 %" else READERS[share]
            return [bare_vectors.exact(tx, self.space.space, vector, K, collections) for vector in self.vectors]

    @cache  # noqa: B019 — it lives as long as the benchmark
    def found(self, share: str = "100 %") -> list[list[float]]:
        """Similarities of what the product finds by meaning alone, of each question."""
        with self.space.kyo.db.transaction(self.space.readers[share]) as tx:
            return [
                [passage.similarity for passage in search.passages(tx, self.alone, NO_WORDS, vector, K)]
                for vector in (self.questions.vectors[question] for question in self.questions.measured)
            ]

    def recall(self, share: str = "100 %") -> float:
        pairs = zip(self.found(share), self.best(share), strict=True)
        return fmean(bare_vectors.recall(found, best) for found, best in pairs)

    @cache  # noqa: B019 — it lives as long as the benchmark
    def effort(self) -> int:
        """The `hnsw.ef_search` with which the bare statement finds as much as the product does."""
        with self.space.owner.transaction(OPERATOR) as tx:
            return bare_vectors.effort_for(tx, self.space.space, self.vectors, self.best(), self.recall())


def recall(dense: Dense, shares: list[str]) -> None:
    print(
        f"\nRecall@{K} of the dense leg against exact search, {len(dense.vectors)} questions; wanted: {WANTED_RECALL}\n"
    )
    print(header("may read", f"recall@{K}", "worst question", f"answers with all {K}"))
    for share in shares:
        each = [bare_vectors.recall(*pair) for pair in zip(dense.found(share), dense.best(share), strict=True)]
        full = sum(len(found) == K for found in dense.found(share)) / len(each)
        print(row(share, at_least(fmean(each), WANTED_RECALL), f"{min(each):.1f}", f"{full:.0%}"))


def latency(space: Filled, questions: Questions, effort: int, shares: list[str]) -> None:
    print(f"\nMilliseconds, median and 95th percentile, {len(questions.measured)} questions, k = {K}; {how_busy()}")
    print(f"bare: hnsw.ef_search = {effort}; wanted: p95 {_wanted(space):g} ms, ratio of the medians {WANTED_RATIO}\n")
    ways = ("statement", "service, vector cached", "service")
    beside = [name for way in ways for name in (way, "to bare")]
    print(header("may read", "bare", *beside, "CPU of the server: bare / statement"))
    for share in shares:
        taken, cpu = _timed(space, questions, effort, share)
        bare = median(taken.pop("bare"))
        cells = [f"{bare:.1f}"]
        for one in taken.values():
            cells.append(f"{median(one):.1f}, {at_most(p95(one), _wanted(space))}")
            cells.append(at_most(median(one) / bare, WANTED_RATIO, ".2f"))
        print(row(share, *cells, " / ".join(f"{one:.1f}" for one in cpu)), flush=True)


def _timed(
    space: Filled, questions: Questions, effort: int, share: str
) -> tuple[dict[str, list[float]], tuple[float, ...]]:
    """Milliseconds of each way, in turns, over connections that are warm; CPU of the first two, milliseconds each."""
    actor, table = space.readers[share], vector_table(space.space.id)
    redis = Redis.from_url(space.servers.settings.REDIS_URL.get_secret_value())

    def only_vector(question: str) -> None:
        redis.flushdb()
        finding.vector_of(space.kyo, question)

    with space.owner.transaction(actor) as bare, space.kyo.db.transaction(actor) as app:
        bare_vectors.set_effort(bare, effort)
        service = partial(asking.search, space.kyo, actor, limit=K)
        ways = {
            "bare": Way(lambda question: bare_vectors.nearest(bare, table, questions.written[question], K)),
            "statement": Way(lambda one: search.passages(app, space.space, one, questions.vectors[one], K)),
            "service, vector cached": Way(service, only_vector),
            "service": Way(service, lambda _: redis.flushdb()),
        }
        in_turns(ways, questions.texts[:WARM_UP])
        before = _cpu(bare), _cpu(app)
        taken = in_turns(ways, questions.measured)
        spent = _cpu(bare) - before[0], _cpu(app) - before[1]
    redis.close()
    return taken, tuple(one / len(questions.measured) for one in spent)


def _cpu(tx: Transaction) -> float:
    """Milliseconds of CPU that the server has spent on this connection so far: they depend less on who else is busy.

    0 where the server is on another machine.
    """
    pid = int(str(tx.scalar(text("select pg_backend_pid()"))))
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return (times.user + times.system) * 1000


def _wanted(space: Filled) -> float:
    return next((ms for count, ms in WANTED_P95.items() if space.built.passages <= count), max(WANTED_P95.values()))


@dataclass(frozen=True)
class Storage:
    """A way to keep vectors: the type of the column, and what is indexed of it."""

    name: str
    column: str
    indexed: str = "embedding"


def halfvec(dense: Dense) -> None:
    """The same vectors with four and with two bytes a number, in table and index. Nothing of it is kept."""
    dimensions, effort = dense.space.space.spec.dimensions, dense.effort()
    ways = (
        Storage("vector", f"vector({dimensions})"),
        Storage("vector, index of halfvec", f"vector({dimensions})", f"cast(embedding as halfvec({dimensions}))"),
        Storage("halfvec", f"halfvec({dimensions})"),
    )
    print(f"\nThe same vectors as halfvec, bare statement, hnsw.ef_search = {effort}; {how_busy()}\n")
    print(header("stored as", "table", "index", "index built in", f"recall@{K}", "median, p95"))
    for way in ways:
        with dense.space.owner.transaction(OPERATOR) as tx:
            print(_stored(tx, dense, way, effort), flush=True)
            tx.rollback()


def _stored(tx: Transaction, dense: Dense, way: Storage, effort: int) -> str:
    kind = way.indexed.removeprefix("cast(embedding as ").removesuffix(")") if "cast" in way.indexed else way.column
    tx.execute(text(f"set local maintenance_work_mem = '{dense.space.built.maintenance_work_mem}'"))
    columns = f"chunk_id, cast(embedding as {way.column}) as embedding"
    tx.execute(text(f"create table bench_vectors as select {columns} from {dense.table}"))  # noqa: S608 — names of ours
    started = time.perf_counter()
    operators = f"{kind.split('(')[0]}_cosine_ops"
    tx.execute(text(f"create index bench_index on bench_vectors using hnsw (({way.indexed}) {operators})"))
    seconds = time.perf_counter() - started
    tx.execute(text("analyze bench_vectors"))
    bare_vectors.set_effort(tx, effort)
    distance = f"{way.indexed} <=> cast(:vector as {kind})"
    ask = Way(lambda vector: bare_vectors.nearest(tx, "bench_vectors", vector, K, distance))
    in_turns({"": ask}, dense.vectors[:WARM_UP])
    taken = in_turns({"": ask}, dense.vectors)[""]
    found = bare_vectors.mean_recall(tx, dense.space.space, dense.vectors, dense.best(), "bench_vectors", distance)
    table, index = (_megabytes(tx, name) for name in ("bench_vectors", "bench_index"))
    return row(way.name, table, index, f"{seconds:.1f} s", f"{found:.3f}", f"{median(taken):.2f}, {p95(taken):.2f}")


def sizes(space: Filled) -> None:
    built = space.built
    print(
        f"\nFilled in {built.loading:.0f} s; HNSW index built in {built.index:.0f} s with {built.maintenance_work_mem}"
    )
    print(f"of maintenance_work_mem, the others in {built.other_indexes:.0f} s\n")
    with space.owner.transaction(OPERATOR) as tx:
        print(header("table or index", "size"))
        for name in tx.scalars(text(_LARGEST)).all():
            print(row(name, _megabytes(tx, name)))
        print(f"\nshared_buffers {tx.scalar(text('show shared_buffers'))}", end="")
    if space.servers.postmaster is not None:
        server = psutil.Process(space.servers.postmaster)
        shares = [one.memory_full_info().pss for one in (server, *server.children())]
        print(f"; all of PostgreSQL {sum(shares) / 1e6:.0f} MB, pages shared with others counted once", end="")
    print()


_LARGEST = """
  select cast(cast(c.oid as regclass) as text)
  from pg_class c
  where c.relnamespace = cast('kyo' as regnamespace) and c.relkind in ('r', 'i') and pg_table_size(c.oid) > 1000000
  order by pg_table_size(c.oid) desc
"""


def _megabytes(tx: Transaction, name: str) -> str:
    size = tx.scalar(text("select pg_table_size(cast(:name as regclass))"), {"name": name})
    return f"{int(str(size)) / 1e6:,.1f} MB"


def explain(space: Filled, questions: Questions, share: str) -> None:
    actor = space.readers[share]

    def ask(tx: Transaction, question: str) -> object:
        return search.passages(tx, space.space, question, questions.vectors[question], K)

    with space.kyo.db.transaction(actor) as tx:
        in_turns({"": Way(partial(ask, tx))}, questions.texts[:WARM_UP])
        taken = in_turns({"": Way(partial(ask, tx))}, questions.measured)[""]
    slowest, question = max(zip(taken, questions.measured, strict=True))
    print(f"{slowest:.1f} ms for {share}, median {median(taken):.1f} ms: {question}\n")
    print("\n".join(plans_of(space.owner, actor, f"search_set_{space.space.id}", lambda tx: ask(tx, question))))


if __name__ == "__main__":
    main()
