"""The documents that came nearest to a question which was not answered."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import NearDocument
from kyo_pipeline.domain.retrieval import Passage


def add(tx: Connection, answer_id: UUID, passages: Sequence[Passage]) -> None:
    """The documents of these passages, nearest first; without those that could be read a moment ago only."""
    tx.execute(
        text(
            """
            insert into near_documents (answer_id, rank, document_id)
            select :answer_id, n.rank, n.document_id
            from unnest(cast(:documents as uuid[])) with ordinality as n(document_id, rank)
            join documents d on d.id = n.document_id
            """
        ),
        {"answer_id": answer_id, "documents": [passage.document_id for passage in passages]},
    )


def of_answer(tx: Connection, actor: Actor, answer_id: UUID) -> tuple[NearDocument, ...]:
    """Those that the actor may read and that still answer questions, nearest first."""
    rows = tx.execute(
        text(
            """
            select d.id as document_id, d.current_version_id as version_id, d.title, owner.name as owner
            from near_documents n
            join documents d on d.id = n.document_id
            join people owner on owner.id = d.owner_id
            where n.answer_id = :id
              and d.state = 'approved'
              and d.current_version_id is not null
              and may_read_document(:actor, d.id)
            order by n.rank
            """
        ),
        {"id": answer_id, "actor": actor.id},
    )
    return tuple(NearDocument(row.document_id, row.version_id, row.title, row.owner) for row in rows)
