"""New versions: the document that a file belongs to, others with the same bytes, drafts and what becomes of them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db import audit, documents, versions
from kyo_pipeline.db.versions import VersionRow
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.documents import DocumentState, Review
from kyo_pipeline.errors import Conflict, NotAllowed, NotFound

_NOT_YOURS = "You may read this document, but not replace it. Ask its owner, or somebody who may approve it."


@dataclass(frozen=True)
class NewFile:
    """A file whose bytes are stored. `was_locked`: it came with a password, and was stored without."""

    name: str
    sha256: str
    size_bytes: int
    media_type: str
    draft: bool
    was_locked: bool


@dataclass(frozen=True)
class Place:
    """Where a file goes: into a collection, or, with `document_id`, to one document in it."""

    collection_id: UUID
    collection: str
    document_id: UUID | None = None


def place_of(tx: Connection, actor: Actor, document_id: UUID) -> Place:
    """That of a document, for somebody who may upload a new version of it. Of a restricted one, not everybody may.

    Raises `NotFound`, `NotAllowed`, `Conflict`.
    """
    row = tx.execute(
        text(
            """
            select d.collection_id, c.name, d.state,
              d.collection_id in (select accessible_collections(:actor, 'approve'))
              or (
                d.collection_id in (select accessible_collections(:actor, 'write'))
                and (d.owner_id = :actor or not d.restricted)
              ) as may_replace
            from documents d
            left join collections c on c.id = d.collection_id  -- a single document may be read without its collection
            where d.id = :id
              and may_read_document(:actor, d.id)
              and (
                d.current_version_id is not null
                or d.owner_id = :actor
                or d.collection_id in (select accessible_collections(:actor, 'approve'))
              )
            """
        ),
        {"id": document_id, "actor": actor.id},
    ).one_or_none()
    if row is None:
        raise NotFound(documents.NO_DOCUMENT)
    refuse_ended(DocumentState(row.state))
    if not row.may_replace:
        raise NotAllowed(_NOT_YOURS)
    return Place(row.collection_id, row.name, document_id)


def refuse_ended(state: DocumentState) -> None:
    """Raise `Conflict` when nothing new comes of a document."""
    if state is DocumentState.ARCHIVED:
        raise Conflict("This document is archived. Have it restored, or upload the file as a document of its own.")
    if state is DocumentState.DELETED:
        raise Conflict("This document was deleted. Upload the file as a document of its own.")


def lock_document(tx: Connection, actor: Actor, place: Place, file_name: str) -> UUID | None:
    """The document that a file with this name becomes a new version of, locked; None when it is the first one."""
    if place.document_id is None:
        return documents.lock_by_file_name(tx, actor, place.collection_id, file_name)
    documents.lock(tx, place.document_id)
    return place_of(tx, actor, place.document_id).document_id  # once more: it may have been archived in between


def add(tx: Connection, actor: Actor, place: Place, document_id: UUID | None, file: NewFile, now: datetime) -> UUID:
    """Append a version, to a new document where there is none yet; returns the document.

    Needs the locks on the document and on the digest.
    """
    if document_id is None:
        state = DocumentState.DRAFT if file.draft else DocumentState.IN_REVIEW
        document_id = documents.add(tx, place.collection_id, actor.id, _title(file.name), state, now)
    version_id = versions.add(
        tx,
        document_id,
        file_name=file.name,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        media_type=file.media_type,
        uploaded_by=actor.id,
        now=now,
        review=Review.DRAFT if file.draft else Review.PENDING,
    )
    if not file.draft:
        documents.put_in_review(tx, document_id, now)
    details: dict[str, object] = {"file_name": file.name, "sha256": file.sha256, "bytes": file.size_bytes}
    details |= {"collection": place.collection}
    details |= {"draft": True} if file.draft else {}
    details |= {"unlocked": True} if file.was_locked else {}
    audit.record(tx, actor, Event.DOCUMENT_UPLOAD, version_id, now, details)
    return document_id


def same_elsewhere(tx: Connection, sha256: str, document_id: UUID) -> UUID | None:
    """Another document whose newest version, as the actor of `tx` knows it, has these bytes; approved ones first."""
    found: UUID | None = tx.scalar(
        text(
            """
            select d.id
            from document_versions v
            join documents d on d.id = v.document_id
            where v.sha256 = :sha256
              and d.id <> :document_id
              and d.state <> 'deleted'
              and may_see_version(v.id)
              and not exists (
                select
                from document_versions w
                where w.document_id = d.id and w.number > v.number and may_see_version(w.id)
              )
            order by d.state <> 'approved', d.created_at, d.id
            limit 1
            """
        ),
        {"sha256": sha256, "document_id": document_id},
    )
    return found


def submit(tx: Connection, actor: Actor, version: VersionRow, now: datetime) -> None:
    """A draft waits for a decision from now on. Needs the lock on the document."""
    tx.execute(
        text("update document_versions set review = 'pending' where id = :id and review = 'draft'"),
        {"id": version.id},
    )
    documents.put_in_review(tx, version.document_id, now)
    audit.record(tx, actor, Event.DOCUMENT_SUBMIT, version.id, now)


def _title(file_name: str) -> str:
    return PurePath(file_name).stem.replace("_", " ").strip() or file_name
