"""The pipeline's side of embedding sets: notice what is wanted, build it beside what answers, index it, keep it up."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from uuid import UUID

from pydantic import TypeAdapter

from kyo_pipeline import candidates
from kyo_pipeline.candidates import Wanted
from kyo_pipeline.db import audit, chunks, corpus, embedding_sets, embedding_work, index_health, texts
from kyo_pipeline.db import embedding_requests as requests
from kyo_pipeline.db.claims import is_watched
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.embedding_work import Work
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.batching import groups
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.domain.judging import Judgement
from kyo_pipeline.domain.rechunking import chunk_rows
from kyo_pipeline.errors import Invalid, KyoError, NotFound
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

#: In the stored judgement: the set that it was compared with.
_COMPARED_WITH = "compared_with"

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


class Step(Enum):
    """What a set goes through, in this order."""

    EMBED = "embed"
    INDEX = "index"
    JUDGE = "judge"
    ACTIVATE = "activate"


#: Told after each transaction; may wait, and says whether to go on.
Pace = Callable[[WorkReport], bool]


# Noticing -------------------------------------------------------------------------------------------------------------


def is_followed(kyo: Kyo) -> bool:
    """Whether these settings have been compared with what answers. Loads no model."""
    if not kyo.settings.KYO_REEMBED_ON_CHANGE:
        return True
    with kyo.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
        if active is None or embedding_sets.is_empty(tx, active.id):
            return True  # the first documents make it
        return embedding_sets.followed(tx) == candidates.digest(kyo)


def follow_settings(kyo: Kyo) -> EmbeddingSet | None:
    """Begin a set when the settings ask for another one than what answers, and there is none such. Idempotent.

    What is under way for settings of before is given up. What somebody gives up or drops comes back when the settings
    are changed again, not by itself. Raises `KyoError` where the model of the settings cannot be loaded.
    """
    if is_followed(kyo):
        return None
    asked_for = candidates.wanted(kyo)
    with kyo.db.transaction(OPERATOR) as tx:
        corpus.lock(tx)
        embedding_sets.lock(tx)
        active = candidates.adopted(tx, asked_for)
        if active is None:
            return None
        embedding_sets.note_followed(tx, candidates.digest(kyo))
        _give_way(kyo, tx, asked_for)
        if asked_for.is_like(active) or any(asked_for.is_like(one) for one in embedding_sets.live(tx)):
            return None
        reason = f"The settings name {_named(asked_for)}; what answers is {_named(active)}."
        return candidates.begin(kyo, tx, OPERATOR, asked_for, reason)


def begin_anew(kyo: Kyo, reason: str) -> EmbeddingSet:
    """Begin a set by the settings, whatever there is: what a model hides behind its name may have changed.

    Raises `Conflict` while another one is under way, `KyoError` where the model cannot be loaded.
    """
    asked_for = candidates.wanted(kyo)
    with kyo.db.transaction(OPERATOR) as tx:
        return candidates.begin(kyo, tx, OPERATOR, asked_for, reason)


def take_request(kyo: Kyo) -> EmbeddingSet | None:
    """Begin the set that somebody has asked for in the app. Where another one is under way, the request is over."""
    with kyo.db.transaction(OPERATOR) as tx:
        asker = requests.asker(tx)
        if asker is None or embedding_sets.active(tx) is None:
            requests.take(tx, kyo.now())  # of somebody who is no admin any more, if there is one
            return None
    asked_for = candidates.wanted(kyo)
    with kyo.db.transaction(asker) as tx:
        if not requests.take(tx, kyo.now()) or embedding_sets.in_state(tx, SetState.BUILDING, SetState.READY):
            return None
        return candidates.begin(kyo, tx, asker, asked_for, "Asked for in the app.")


def _give_way(kyo: Kyo, tx: Transaction, asked_for: Wanted) -> None:
    """What is under way for settings of before is not wanted any more."""
    for one in embedding_sets.in_state(tx, SetState.BUILDING, SetState.READY):
        if not asked_for.is_like(one):
            embedding_sets.retire(tx, one.id, kyo.now())
            details = {"why": "the settings have changed"}
            audit.record(tx, OPERATOR, Event.EMBEDDING_SET_RETIRE, one.id, kyo.now(), details)


def _named(one: Wanted | EmbeddingSet) -> str:
    return f"{one.spec.model} ({one.spec.backend}, chunks of {one.cutting.size} tokens, {one.storage.value})"


# Building -------------------------------------------------------------------------------------------------------------


def next_step(kyo: Kyo) -> Step | None:
    """What a run could do now, the first of all that there is to do."""
    with kyo.db.transaction(OPERATOR) as tx:
        with_work = embedding_work.sets_with_work(tx, kyo.now())
        under_way = {one.id for one in embedding_sets.in_state(tx, SetState.BUILDING, SetState.READY)}
        is_asked_for = requests.is_waiting(tx)
    if is_asked_for or under_way & set(with_work) or not is_followed(kyo):
        return Step.EMBED
    if complete(kyo):
        return Step.INDEX
    if unjudged(kyo):
        return Step.JUDGE
    if to_activate(kyo):
        return Step.ACTIVATE
    return Step.EMBED if with_work else None  # what is kept for the way back does not hold up what is to come


def known(kyo: Kyo) -> dict[int, SetFacts]:
    """What is known of each set, by its number."""
    with kyo.db.transaction(OPERATOR) as tx:
        return {one.id: one for one in embedding_sets.facts(tx)}


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


def complete(kyo: Kyo) -> tuple[EmbeddingSet, ...]:
    """Sets under construction in which nothing waits any more: they lack an index."""
    with kyo.db.transaction(OPERATOR) as tx:
        building = embedding_sets.in_state(tx, SetState.BUILDING)
        return tuple(one for one in building if not embedding_work.is_waiting(tx, one.id))


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


# Judging --------------------------------------------------------------------------------------------------------------


def serving(kyo: Kyo) -> EmbeddingSet:
    """The set that answers now. Raises `NotFound` before there is one."""
    with kyo.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
    if active is None:
        raise NotFound("Nothing is indexed here yet.")
    return active


def unjudged(kyo: Kyo) -> tuple[EmbeddingSet, ...]:
    """Sets that are ready, and that nobody has compared with what answers now."""
    return tuple(one for one, facts, active in _ready(kyo) if _compared_with(facts) != active.id)


def note_problem(kyo: Kyo, set_id: int, problem: str) -> None:
    """Why a set does not go on, for people."""
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_sets.note_problem(tx, set_id, problem)


def note_judgement(kyo: Kyo, one: EmbeddingSet, active: EmbeddingSet, judgement: Judgement) -> None:
    """Keep what was found, and with which set it was compared."""
    kept = {**TypeAdapter(Judgement).dump_python(judgement, mode="json"), _COMPARED_WITH: active.id}
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_sets.note_judgement(tx, one.id, judgement.verdict, kept, kyo.now())
        details = {"verdict": judgement.verdict.value, "questions": judgement.questions, _COMPARED_WITH: active.id}
        audit.record(tx, OPERATOR, Event.EMBEDDING_SET_JUDGE, one.id, kyo.now(), details)


def to_activate(kyo: Kyo) -> tuple[EmbeddingSet, ...]:
    """Sets that are to answer without anybody's word: complete, and not worse than what answers now."""
    if kyo.settings.KYO_REEMBED_ACTIVATE == "manual":
        return ()
    return tuple(
        one
        for one, facts, active in _ready(kyo)
        if facts.verdict is Verdict.NOT_WORSE
        and _compared_with(facts) == active.id
        and not facts.waiting + facts.failed
    )


def _ready(kyo: Kyo) -> Iterator[tuple[EmbeddingSet, SetFacts, EmbeddingSet]]:
    """Each set that is ready, what is known of it, and the set that answers."""
    with kyo.db.transaction(OPERATOR) as tx:
        active, ready = embedding_sets.active(tx), embedding_sets.in_state(tx, SetState.READY)
        facts = {one.id: one for one in embedding_sets.facts(tx)} if ready else {}
    if active is not None:
        yield from ((one, facts[one.id], active) for one in ready)


def _compared_with(facts: SetFacts) -> int | None:
    return None if facts.judgement is None else facts.judgement.get(_COMPARED_WITH)


# Building, step by step -----------------------------------------------------------------------------------------------


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
            some = embedding_sets.delete_unsearched_chunks(tx, VERSIONS_A_CLAIM, kyo.now())
        if not some:
            return deleted
        deleted += some
