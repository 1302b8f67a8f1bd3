"""Reading documents again from the bytes that they have: after other settings, a better parser, or damage."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from kyo_pipeline.db import collections, reprocessing
from kyo_pipeline.db.reprocessing import Candidate, Requeued
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.collections import MAX_NAME_LENGTH
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, Forbidden, Invalid, NotFound
from kyo_pipeline.kyo import Kyo

DOCUMENTS_A_PAGE = 500

_NO_FILE = "The bytes of its file are not in the file store. Upload the file again, as a new version of this document."
_NO_DOCUMENT = "There is no such document, or it is archived or deleted."


@dataclass(frozen=True)
class Skipped:
    """A document that could not be sent through the pipeline again, and the sentence that says why."""

    document_id: UUID
    title: str
    reason: str


@dataclass(frozen=True)
class Reprocessed:
    """Of how many documents the approved version is read again, and of how many one that never answered questions.

    `waiting` counts those that wait already, or of which nothing can be read, such as what was rejected.
    """

    again: int
    restarted: int
    waiting: int
    skipped: tuple[Skipped, ...]


def reprocess(
    kyo: Kyo,
    actor: Actor,
    *,
    document_id: UUID | None = None,
    collection: str | None = None,
    everything: bool = False,
) -> Reprocessed:
    """Send one document, a collection or everything through the pipeline again; archived documents are left out.

    What answers questions goes on answering until the new reading takes its place. May be interrupted, and done again:
    what waits already is not sent twice. Raises `Invalid` unless exactly one of the three is said, `NotFound`.
    """
    actor.require(Permission.DOCUMENT_REPROCESS)
    if sum((document_id is not None, collection is not None, everything)) != 1:
        raise Invalid("Say what is to be read again: one document, one collection, or everything.")
    name = storable(collection) if collection is not None else None
    if name is not None:
        _require_collection(kyo, actor, name)
    again = restarted = waiting = 0
    skipped: list[Skipped] = []
    for candidate in _candidates(kyo, actor, document_id, name):
        done = _again(kyo, actor, candidate)
        if isinstance(done, Skipped):
            skipped.append(done)
            continue
        again += done.again is not None
        restarted += bool(done.restarted)
        waiting += done.again is None and not done.restarted
    if document_id is not None and not (again or restarted or waiting or skipped):
        raise NotFound(_NO_DOCUMENT)
    return Reprocessed(again, restarted, waiting, tuple(skipped))


def _require_collection(kyo: Kyo, actor: Actor, name: str) -> None:
    with kyo.db.transaction(actor) as tx:
        if name not in [found.name for found in collections.accessible(tx, actor, Access.APPROVE)]:
            raise NotFound(f"There is no collection called {name[:MAX_NAME_LENGTH]}.")


def _candidates(kyo: Kyo, actor: Actor, document_id: UUID | None, collection: str | None) -> Iterator[Candidate]:
    after: UUID | None = None
    while True:
        with kyo.db.transaction(actor) as tx:
            page = reprocessing.candidates(
                tx, document_id=document_id, collection=collection, after=after, limit=DOCUMENTS_A_PAGE
            )
        if not page:
            return
        yield from page
        after = page[-1].id


def _again(kyo: Kyo, actor: Actor, candidate: Candidate) -> Requeued | Skipped:
    """One document in a transaction of its own: nobody is held up, and an interruption is harmless."""
    try:
        for digest in candidate.digests:
            kyo.files.path(digest)
    except NotFound:
        return Skipped(candidate.id, candidate.title, _NO_FILE)
    try:
        with kyo.db.transaction(actor) as tx:
            return reprocessing.requeue(tx, actor, candidate.id, kyo.now(), even_under_way=False)
    except (Conflict, Forbidden) as error:  # somebody works on it, has moved or deleted it at this moment
        return Skipped(candidate.id, candidate.title, error.message)
