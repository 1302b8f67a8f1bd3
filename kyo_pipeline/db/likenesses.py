"""Documents whose texts are much alike."""

from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.likeness import ALIKE, SimilarDocument


def similar(tx: Connection, version_id: UUID, limit: int) -> tuple[SimilarDocument, ...]:
    """Other documents that the actor of `tx` may see, most alike first; nothing of what they may not see."""
    rows = tx.execute(
        text(
            """
            select d.id, d.title, coalesce(c.name, '') as collection, v.number, s.likeness
            from similar_versions(:id, :threshold, :limit) s
            join document_versions v on v.id = s.version_id
            join documents d on d.id = v.document_id
            left join collections c on c.id = d.collection_id  -- a single document may be read without its collection
            order by s.likeness desc, d.id
            """
        ),
        {"id": version_id, "threshold": ALIKE, "limit": limit},
    )
    return tuple(SimilarDocument(row.id, row.title, row.collection, row.number, row.likeness) for row in rows)
