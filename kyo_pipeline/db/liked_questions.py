"""Questions with answers that people found helpful. For scoring alone: nobody is shown a question of somebody else."""

from sqlalchemy import Connection, text

from kyo_pipeline.domain.known_questions import KnownQuestion, of_documents


def newest(tx: Connection, limit: int) -> tuple[KnownQuestion, ...]:
    """With the documents that their answers cite, as far as those answer questions still; the newest first.

    Needs the pipeline's database role, and gives nothing to anybody but an admin or the operator.
    """
    rows = tx.execute(text("select question, document_ids from liked_questions(:limit)"), {"limit": limit})
    return tuple(of_documents(row.question, row.document_ids) for row in rows)
