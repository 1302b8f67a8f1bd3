"""The pipeline's steps: read, cut, embed, publish. Each claims what waits; it may be killed or run again."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from kyo_pipeline import candidates
from kyo_pipeline.db import chunks, claims, corpus, documents, embedding_sets, embedding_work, texts
from kyo_pipeline.db.claims import Claimed
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.publishing import publish
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.batching import groups
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.domain.languages import language_of_document
from kyo_pipeline.domain.likeness import Signature
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.domain.rechunking import Row, chunk_rows
from kyo_pipeline.errors import Invalid, KyoError, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.serving import with_model

LEASE = timedelta(minutes=15)
#: For a run that nobody watches: what it held, when it is killed, is free after this.
LOCAL_LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 5
VERSIONS_A_TRANSACTION = 50
CHUNKS_A_TRANSACTION = 1000
CHARACTERS_A_TRANSACTION = 500_000
#: So that the lease is renewed while slow files are read.
SECONDS_A_TRANSACTION = 30.0


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
    kept: int = 0  # of the vectors, those of an earlier version: nothing had changed there
    seconds: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)  # (file name, reason)
    files: list[tuple[str, int, float]] = field(default_factory=list)  # (file name, pages, seconds), of reading


def parse(kyo: Kyo, run: str) -> StepReport:
    """Read the text of up to KYO_BATCH_SIZE uploaded files, each in a child process with limits."""
    with _step(kyo, VersionStatus.UPLOADED, run) as (report, claimed):
        files = list(_stored_files(kyo, run, claimed, report))
        done: list[tuple[Claimed, ParsedDocument, float]] = []
        saved_at = time.monotonic()
        for index, result, seconds in kyo.parser.parse_many([file for _, file in files]):
            version = files[index][0]
            if isinstance(result, ParsedDocument) and _has_text(result.text):
                done.append((version, result, seconds))
            else:
                _fail(kyo, run, version, result if isinstance(result, str) else _NO_TEXT, report)
            characters = sum(len(document.text) for _, document, _ in done)
            if characters > CHARACTERS_A_TRANSACTION or time.monotonic() - saved_at > SECONDS_A_TRANSACTION:
                _save_texts(kyo, run, done, report)
                done, saved_at = [], time.monotonic()
        _save_texts(kyo, run, done, report)
    return report


def cut(kyo: Kyo, run: str) -> StepReport:
    """Cut the texts that wait into chunks, and compute what lexical search needs."""
    with _step(kyo, VersionStatus.PARSED, run) as (report, claimed):
        if not claimed:
            return report
        serving = serving_set(kyo)
        by_id = {version.version_id: version for version in claimed}
        sizes = {version.version_id: version.characters for version in claimed}
        for group in groups(sizes, CHARACTERS_A_TRANSACTION):
            _cut_group(kyo, run, serving, [by_id[version_id] for version_id in group], report)
    return report


def embed(kyo: Kyo, run: str) -> StepReport:
    """Embed the chunks that wait. Raises `KyoError` when the model cannot be used; the rest waits for a later run."""
    with _step(kyo, VersionStatus.CHUNKED, run) as (report, claimed):
        if not claimed:
            return report
        serving, ids = serving_set(kyo), [version.version_id for version in claimed]
        with kyo.db.transaction(OPERATOR) as tx:
            again = claims.cut_for_another(tx, ids, run, serving.cutting.name, serving.cutting_id)
            sizes = chunks.counts(tx, [version_id for version_id in ids if version_id not in again])
        for group in groups(sizes, CHUNKS_A_TRANSACTION):
            _embed_group(kyo, run, serving, group, report)
    return report


def publish_ready(kyo: Kyo, run: str) -> StepReport:
    """Make what is embedded ready, and what is approved too searchable, each document in one transaction."""
    with _step(kyo, VersionStatus.EMBEDDED, run) as (report, claimed):
        for start in range(0, len(claimed), VERSIONS_A_TRANSACTION):
            ids = [version.version_id for version in claimed[start : start + VERSIONS_A_TRANSACTION]]
            with kyo.db.transaction(OPERATOR) as tx:
                documents.lock_of_versions(tx, ids)
                # While this lock is held, no other set can begin to answer: what is ready is in the one that does.
                corpus.lock(tx)
                if (active := embedding_sets.active(tx)) is not None:
                    claims.embedded_for_another(tx, ids, run, active.id)
                ready = claims.finish(tx, ids, run, kyo.now())
                embedding_work.add_ready(tx, ready)
                report.items += len(publish(tx, OPERATOR, ready, kyo.now()))
            report.done += len(ready)
    return report


def count_waiting(kyo: Kyo) -> int:
    """How many things some run should take up now: versions, and the BM25 weights when they have drifted."""
    with kyo.db.transaction(OPERATOR) as tx:
        return claims.count_waiting(tx, kyo.now()) + bool(corpus.drifted_lengths(tx))


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


def serving_set(kyo: Kyo) -> EmbeddingSet:
    """The active embedding set, made on first use by the model of the settings.

    While anything is in it, it stays, whatever the settings name: another one is built beside it
    (`services/reembedding.py`).
    """
    with kyo.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
        if active is not None and active.source is not None and not embedding_sets.is_empty(tx, active.id):
            return active
    asked_for = candidates.wanted(kyo)
    with kyo.db.transaction(OPERATOR) as tx:
        corpus.lock(tx)
        embedding_sets.lock(tx)
        return candidates.adopted(tx, asked_for) or candidates.first(kyo, tx, asked_for)


@contextmanager
def _step(kyo: Kyo, status: VersionStatus, run: str) -> Iterator[tuple[StepReport, list[Claimed]]]:
    """Claim what waits with this status, and time what is done with it.

    A `KyoError` is no fault of the files (the database or a model is away, the settings are wrong): what is left waits
    for a minute without a mark against it, and the error goes on to the run.
    """
    report, started = StepReport(), time.perf_counter()
    claimed = _claim(kyo, status, run, report)
    try:
        yield report, claimed
    except KyoError:
        with kyo.db.transaction(OPERATOR) as tx:
            later = kyo.now() + timedelta(minutes=1)
            claims.put_back(tx, [version.version_id for version in claimed], run, status, later)
        raise
    report.seconds = time.perf_counter() - started


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


def _stored_files(
    kyo: Kyo, run: str, claimed: Sequence[Claimed], report: StepReport
) -> Iterator[tuple[Claimed, tuple[Path, str]]]:
    for version in claimed:
        try:
            yield version, (kyo.files.path(version.sha256), version.media_type)
        except NotFound as error:
            _fail(kyo, run, version, error.message, report)


def _has_text(text: str) -> bool:
    """Whether there is anything to see: not only white space and characters without width."""
    return any(character.isprintable() and not character.isspace() for character in text)


def _save_texts(kyo: Kyo, run: str, done: Sequence[tuple[Claimed, ParsedDocument, float]], report: StepReport) -> None:
    signatures = {version.version_id: Signature.of(document.text) for version, document, _ in done}
    with kyo.db.transaction(OPERATOR) as tx:
        ours = claims.keep(tx, [version.version_id for version, _, _ in done], run, VersionStatus.UPLOADED)
        kept = [one for one in done if one[0].version_id in ours]
        for version, document, seconds in kept:
            texts.save(tx, version.version_id, document, signatures[version.version_id])
            claims.advance(tx, [version.version_id], run, VersionStatus.UPLOADED, VersionStatus.PARSED, seconds)
        claims.renew(tx, run, kyo.now() + _lease(run))
    report.done += len(kept)
    report.items += sum(document.pages or 1 for _, document, _ in kept)
    report.files += [(version.file_name, document.pages or 1, seconds) for version, document, seconds in kept]


def _cut_group(kyo: Kyo, run: str, embedding_set: EmbeddingSet, group: Sequence[Claimed], report: StepReport) -> None:
    """Cut some versions together; where the database cannot hold what comes of it, each alone, to find the culprit."""
    started, cutting_id = time.perf_counter(), embedding_set.cutting_id
    with kyo.db.transaction(OPERATOR) as tx:
        # Locked while they are read: a document may be deleted, with its texts, after this run had claimed it.
        held = claims.keep(tx, [version.version_id for version in group], run, VersionStatus.PARSED)
        parsed = [
            (version, texts.load(tx, version.version_id), chunks.previous(tx, version.version_id, cutting_id))
            for version in group
            if version.version_id in held
        ]
    if not parsed:
        return
    # No transaction is open while the texts are cut: nobody has to wait for a long one.
    tokenizer = with_model(kyo, embedding_set).embedder.tokenizer
    rows = [
        row
        for version, document, previous in parsed
        for row in chunk_rows(version.version_id, version.title, document, previous, tokenizer, embedding_set.cutting)
    ]
    languages = {version.version_id: _language(kyo, document) for version, document, _ in parsed}
    try:
        kept = _store_chunks(kyo, run, embedding_set, languages, rows, started)
    except Invalid as error:
        if len(group) == 1:
            _fail(kyo, run, group[0], error.message, report)
            return
        for version in group:
            _cut_group(kyo, run, embedding_set, [version], report)
        return
    report.done += len({version_id for version_id, _, _ in kept})
    report.items += len(kept)
    report.tokens += sum(piece.tokens for _, piece, _ in kept)


def _language(kyo: Kyo, document: ParsedDocument) -> str:
    return language_of_document(kyo.languages.likelihoods(document.text))


def _store_chunks(
    kyo: Kyo,
    run: str,
    embedding_set: EmbeddingSet,
    languages: Mapping[UUID, str],
    rows: Sequence[Row],
    started: float,
) -> list[Row]:
    """Write the chunks of those versions that this run still holds; returns them."""
    with kyo.db.transaction(OPERATOR) as tx:
        ours = claims.keep(tx, list(languages), run, VersionStatus.PARSED)
        kept = [row for row in rows if row[0] in ours]
        spoken = {one: languages[one] for one in ours}
        chunks.replace(tx, kept, embedding_set.cutting_id, embedding_set.cutting.name, spoken)
        corpus.add_lexemes(tx, list(ours))
        corpus.weigh(tx, list(ours), embedding_set.cutting_id)
        share = (time.perf_counter() - started) / len(languages)
        claims.advance(tx, list(ours), run, VersionStatus.PARSED, VersionStatus.CHUNKED, share)
        claims.renew(tx, run, kyo.now() + _lease(run))
    return kept


def _embed_group(
    kyo: Kyo, run: str, embedding_set: EmbeddingSet, version_ids: Sequence[UUID], report: StepReport
) -> None:
    started = time.perf_counter()
    with kyo.db.transaction(OPERATOR) as tx:
        held = list(claims.keep(tx, version_ids, run, VersionStatus.CHUNKED))
        # What is copied now need not be found again, whatever happens: a vector belongs to its chunk for good.
        chunks.keep_vectors(tx, embedding_set.id, embedding_set.cutting_id, held)
        waiting = chunks.waiting(tx, embedding_set.id, embedding_set.cutting_id, held)
    # No transaction is open while the model works: a remote one may take minutes.
    vectors = with_model(kyo, embedding_set).embedder.embed_passages([chunk.indexed_text for chunk in waiting])
    with kyo.db.transaction(OPERATOR) as tx:
        ours = sorted(claims.keep(tx, held, run, VersionStatus.CHUNKED))
        places = [place for place, chunk in enumerate(waiting) if chunk.version_id in ours]
        embedded = [waiting[place] for place in places]
        chunks.replace_vectors(tx, embedding_set.id, [chunk.id for chunk in embedded], vectors[places])
        chunks.correct_digests(tx, embedded)
        kept = chunks.count_kept(tx, ours, embedded)
        share = (time.perf_counter() - started) / len(version_ids)
        claims.advance(tx, ours, run, VersionStatus.CHUNKED, VersionStatus.EMBEDDED, share)
        claims.note_embedded(tx, ours, embedding_set.id)
        claims.renew(tx, run, kyo.now() + _lease(run))
    report.done += len(ours)
    report.items += len(embedded) + kept
    report.kept += kept
