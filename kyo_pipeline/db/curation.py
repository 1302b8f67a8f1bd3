"""What is said of documents, who may own them, and how they are erased."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.access import PersonName
from kyo_pipeline.domain.actor import OPERATOR_ID, Actor


def change(
    tx: Connection,
    document_id: UUID,
    *,
    title: str,
    owner_id: UUID,
    tags: Sequence[str],
    review_by: date | None,
    now: datetime,
) -> None:
    tx.execute(
        text(
            """
            update documents
            set title = :title, owner_id = :owner_id, tags = :tags, review_by = :review_by, updated_at = :now
            where id = :id
            """
        ),
        {
            "id": document_id,
            "title": title,
            "owner_id": owner_id,
            "tags": list(tags),
            "review_by": review_by,
            "now": now,
        },
    )


def move(tx: Connection, document_id: UUID, collection_id: UUID, now: datetime) -> None:
    tx.execute(
        text("update documents set collection_id = :collection, updated_at = :now where id = :id"),
        {"id": document_id, "collection": collection_id, "now": now},
    )


def erase(tx: Connection, document_id: UUID, now: datetime) -> tuple[str, ...]:
    """Turn a document into a tombstone; returns the digests of its files. For admins.

    Needs the locks on the document and its versions. What it adds to the corpus has been withdrawn before.
    """
    return tuple(tx.scalars(text("select erase_document(:id, :now)"), {"id": document_id, "now": now}))


def possible_owners(tx: Connection, document_id: UUID) -> tuple[PersonName, ...]:
    """Everybody who may write in the document's collection, by name. Needs an actor who may see the document."""
    rows = tx.execute(
        text(
            """
            select p.id, p.username, p.name
            from people p
            join documents d on d.id = :id
            where p.active
              and p.id <> :operator
              and d.collection_id in (select accessible_collections(p.id, 'write'))
            order by lower(p.name), p.username
            """
        ),
        {"id": document_id, "operator": OPERATOR_ID},
    )
    return tuple(PersonName(row.id, row.username, row.name) for row in rows)


def tags(tx: Connection, actor: Actor) -> tuple[str, ...]:
    """The tags of all documents that the actor may see."""
    return tuple(
        tx.scalars(
            text(
                """
                select distinct unnest(d.tags) as tag
                from documents d
                where d.collection_id in (select accessible_collections(:actor, 'approve'))
                  or (
                    d.collection_id in (select accessible_collections(:actor, 'read'))
                    and (d.owner_id = :actor or (d.current_version_id is not null and not d.restricted))
                  )
                  or (d.current_version_id is not null and d.id in (select granted_documents(:actor)))
                order by tag
                """
            ),
            {"actor": actor.id},
        )
    )
