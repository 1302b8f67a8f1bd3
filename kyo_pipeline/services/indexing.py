"""The pipeline's steps: read, cut, embed, publish. Each claims what waits; it may be killed or run again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from kyo_pipeline.db import chunks, claims, corpus, documents, embedding_sets, index_health, texts
from kyo_pipeline.db.claims import Claimed
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.index_health import IndexHealth
from kyo_pipeline.db.publishing import publish
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.batching import groups
from kyo_pipeline.domain.chunking import chunk
from kyo_pipeline.domain.chunks import Chunk, indexed_text
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.errors import Conflict, KyoError
from kyo_pipeline.kyo import Kyo

LEASE = timedelta(minutes=15)
#: For a run that nobody watches: what it held, when it is killed, is free after this.
LOCAL_LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 5
STUCK_AFTER = timedelta(hours=1)
#: Tokens kept free for title and headings, which are embedded with each chunk.
PLACE_TOKENS = 48
VERSIONS_A_TRANSACTION = 50
CHUNKS_A_TRANSACTION = 1000

_GAVE_UP = (
    "Processing this file was interrupted {attempts} times. Try it again; if that does not help, the file is probably "
    "too large or damaged."
)
_NO_TEXT = "No text was found in this file."


@dataclass
class StepReport:
    """What one step did. `items` counts what it makes: pages, chunks, vectors, searchable documents."""

    done: int = 0
    items: int = 0
    tokens: int = 0
    seconds: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)  # (file name, reason)
    files: list[tuple[str, int, float]] = field(default_factory=list)  # (file name, pages, seconds), of reading


def parse(kyo: Kyo, run: str) -> StepReport:
    """Read the text of up to KYO_BATCH_SIZE uploaded files, each in a child process with limits."""
    report, started = StepReport(), time.perf_counter()
    claimed = _claim(kyo, VersionStatus.UPLOADED, run, report)
    files = []
    for version in claimed:
        try:
            files.append((version, (kyo.files.path(version.sha256), version.media_type)))
        except KyoError as error:
            _fail(kyo, run, version, error.message, report)
    done: list[tuple[Claimed, ParsedDocument, float]] = []
    for index, result, seconds in kyo.parser.parse_many([file for _, file in files]):
        version = files[index][0]
        if isinstance(result, ParsedDocument) and _has_text(result.text):
            done.append((version, result, seconds))
        else:
            _fail(kyo, run, version, result if isinstance(result, str) else _NO_TEXT, report)
        if len(done) >= VERSIONS_A_TRANSACTION:
            _save_texts(kyo, run, done, report)
            done = []
    _save_texts(kyo, run, done, report)
    report.seconds = time.perf_counter() - started
    return report


def cut(kyo: Kyo, run: str) -> StepReport:
    """Cut the texts that wait into chunks, and compute what lexical search needs."""
    report, started = StepReport(), time.perf_counter()
    claimed = _claim(kyo, VersionStatus.PARSED, run, report)
    for batch in _batches(claimed):
        _cut_batch(kyo, run, batch, report)
    report.seconds = time.perf_counter() - started
    return report


def embed(kyo: Kyo, run: str) -> StepReport:
    """Embed the chunks that wait. Raises `KyoError` when the model cannot be used; the rest waits for a later run."""
    report, started = StepReport(), time.perf_counter()
    claimed = {version.version_id: version for version in _claim(kyo, VersionStatus.CHUNKED, run, report)}
    if claimed:
        try:
            embedding_set = ensure_embedding_set(kyo)
            with kyo.db.transaction(OPERATOR) as tx:
                sizes = chunks.counts(tx, list(claimed))
            for group in groups(sizes, CHUNKS_A_TRANSACTION):
                _embed_group(kyo, run, embedding_set, group, report)
        except KyoError:
            # The model is away or the settings are wrong: no fault of the files, so it does not count against them.
            _wait_a_minute(kyo, run, list(claimed))
            raise
    report.seconds = time.perf_counter() - started
    return report


def publish_ready(kyo: Kyo, run: str) -> StepReport:
    """Make what is embedded ready, and what is approved too searchable, each document in one transaction."""
    report, started = StepReport(), time.perf_counter()
    for batch in _batches(_claim(kyo, VersionStatus.EMBEDDED, run, report)):
        ids = [version.version_id for version in batch]
        with kyo.db.transaction(OPERATOR) as tx:
            documents.lock_of_versions(tx, ids)
            ready = claims.finish(tx, ids, run, kyo.now())
            report.items += len(publish(tx, OPERATOR, ready, kyo.now()))
        report.done += len(ready)
    report.seconds = time.perf_counter() - started
    return report


def refresh_weights(kyo: Kyo) -> int:
    """Compute all BM25 weights again if the average chunk length has drifted; returns how many, 0 if not needed."""
    with kyo.db.transaction(OPERATOR) as tx:
        corpus.lock(tx)
        length = corpus.drifted_length(tx)
        return corpus.weigh_all(tx, length) if length is not None else 0


def count_waiting(kyo: Kyo) -> int:
    """How many things some run should take up now: versions, and the BM25 weights when they have drifted."""
    with kyo.db.transaction(OPERATOR) as tx:
        return claims.count_waiting(tx, kyo.now()) + (corpus.drifted_length(tx) is not None)


def wait_for_work(kyo: Kyo, seconds: float) -> int:
    """How many versions wait, as soon as some do, after `seconds` at the latest."""
    with claims.listening(kyo.db) as announced:
        waiting = count_waiting(kyo)
        if waiting or not announced(seconds):
            return waiting
        return count_waiting(kyo)


def release_dead(kyo: Kyo, alive_runs: Sequence[str]) -> int:
    """Free what runs had claimed that are not alive any more; returns how many versions."""
    with kyo.db.transaction(OPERATOR) as tx:
        return claims.release_dead(tx, alive_runs)


def claim_name(run_id: str) -> str:
    """The mark of a Dagster run on the versions it works on."""
    return f"{claims.RUN_PREFIX}{run_id}"


def ensure_embedding_set(kyo: Kyo) -> EmbeddingSet:
    """The active vector space, made on first use. Raises `Conflict` when the settings name a model of another space."""
    spec, now = kyo.embedder.spec, kyo.now()
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_sets.lock(tx)
        active = embedding_sets.active(tx)
        if active is None or (not active.spec.same_space(spec) and embedding_sets.is_empty(tx, active.id)):
            return embedding_sets.activate_new(tx, spec, now)
        if not active.spec.same_space(spec):
            raise Conflict(active.spec.clash_with(spec))
        return active


def _claim(kyo: Kyo, status: VersionStatus, run: str, report: StepReport) -> list[Claimed]:
    """Claim what waits; what was taken up too often without coming further ends as failed."""
    now = kyo.now()
    with kyo.db.transaction(OPERATOR) as tx:
        claimed = claims.claim(tx, status, run, kyo.settings.KYO_BATCH_SIZE, now, now + _lease(run))
    exhausted = [version for version in claimed if version.attempts > MAX_ATTEMPTS]
    for version in exhausted:
        _fail(kyo, run, version, _GAVE_UP.format(attempts=MAX_ATTEMPTS), report)
    return [version for version in claimed if version.attempts <= MAX_ATTEMPTS]


def _lease(run: str) -> timedelta:
    return LEASE if claims.is_watched(run) else LOCAL_LEASE


def _fail(kyo: Kyo, run: str, version: Claimed, reason: str, report: StepReport) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        if claims.fail(tx, version.version_id, run, reason):
            report.failures.append((version.file_name, reason))


def _batches(claimed: Sequence[Claimed]) -> list[Sequence[Claimed]]:
    size = VERSIONS_A_TRANSACTION
    return [claimed[start : start + size] for start in range(0, len(claimed), size)]


def _has_text(text: str) -> bool:
    """Whether there is anything to see: not only white space and characters without width."""
    return any(character.isprintable() and not character.isspace() for character in text)


def _save_texts(kyo: Kyo, run: str, done: Sequence[tuple[Claimed, ParsedDocument, float]], report: StepReport) -> None:
    if not done:
        return
    with kyo.db.transaction(OPERATOR) as tx:
        ours = claims.keep(tx, [version.version_id for version, _, _ in done], run, VersionStatus.UPLOADED)
        kept = [one for one in done if one[0].version_id in ours]
        for version, document, seconds in kept:
            texts.save(tx, version.version_id, document)
            claims.advance(tx, [version.version_id], run, VersionStatus.UPLOADED, VersionStatus.PARSED, seconds)
        claims.renew(tx, run, kyo.now() + _lease(run))
    report.done += len(kept)
    report.items += sum(document.pages or 1 for _, document, _ in kept)
    report.files += [(version.file_name, document.pages or 1, seconds) for version, document, seconds in kept]


def _cut_batch(kyo: Kyo, run: str, batch: Sequence[Claimed], report: StepReport) -> None:
    started, rows = time.perf_counter(), []
    with kyo.db.transaction(OPERATOR) as tx:
        ours = claims.keep(tx, [version.version_id for version in batch], run, VersionStatus.PARSED)
        for version in batch:
            if version.version_id in ours:
                rows.extend(_cut_one(kyo, tx, version))
        ids = list(ours)
        chunks.replace(tx, rows)
        corpus.add_lexemes(tx, ids)
        corpus.weigh(tx, ids)
        share = (time.perf_counter() - started) / len(batch)
        claims.advance(tx, ids, run, VersionStatus.PARSED, VersionStatus.CHUNKED, share)
        claims.renew(tx, run, kyo.now() + _lease(run))
    report.done += len(ids)
    report.items += len(rows)
    report.tokens += sum(piece.tokens for _, piece, _ in rows)


def _cut_one(kyo: Kyo, tx: Transaction, version: Claimed) -> list[tuple[UUID, Chunk, str]]:
    size, overlap = _chunk_size(kyo), kyo.settings.CHUNK_OVERLAP
    # The settings keep the overlap below CHUNK_SIZE, but not below what a model that reads little leaves of it.
    pieces = chunk(
        texts.load(tx, version.version_id), kyo.embedder.tokenizer, size, overlap if overlap < size else size // 4
    )
    return [
        (version.version_id, piece, indexed_text(version.title, piece.heading_path, piece.text)) for piece in pieces
    ]


def _chunk_size(kyo: Kyo) -> int:
    """CHUNK_SIZE, or less where the model reads less once title and headings stand in front."""
    reads = kyo.embedder.spec.max_tokens
    wanted = kyo.settings.CHUNK_SIZE
    return wanted if reads is None else min(wanted, max(reads - PLACE_TOKENS, reads // 2))


def _embed_group(
    kyo: Kyo, run: str, embedding_set: EmbeddingSet, version_ids: Sequence[UUID], report: StepReport
) -> None:
    started = time.perf_counter()
    with kyo.db.transaction(OPERATOR) as tx:
        waiting = chunks.texts_of(tx, version_ids)
    # No transaction is open while the model works: a remote one may take minutes.
    vectors = kyo.embedder.embed_passages(
        [indexed_text(piece.title, piece.heading_path, piece.text) for piece in waiting]
    )
    with kyo.db.transaction(OPERATOR) as tx:
        ours = claims.keep(tx, version_ids, run, VersionStatus.CHUNKED)
        kept = [place for place, piece in enumerate(waiting) if piece.version_id in ours]
        chunks.replace_vectors(tx, embedding_set.id, [waiting[place].id for place in kept], vectors[kept])
        share = (time.perf_counter() - started) / len(version_ids)
        claims.advance(tx, list(ours), run, VersionStatus.CHUNKED, VersionStatus.EMBEDDED, share)
        claims.renew(tx, run, kyo.now() + _lease(run))
    report.done += len(ours)
    report.items += len(kept)


def _wait_a_minute(kyo: Kyo, run: str, version_ids: Sequence[UUID]) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        claims.put_back(tx, version_ids, run, VersionStatus.CHUNKED, kyo.now() + timedelta(minutes=1))


def inspect(kyo: Kyo) -> IndexHealth:
    """Count what should never be: for the asset checks."""
    active = ensure_embedding_set(kyo)
    with kyo.db.transaction(OPERATOR) as tx:
        return index_health.inspect(tx, active.id, kyo.now() - STUCK_AFTER)
