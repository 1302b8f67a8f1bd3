"""Whether the index and the file store are sound, and what can be put right when they are not.

Needs a `Kyo` with the rights of the pipeline: vectors are nobody else's to look at.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from kyo_pipeline.db import audit, corpus, embedding_sets, index_health, reprocessing, versions
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.index_health import FileOf, Unsound
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.embedding_sets import SetState
from kyo_pipeline.domain.findings import Ailment, Finding, Repair
from kyo_pipeline.errors import NotFound
from kyo_pipeline.kyo import Kyo

#: Bytes are stored before their version: what is younger may belong to an upload that is under way.
OLD_ENOUGH = timedelta(hours=1)
_EXAMPLES = 10
#: Sets that have vectors.
_STANDING = (SetState.BUILDING, SetState.READY, SetState.ACTIVE, SetState.RETIRED)


def check_index(kyo: Kyo, actor: Actor) -> tuple[Finding, ...]:
    """What must hold of versions, their chunks and vectors, and that the bytes of each version are there."""
    actor.require(Permission.STATUS_READ)
    with kyo.db.transaction(actor) as tx:
        active = embedding_sets.active(tx)
        unsound = index_health.unsound_versions(tx, active)
        stray = sum(index_health.stray_vectors(tx, one.id) for one in embedding_sets.in_state(tx, *_STANDING))
        miscounted = index_health.miscounted(tx)
        looked_at = index_health.count_looked_at(tx, active.cutting_id if active else None)
        wanted = index_health.files(tx)
    return (
        *_of_versions(kyo, unsound, *looked_at),
        Finding(Ailment.STRAY_VECTORS, stray, "Vectors that belong to no chunk.", repairable=stray),
        Finding(
            Ailment.STATISTICS,
            miscounted,
            "The totals that rank by words are wrong by so many chunks and words.",
            repairable=miscounted,
        ),
        _of_missing(kyo, actor, wanted),
    )


def check_store(kyo: Kyo, actor: Actor, *, deep: bool = False) -> tuple[Finding, ...]:
    """What is in the file store and should not be; with `deep`, every file is read to see whether it is whole."""
    actor.require(Permission.STATUS_READ)
    before = kyo.now() - OLD_ENOUGH
    with kyo.db.transaction(actor) as tx:
        wanted = index_health.files(tx)
    orphans = _orphans(kyo, wanted, before)
    leftovers = kyo.files.leftovers(before)
    return (
        Finding(
            Ailment.ORPHANS,
            len(orphans),
            "Files in the store that no document has.",
            tuple(orphans[:_EXAMPLES]),
            repairable=len(orphans),
        ),
        Finding(Ailment.LEFTOVERS, leftovers, "Files whose writing was cut off.", repairable=leftovers),
        *([_of_damaged(kyo, wanted)] if deep else []),
    )


def repair(kyo: Kyo, actor: Actor, *, deep: bool = False) -> tuple[Repair, ...]:
    """Put right what can be, each deed on record; what the pipeline has to do for it waits for the pipeline.

    A version that answers questions is read again beside the one that does so; others are cut again from the text that
    they have. Nothing is removed that a document has.
    """
    actor.require(Permission.DOCUMENT_REPROCESS)
    with kyo.db.transaction(actor) as tx:
        active = embedding_sets.active(tx)
        unsound = index_health.unsound_versions(tx, active)
        wanted = index_health.files(tx)
    done = (
        _read_again(kyo, actor, unsound),
        _repair_corpus(kyo, actor, active, unsound),
        _set_damaged_aside(kyo, actor, wanted) if deep else None,
        _remove_orphans(kyo, actor, wanted),
        _remove_leftovers(kyo, actor),
    )
    return tuple(one for part in done if part for one in part if one.done)


# Looking ----------------------------------------------------------------------------------------------------------


def _of_versions(kyo: Kyo, unsound: Sequence[Unsound], versions: int, chunks: int) -> Iterable[Finding]:
    """The four things that may be wrong with a version, out of so many versions and chunks."""

    def finding(
        ailment: Ailment, looked_at: int, message: str, amount: Callable[[Unsound], int], *, by_reading: bool = True
    ) -> Finding:
        affected = [(version, amount(version)) for version in unsound if amount(version)]
        mended = [many for version, many in affected if not by_reading or _can_be_read_again(kyo, version)]
        lines = tuple(f"{_named(version)}: {many}" for version, many in affected[:_EXAMPLES])
        return Finding(ailment, sum(many for _, many in affected), message, lines, sum(mended), looked_at)

    return (
        finding(
            Ailment.NOT_READY,
            versions,
            "Documents answer questions with a version that is not ready, or not approved.",
            lambda version: version.is_not_ready,
        ),
        finding(
            Ailment.CHUNKS,
            versions,
            "Versions are ready and lack chunks. Read them again.",
            lambda version: version.lacks_chunks,
        ),
        finding(
            Ailment.VECTORS,
            chunks,
            "Chunks of ready versions have no vector. Read their documents again.",
            lambda version: version.without_vector,
        ),
        finding(
            Ailment.WEIGHTS,
            chunks,
            "Chunks of ready versions have no weights for search by words.",
            lambda version: version.without_weights,
            by_reading=False,
        ),
    )


def _of_missing(kyo: Kyo, actor: Actor, wanted: Sequence[FileOf]) -> Finding:
    missing = [file for file in wanted if not _is_there(kyo, file.sha256)]
    if missing:
        with kyo.db.transaction(actor) as tx:  # once more: their documents may have been deleted meanwhile
            missing = [file for file in missing if versions.digest_in_use(tx, file.sha256)]
    message = (
        "The bytes of files are gone. What was read of them still answers questions. Upload the same files once more: "
        "they take their place, and no new version is made."
    )
    examples = tuple(map(_named, missing[:_EXAMPLES]))
    return Finding(Ailment.FILES, len(missing), message, examples, looked_at=len(wanted))


def _of_damaged(kyo: Kyo, wanted: Sequence[FileOf]) -> Finding:
    damaged = _damaged(kyo, wanted)
    message = (
        "Files have changed since they were uploaded. Repairing puts them aside; then upload the same files once more."
    )
    return Finding(Ailment.DAMAGE, len(damaged), message, tuple(map(_named, damaged[:_EXAMPLES])), len(damaged))


def _damaged(kyo: Kyo, wanted: Sequence[FileOf]) -> list[FileOf]:
    return [file for file in wanted if _is_there(kyo, file.sha256) and not kyo.files.is_whole(file.sha256)]


def _orphans(kyo: Kyo, wanted: Sequence[FileOf], before: datetime) -> list[str]:
    known = {file.sha256 for file in wanted}
    return [file.sha256 for file in kyo.files.stored() if file.sha256 not in known and file.stored_at < before]


def _is_there(kyo: Kyo, sha256: str) -> bool:
    try:
        kyo.files.path(sha256)
    except NotFound:
        return False
    return True


def _can_be_read_again(kyo: Kyo, version: Unsound) -> bool:
    if version.answers:  # the new reading is no more approved than this one
        return version.is_approved and _is_there(kyo, version.sha256)
    return version.is_aside


def _named(version: Unsound | FileOf) -> str:
    return f"“{version.title}” version {version.number} ({version.file_name}), document {version.document_id}"


# Putting right ----------------------------------------------------------------------------------------------------


def _read_again(kyo: Kyo, actor: Actor, unsound: Sequence[Unsound]) -> Iterable[Repair]:
    """A transaction each: one that somebody works on at this moment does not keep the others from being repaired."""
    broken = [one for one in unsound if one.is_not_ready or one.lacks_chunks or one.without_vector]
    again = restarted = 0
    for version in broken:
        if not _can_be_read_again(kyo, version):
            continue
        with kyo.db.transaction(actor) as tx:
            if version.answers:
                done = reprocessing.requeue(tx, actor, version.document_id, kyo.now(), even_under_way=False)
                again += done.again is not None
            else:
                versions.lock(tx, version.id)
                index_health.cut_again(tx, [version.id])
                audit.record(tx, actor, Event.DOCUMENT_REPROCESS, version.id, kyo.now(), {"from": "text"})
                versions.announce_work(tx)
                restarted += 1
    return (
        Repair(Ailment.CHUNKS, again, "documents are read again; the new reading takes the place of the damaged one"),
        Repair(Ailment.CHUNKS, restarted, "versions that answer no questions now are cut and embedded again"),
    )


def _repair_corpus(kyo: Kyo, actor: Actor, active: EmbeddingSet | None, unsound: Sequence[Unsound]) -> Iterable[Repair]:
    unweighed = [version.id for version in unsound if version.without_weights]
    with kyo.db.transaction(actor) as tx:
        corpus.lock(tx)
        stray = sum(index_health.delete_stray_vectors(tx, one.id) for one in embedding_sets.in_state(tx, *_STANDING))
        if unweighed and active is not None:
            corpus.add_lexemes(tx, unweighed)
            corpus.weigh(tx, unweighed, active.cutting_id)
        wrong = index_health.recount(tx)
        if stray or unweighed or wrong:
            details = {"stray_vectors": stray, "versions_weighed": len(unweighed), "miscounted": wrong}
            audit.record(tx, actor, Event.CORPUS_REPAIR, "corpus", kyo.now(), details)
    return (
        Repair(Ailment.STRAY_VECTORS, stray, "vectors without a chunk are removed"),
        Repair(Ailment.WEIGHTS, len(unweighed), "versions have their weights for search by words"),
        Repair(Ailment.STATISTICS, wrong, "statistics of search by words are counted anew"),
    )


def _set_damaged_aside(kyo: Kyo, actor: Actor, wanted: Sequence[FileOf]) -> Iterable[Repair]:
    damaged = _damaged(kyo, wanted)
    for file in damaged:
        with kyo.db.transaction(actor) as tx:
            versions.lock_digest(tx, file.sha256)
            audit.record(tx, actor, Event.FILE_SET_ASIDE, file.sha256, kyo.now(), {"file_name": file.file_name})
            kyo.files.set_aside(file.sha256)
    return (Repair(Ailment.DAMAGE, len(damaged), "damaged files are put aside; upload them once more"),)


def _remove_orphans(kyo: Kyo, actor: Actor, wanted: Sequence[FileOf]) -> Iterable[Repair]:
    removed = 0
    for sha256 in _orphans(kyo, wanted, kyo.now() - OLD_ENOUGH):
        with kyo.db.transaction(actor) as tx:
            removed += _remove_orphan(kyo, tx, actor, sha256)
    return (Repair(Ailment.ORPHANS, removed, "files that no document has are removed"),)


def _remove_orphan(kyo: Kyo, tx: Transaction, actor: Actor, sha256: str) -> bool:
    """Asked once more, now that nobody can be storing it: somebody may have uploaded these bytes meanwhile."""
    versions.lock_digest(tx, sha256)
    if versions.digest_in_use(tx, sha256):
        return False
    audit.record(tx, actor, Event.FILE_REMOVE, sha256, kyo.now(), {"why": "no document has it"})
    kyo.files.remove(sha256)
    return True


def _remove_leftovers(kyo: Kyo, actor: Actor) -> Iterable[Repair]:
    before = kyo.now() - OLD_ENOUGH
    if not (found := kyo.files.leftovers(before)):
        return ()
    with kyo.db.transaction(actor) as tx:
        audit.record(tx, actor, Event.FILE_REMOVE, "leftovers", kyo.now(), {"files": found})
        removed = kyo.files.remove_leftovers(before)
    return (Repair(Ailment.LEFTOVERS, removed, "files whose writing was cut off are removed"),)
