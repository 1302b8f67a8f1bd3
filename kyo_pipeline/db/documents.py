"""Documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db.engine import lock_name, query
from kyo_pipeline.db.like import containing
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, DocumentPage, DocumentState, Review, Version, VersionStatus
from kyo_pipeline.errors import Conflict, NotFound

NO_DOCUMENT = "There is no such document, or none that you may see."
NOT_THEIRS = "There is no such document, or none that you may decide about."


@dataclass(frozen=True)
class Filter:
    """Which documents a listing wants; the defaults leave nothing out that the actor may see.

    `stale`: only those whose review is overdue. `to_decide`: only those that the actor may decide about, each with the
    newest version that is no draft. `theirs`: only those that the actor owns or may decide about. `of_versions`: only
    those with one of these versions, newest or not; the deleted ones too.
    """

    text: str = ""
    state: DocumentState | None = None
    status: VersionStatus | None = None
    review: Review | None = None
    collection: str | None = None
    tag: str | None = None
    owner_id: UUID | None = None
    stale: bool = False
    document_id: UUID | None = None
    of_versions: Sequence[UUID] | None = None
    to_decide: bool = False
    theirs: bool = False
    limit: int = 25
    offset: int = 0


def find(tx: Connection, actor: Actor, wanted: Filter, now: datetime) -> DocumentPage:
    """One page of what the actor may see of the documents that match."""
    rows = tx.execute(
        text(query("list_documents")),
        {
            "actor": actor.id,
            "now": now,
            "text": wanted.text,
            "pattern": containing(wanted.text),
            "state": wanted.state.value if wanted.state else None,
            "status": wanted.status.value if wanted.status else None,
            "review": wanted.review.value if wanted.review else None,
            "collection": wanted.collection,
            "tag": wanted.tag,
            "owner_id": wanted.owner_id,
            "stale": wanted.stale,
            "document_id": wanted.document_id,
            "of_versions": list(wanted.of_versions) if wanted.of_versions is not None else None,
            "to_decide": wanted.to_decide,
            "theirs": wanted.theirs,
            "limit": wanted.limit,
            "offset": wanted.offset,
        },
    ).all()
    return DocumentPage(tuple(_to_document(row) for row in rows), rows[0].total if rows else 0)


def read(
    tx: Connection, actor: Actor, document_id: UUID, now: datetime, state: DocumentState | None = None
) -> Document:
    """One document; a deleted one only with its `state`. Raises `NotFound`."""
    found = find(tx, actor, Filter(document_id=document_id, state=state), now).documents
    if not found:
        raise NotFound(NO_DOCUMENT)
    return found[0]


def add(tx: Connection, collection_id: UUID, owner_id: UUID, title: str, state: DocumentState, now: datetime) -> UUID:
    return UUID(
        str(
            tx.scalar(
                text(
                    """
                    insert into documents (collection_id, owner_id, title, state, created_at, updated_at)
                    values (:collection_id, :owner_id, :title, :state, :now, :now)
                    returning id
                    """
                ),
                {
                    "collection_id": collection_id,
                    "owner_id": owner_id,
                    "title": title,
                    "state": state.value,
                    "now": now,
                },
            )
        )
    )


def lock_by_file_name(tx: Connection, actor: Actor, collection_id: UUID, file_name: str) -> UUID | None:
    """The document that the actor can see here whose newest version has this file name, locked; none that is archived.

    The first lock makes two uploads of one name at the same moment wait for each other.
    """
    lock_name(tx, f"documents.file_name:{collection_id}/{file_name}")
    found: UUID | None = tx.scalar(
        text(
            """
            select d.id
            from document_versions v
            join documents d on d.id = v.document_id
            where v.file_name = :file_name
              and d.collection_id = :collection_id
              and d.state not in ('archived', 'deleted')
              and v.number = (select max(w.number) from document_versions w where w.document_id = d.id)
              and (
                d.current_version_id is not null
                or d.owner_id = :actor
                or d.collection_id in (select accessible_collections(:actor, 'approve'))
              )
            order by d.current_version_id is null, d.created_at
            limit 1
            for no key update of d
            """
        ),
        {
            "collection_id": collection_id,
            "file_name": file_name,
            "actor": actor.id,
        },
    )
    return found


def lock(tx: Connection, document_id: UUID) -> None:
    tx.execute(text("select from documents where id = :id for no key update"), {"id": document_id})


def lock_to_decide(tx: Connection, actor: Actor, document_id: UUID, now: datetime) -> Document:
    """The document as it is, and as it stays until this transaction is over, for somebody who may decide about it.

    Raises `NotFound`, and `Conflict` when it was deleted.
    """
    if not may_decide(tx, actor, document_id):
        raise NotFound(NOT_THEIRS)
    lock(tx, document_id)
    if find(tx, actor, Filter(document_id=document_id, state=DocumentState.DELETED), now).documents:
        raise Conflict("This document was deleted.")
    return read(tx, actor, document_id, now)


def lock_of_versions(tx: Connection, version_ids: Sequence[UUID]) -> None:
    """Lock the documents of these versions. Locks go documents, versions, corpus; any other order may deadlock."""
    tx.execute(
        text(
            """
            select
            from documents
            where id in (select document_id from document_versions where id = any(cast(:ids as uuid[])))
            order by id
            for no key update
            """
        ),
        {"ids": list(version_ids)},
    )


def set_state(tx: Connection, document_id: UUID, state: DocumentState, now: datetime) -> None:
    tx.execute(
        text("update documents set state = :state, updated_at = :now where id = :id"),
        {"id": document_id, "state": state.value, "now": now},
    )


def approve(tx: Connection, document_id: UUID, review_by: date | None, now: datetime) -> None:
    """Approved from now on, until the end of `review_by`; not overdue any more."""
    tx.execute(
        text(
            """
            update documents
            set state = 'approved', review_by = :review_by, stale_since = null, updated_at = :now
            where id = :id
            """
        ),
        {"id": document_id, "review_by": review_by, "now": now},
    )


def put_in_review(tx: Connection, document_id: UUID, now: datetime) -> None:
    """A new version has come: what is not approved waits for review; what is stays approved as it is."""
    tx.execute(
        text(
            """
            update documents
            set updated_at = :now, state = case when state = 'approved' then state else 'in_review' end
            where id = :id
            """
        ),
        {"id": document_id, "now": now},
    )


def may_decide(tx: Connection, actor: Actor, document_id: UUID) -> bool:
    """Whether the actor may approve, and decide all else, in the collection of a document."""
    return has_access(tx, actor.id, document_id, Access.APPROVE)


def has_access(tx: Connection, person_id: UUID, document_id: UUID, access: Access) -> bool:
    """Whether somebody has this access to the collection of a document."""
    return bool(
        tx.scalar(
            text(
                """
                select exists (
                  select
                  from documents
                  where id = :id and collection_id in (select accessible_collections(:person, :access))
                )
                """
            ),
            {"id": document_id, "person": person_id, "access": access.value},
        )
    )


def count_approvers(tx: Connection, document_id: UUID) -> int:
    """How many people may approve in the document's collection, the operator not counted."""
    count = tx.scalar(text("select count_approvers(collection_id) from documents where id = :id"), {"id": document_id})
    return int(count or 0)


def current_version(tx: Connection, document_id: UUID) -> tuple[UUID, ...]:
    """The version that answers questions, or nothing."""
    return tuple(
        tx.scalars(
            text("select current_version_id from documents where id = :id and current_version_id is not null"),
            {"id": document_id},
        )
    )


def answering_file_names(tx: Connection) -> dict[UUID, str]:
    """Of each document that answers questions, what the file of the version is called that it does so with."""
    rows = tx.execute(
        text(
            """
            select d.id, v.file_name
            from documents d
            join document_versions v on v.id = d.current_version_id
            where d.state = 'approved'
            """
        )
    )
    return {row.id: row.file_name for row in rows}


def _to_document(row: Row[Any]) -> Document:
    return Document(
        id=row.id,
        title=row.title,
        collection=row.collection,
        owner_name=row.owner_name,
        state=DocumentState(row.state),
        created_at=row.created_at,
        searchable=row.searchable,
        restricted=row.restricted,
        current_number=row.current_number,
        latest=to_version(row),
        owner_id=row.owner_id,
        tags=tuple(row.tags),
        review_by=row.review_by,
        stale_since=row.stale_since,
        deleted_at=row.deleted_at,
        deleted_by_name=row.deleted_by_name,
    )


def to_version(row: Row[Any]) -> Version:
    return Version(
        id=row.version_id,
        number=row.number,
        file_name=row.file_name,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        status=VersionStatus(row.status),
        review=Review(row.review),
        error=row.error,
        pages=row.pages,
        chunks=row.chunk_count,
        uploaded_by=row.uploaded_by,
        uploaded_by_name=row.uploaded_by_name,
        uploaded_at=row.uploaded_at,
        ready_at=row.ready_at,
        in_progress=row.in_progress,
        review_reason=row.review_reason,
        reviewed_by_name=row.reviewed_by_name,
        reviewed_at=row.reviewed_at,
        empty_pages=row.empty_pages,
        ocr_pages=row.ocr_pages,
        kept_vectors=row.kept_vectors,
        reprocess_of=row.reprocess_of,
    )
