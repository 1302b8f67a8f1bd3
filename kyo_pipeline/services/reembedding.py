"""Building embedding sets beside the one that answers: cut, embedded, indexed, and kept as long as they are needed."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from kyo_pipeline import candidates
from kyo_pipeline.db import chunks, corpus, cuttings, embedding_sets, embedding_work, index_health, texts
from kyo_pipeline.db.claims import is_watched
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.embedding_work import Work
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.batching import groups
from kyo_pipeline.domain.embedding_sets import SetState
from kyo_pipeline.domain.rechunking import chunk_rows
from kyo_pipeline.errors import Invalid, KyoError
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.serving import with_model

LEASE = timedelta(minutes=15)
#: For a run that nobody watches, as in `services/indexing.py`.
LOCAL_LEASE = timedelta(minutes=2)
RETRY = timedelta(minutes=1)
MAX_ATTEMPTS = 5
VERSIONS_A_CLAIM = 200
#: A killed run loses so many at most, and progress is told in such steps.
CHUNKS_A_TRANSACTION = 256

_NO_TEXT = "It has no passages. Read it again."
_GAVE_UP = "Embedding this was interrupted {attempts} times."


@dataclass
class WorkReport:
    """What was done for one set. `embedded` passages and `tokens` are what its model was asked for."""

    set_id: int
    versions: int = 0
    chunks: int = 0
    embedded: int = 0
    tokens: int = 0
    calls: int = 0
    seconds: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)  # (file name, reason)


#: Told after each transaction; may wait, and says whether to go on.
Pace = Callable[[WorkReport], bool]


def release_dead(kyo: Kyo, alive_runs: Sequence[str]) -> int:
    """Free what runs had claimed that are not alive any more."""
    with kyo.db.transaction(OPERATOR) as tx:
        return embedding_work.release_dead(tx, alive_runs)


def work(kyo: Kyo, run: str, pace: Pace) -> tuple[WorkReport, ...]:
    """Take what waits into the sets that lack it, until nothing waits or `pace` says that it is enough.

    A killed run resumes: what was committed stays. A set whose model cannot be used waits for a minute and says why;
    the others go on. Raises `KyoError` where nothing could be done because of that.
    """
    reports: dict[int, WorkReport] = {}
    stuck: dict[int, KyoError] = {}
    while (embedding_set := _next_set(kyo, stuck)) is not None:
        report = reports.setdefault(embedding_set.id, WorkReport(embedding_set.id))
        try:
            if not _work_some(kyo, run, embedding_set, report, pace):
                break
        except KyoError as error:
            stuck[embedding_set.id] = error
    if stuck and not any(report.versions for report in reports.values()):
        raise next(iter(stuck.values()))
    return tuple(reports.values())


def finish(kyo: Kyo, set_id: int, memory_mb: int | None, workers: int | None) -> float | None:
    """Make the index of a complete set, and count its chunks for search by words; it is ready then.

    Returns the seconds that the index took; None where the set was given up meanwhile, or another run was quicker.
    `memory_mb` and `workers` are what the database may take for it; None: as it is configured.
    """
    started = time.perf_counter()
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_sets.lock_building(tx, set_id)
        if not _is_building(tx, set_id):
            return None
        embedding_sets.build_index(tx, set_id, memory_mb, workers)
    seconds = time.perf_counter() - started
    with kyo.db.transaction(OPERATOR) as tx:
        if (found := embedding_sets.find(tx, set_id)) is not None:
            corpus.weigh_uncounted(tx, found.cutting_id)
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_sets.lock_building(tx, set_id)
        corpus.lock(tx)
        if found is None or not _is_building(tx, set_id):
            return None
        index_health.count_cutting(tx, found.cutting_id)
        embedding_work.add_missing(tx, set_id)
        embedding_sets.note_indexed(tx, set_id, kyo.now())
    return seconds


def note_problem(kyo: Kyo, set_id: int, problem: str) -> None:
    """Why a set does not go on, for people."""
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_sets.note_problem(tx, set_id, problem)


def _is_building(tx: Transaction, set_id: int) -> bool:
    found = embedding_sets.find(tx, set_id)
    return found is not None and found.state is SetState.BUILDING


def _next_set(kyo: Kyo, stuck: Collection[int]) -> EmbeddingSet | None:
    with kyo.db.transaction(OPERATOR) as tx:
        waiting = [one for one in embedding_work.sets_with_work(tx, kyo.now()) if one not in stuck]
        return embedding_sets.find(tx, waiting[0]) if waiting else None


def _work_some(kyo: Kyo, run: str, embedding_set: EmbeddingSet, report: WorkReport, pace: Pace) -> bool:
    """Claim some and take them in; False when it is enough, or others have taken what there was."""
    now = kyo.now()
    with kyo.db.transaction(OPERATOR) as tx:
        claimed = embedding_work.claim(tx, embedding_set.id, run, VERSIONS_A_CLAIM, now, now + _lease(run))
    for one in claimed:
        if one.attempts > MAX_ATTEMPTS:
            _fail(kyo, run, embedding_set, one, _GAVE_UP.format(attempts=MAX_ATTEMPTS), report)
    by_id = {one.version_id: one for one in claimed if one.attempts <= MAX_ATTEMPTS}
    try:
        for group in groups({key: one.chunks for key, one in by_id.items()}, CHUNKS_A_TRANSACTION):
            _take_in(kyo, run, embedding_set, [by_id[key] for key in group], report)
            if not pace(report):
                _put_back(kyo, run, embedding_set, later=False)
                return False
    except KyoError as error:
        _put_back(kyo, run, embedding_set, later=True)
        with kyo.db.transaction(OPERATOR) as tx:
            embedding_sets.note_problem(tx, embedding_set.id, error.message)
        raise
    return bool(claimed)


def _lease(run: str) -> timedelta:
    return LEASE if is_watched(run) else LOCAL_LEASE


def _put_back(kyo: Kyo, run: str, embedding_set: EmbeddingSet, *, later: bool) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_work.put_back(tx, embedding_set.id, run, kyo.now() + RETRY if later else None)


def _fail(kyo: Kyo, run: str, embedding_set: EmbeddingSet, version: Work, reason: str, report: WorkReport) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        if embedding_work.fail(tx, embedding_set.id, version.version_id, run, reason):
            report.failures.append((version.file_name, reason))


def _take_in(kyo: Kyo, run: str, embedding_set: EmbeddingSet, group: Sequence[Work], report: WorkReport) -> None:
    """Cut and embed some versions; where the database cannot hold what comes of it, each alone, to find the culprit."""
    started = time.perf_counter()
    try:
        _cut(kyo, run, embedding_set, group)
    except Invalid as error:
        if len(group) == 1:
            _fail(kyo, run, embedding_set, group[0], error.message, report)
            return
        for version in group:
            _take_in(kyo, run, embedding_set, [version], report)
        return
    _embed(kyo, run, embedding_set, [one.version_id for one in group], report, started)


def _cut(kyo: Kyo, run: str, embedding_set: EmbeddingSet, group: Sequence[Work]) -> None:
    """Cut those that have no chunks of this set's cutting yet."""
    cutting_id, titles = embedding_set.cutting_id, {one.version_id: one.title for one in group}
    with kyo.db.transaction(OPERATOR) as tx:
        held = embedding_work.keep(tx, embedding_set.id, list(titles), run)
        uncut = chunks.uncut(tx, sorted(held), cutting_id)
        found = {one: (texts.find(tx, one), chunks.previous(tx, one, cutting_id)) for one in uncut}
    parsed = {one: (document, previous) for one, (document, previous) in found.items() if document is not None}
    if not parsed:
        return
    # No transaction is open while the texts are cut.
    tokenizer = with_model(kyo, embedding_set).embedder.tokenizer
    rows = [
        row
        for version_id, (document, previous) in parsed.items()
        for row in chunk_rows(version_id, titles[version_id], document, previous, tokenizer, embedding_set.cutting)
    ]
    with kyo.db.transaction(OPERATOR) as tx:
        ours = embedding_work.keep(tx, embedding_set.id, list(parsed), run)
        embedding_sets.lock_building(tx, embedding_set.id, shared=True)
        is_counted = corpus.lock_counted(tx, cutting_id)
        chunks.add(tx, [row for row in rows if row[0] in ours], cutting_id)
        corpus.add_lexemes(tx, list(ours))
        corpus.weigh(tx, list(ours), cutting_id)
        if is_counted:
            corpus.count_cut(tx, list(ours), cutting_id)


def _embed(
    kyo: Kyo,
    run: str,
    embedding_set: EmbeddingSet,
    version_ids: Sequence[UUID],
    report: WorkReport,
    started: float,
) -> None:
    set_id, cutting_id = embedding_set.id, embedding_set.cutting_id
    with kyo.db.transaction(OPERATOR) as tx:
        held = list(embedding_work.keep(tx, set_id, version_ids, run))
        if not held:  # somebody else has taken over, or has dropped the set
            return
        chunks.keep_vectors(tx, set_id, cutting_id, held)
        waiting = chunks.waiting(tx, set_id, cutting_id, held)
    # No transaction is open while the model works: a remote one may take minutes.
    model = with_model(kyo, embedding_set).embedder
    called = model.calls
    vectors = model.embed_passages([chunk.indexed_text for chunk in waiting])
    calls = model.calls - called
    with kyo.db.transaction(OPERATOR) as tx:
        ours = sorted(embedding_work.keep(tx, set_id, held, run))
        if not ours:
            return
        places = [place for place, chunk in enumerate(waiting) if chunk.version_id in ours]
        embedded = [waiting[place] for place in places]
        chunks.replace_vectors(tx, set_id, [chunk.id for chunk in embedded], vectors[places])
        chunks.correct_digests(tx, embedded)
        there = chunks.count_of(tx, ours, cutting_id)
        embedding_work.finish(tx, set_id, there, run)
        for version_id in set(ours) - set(there):
            embedding_work.fail(tx, set_id, version_id, run, _NO_TEXT)
        embedding_work.renew(tx, set_id, run, kyo.now() + _lease(run))
        seconds, tokens = time.perf_counter() - started, sum(chunk.tokens for chunk in embedded)
        embedding_sets.note_work(tx, set_id, embedded=len(embedded), tokens=tokens, calls=calls, seconds=seconds)
    report.versions += len(ours)
    report.chunks += sum(there.values())
    report.embedded += len(embedded)
    report.tokens += tokens
    report.calls += calls
    report.seconds += seconds


# Keeping --------------------------------------------------------------------------------------------------------------


def retain(kyo: Kyo) -> tuple[int, ...]:
    """Drop the sets that were replaced and are more than KYO_RETAIN_EMBEDDING_SETS; returns which."""
    with kyo.db.transaction(OPERATOR) as tx:
        return candidates.drop_beyond(kyo, tx, OPERATOR, kyo.settings.KYO_RETAIN_EMBEDDING_SETS)


def delete_unsearched_chunks(kyo: Kyo) -> int:
    """Delete the chunks that no set searches any more, a few at a time; returns how many."""
    deleted = 0
    while True:
        with kyo.db.transaction(OPERATOR) as tx:
            embedding_sets.lock(tx)
            some = cuttings.delete_unsearched_chunks(tx, VERSIONS_A_CLAIM, kyo.now())
        if not some:
            return deleted
        deleted += some
