"""What an answer cites: version and offsets, never a position in a list."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Citation, Draft
from kyo_pipeline.domain.parsed import Heading, heading_path_at, page_at
from kyo_pipeline.domain.retrieval import Passage


def add(tx: Connection, answer_id: UUID, draft: Draft, passages: Sequence[Passage]) -> None:
    """Each locks its chunk, in the order of `erase_document`: two orders would wait for each other."""
    for citation in sorted(draft.citations, key=lambda one: passages[one.index].chunk_id):
        passage = passages[citation.index]
        tx.execute(
            text(
                """
                insert into citations
                  (answer_id, marker, version_id, chunk_id, start_offset, end_offset, score)
                values (:answer_id, :marker, :version_id, :chunk_id, :start, :end, :score)
                """
            ),
            {
                "answer_id": answer_id,
                "marker": citation.marker,
                "version_id": passage.version_id,
                "chunk_id": passage.chunk_id,
                "start": citation.start,
                "end": citation.end,
                "score": passage.score,
            },
        )


def hold_documents(tx: Connection, answer_id: UUID, named: UUID | None = None) -> None:
    """Keep what an answer cites, and a document named beside it, as they are until the end of the transaction.

    Before anything about the answer is written, and before it is read: it may be erased meanwhile. Of an answer that
    the actor does not see nothing is held.
    """
    tx.execute(text("select hold_cited_documents(:id, :named)"), {"id": answer_id, "named": named})


def of_answer(tx: Connection, actor: Actor, answer_id: UUID) -> tuple[Citation, ...]:
    """Those of documents that the actor may read, by their markers."""
    return _read(tx, actor, "(select * from citations where answer_id = :id)", answer_id)


def of_item(tx: Connection, actor: Actor, item_id: UUID) -> tuple[Citation, ...]:
    """The same of the answer of a review item, which the actor may look into, and has not asked for."""
    return _read(tx, actor, "feedback_citations(:id)", item_id)


def of_verified(tx: Connection, actor: Actor, verified_id: UUID) -> tuple[Citation, ...]:
    """The same of an answer that was verified, and that the actor looks after."""
    return _read(tx, actor, "(select * from verified_citations where verified_answer_id = :id)", verified_id)


def _read(tx: Connection, actor: Actor, source: str, wanted: UUID) -> tuple[Citation, ...]:
    rows = tx.execute(
        text(
            f"""
            select c.marker, c.chunk_id, d.id as document_id, c.version_id, v.number, d.title, v.file_name,
              v.media_type, v.uploaded_at,
              case when current.sha256 = v.sha256 then v.number else current.number end as current_number,
              d.stale_since is not null and d.state = 'approved' as is_stale,
              d.state = 'deleted' as is_deleted,
              coalesce(t.page_starts, '{{}}') as page_starts, coalesce(t.headings, '[]') as headings,
              coalesce(t.ocr_pages, '{{}}') as ocr_pages,
              c.start_offset, c.end_offset, c.score,
              coalesce(substr(t.text, c.start_offset + 1, c.end_offset - c.start_offset), '') as quote
            from {source} c
            join document_versions v on v.id = c.version_id
            join documents d on d.id = v.document_id
            left join version_texts t on t.version_id = v.id
            left join document_versions current on current.id = d.current_version_id and d.state = 'approved'
            where may_read_document(:actor, d.id)
            order by c.marker
            """  # noqa: S608 — constants
        ),
        {"id": wanted, "actor": actor.id},
    )
    return tuple(
        Citation(
            marker=row.marker,
            chunk_id=row.chunk_id,
            document_id=row.document_id,
            version_id=row.version_id,
            version_number=row.number,
            title=row.title,
            file_name=row.file_name,
            page_from=page_at(row.page_starts, row.start_offset),
            page_to=page_at(row.page_starts, row.end_offset - 1),
            heading_path=heading_path_at([Heading(*heading) for heading in row.headings], row.start_offset),
            start=row.start_offset,
            end=row.end_offset,
            quote=row.quote,
            score=row.score,
            media_type=row.media_type,
            current_number=row.current_number,
            is_stale=row.is_stale,
            from_ocr=page_at(row.page_starts, row.start_offset) in row.ocr_pages,
            is_deleted=row.is_deleted,
            dated=row.uploaded_at,
        )
        for row in rows
    )
