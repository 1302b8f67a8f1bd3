"""The organisation's own evaluation set. Row-level security shows people the cases that they may manage."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db.like import containing
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.evaluation_cases import CaseDocument, CasePage, EvaluationCase, Origin
from kyo_pipeline.domain.known_questions import KnownQuestion, of_case

_COLUMNS = """
    c.id, c.question, c.expected_answer, c.origin, c.created_at, c.retired_at,
    creator.name as created_by, retirer.name as retired_by,
    (
      select json_agg(
        json_build_array(d.id, d.title, d.current_version_id, d.state = 'approved' and d.current_version_id is not null)
        order by d.title, d.id
      )
      from evaluation_case_documents l
      join documents d on d.id = l.document_id
      where l.case_id = c.id
    ) as documents
"""


def active(tx: Connection, limit: int) -> tuple[KnownQuestion, ...]:
    """The cases that count, the newest first, with those of their documents that answer questions now.

    Of all collections where the pipeline asks.
    """
    rows = tx.execute(
        text(
            """
            select c.question, array_agg(d.id order by d.id) as documents
            from evaluation_cases c
            join evaluation_case_documents l on l.case_id = c.id
            join documents d on d.id = l.document_id
            where c.retired_at is null and d.state = 'approved' and d.current_version_id is not null
            group by c.id, c.question, c.created_at
            order by c.created_at desc, c.id
            limit :limit
            """
        ),
        {"limit": limit},
    )
    return tuple(of_case(row.question, row.documents) for row in rows)


def find(tx: Connection, *, wanted: str, retired: bool, limit: int, offset: int) -> CasePage:
    """Of those that the actor may manage, the newest first; `wanted` is looked for in the questions."""
    rows = tx.execute(
        text(
            f"""
            select {_COLUMNS}, count(*) over () as total
            from evaluation_cases c
            join people creator on creator.id = c.created_by
            left join people retirer on retirer.id = c.retired_by
            where (c.retired_at is not null) = :retired
              and (cast(:wanted as text) = '' or c.question ilike :pattern)
            order by c.created_at desc, c.id
            limit :limit
            offset :offset
            """  # noqa: S608 — a constant
        ),
        {"wanted": wanted, "pattern": containing(wanted), "retired": retired, "limit": limit, "offset": offset},
    ).all()
    return CasePage(tuple(_to_case(row) for row in rows), rows[0].total if rows else 0)


def all_active(tx: Connection) -> tuple[EvaluationCase, ...]:
    """All cases that count and that the actor may manage, the oldest first."""
    rows = tx.execute(
        text(
            f"""
            select {_COLUMNS}
            from evaluation_cases c
            join people creator on creator.id = c.created_by
            left join people retirer on retirer.id = c.retired_by
            where c.retired_at is null
            order by c.created_at, c.id
            """  # noqa: S608 — a constant
        )
    )
    return tuple(_to_case(row) for row in rows)


def read(tx: Connection, case_id: UUID) -> EvaluationCase | None:
    row = tx.execute(
        text(
            f"""
            select {_COLUMNS}
            from evaluation_cases c
            join people creator on creator.id = c.created_by
            left join people retirer on retirer.id = c.retired_by
            where c.id = :id
            """  # noqa: S608 — a constant
        ),
        {"id": case_id},
    ).one_or_none()
    return None if row is None else _to_case(row)


def add(tx: Connection, question: str, documents: Sequence[UUID], expected: str, now: datetime) -> UUID | None:
    """A case by hand; None where none of the documents answers questions now."""
    found: UUID | None = tx.scalar(
        text("select add_evaluation_case(:question, cast(:documents as uuid[]), :expected, :now)"),
        {"question": question, "documents": list(documents), "expected": expected, "now": now},
    )
    return found


def add_of_answer(tx: Connection, answer_id: UUID, now: datetime) -> UUID | None:
    """A case of an answer that the actor sees; None where they may not make or change it, or nothing cited answers."""
    found: UUID | None = tx.scalar(
        text("select add_evaluation_case_of_answer(:id, :now)"), {"id": answer_id, "now": now}
    )
    return found


def retire(tx: Connection, actor: Actor, case_id: UUID, now: datetime | None) -> bool:
    """Leave a case out from now on, or with None take it in again. Whether that changed anything."""
    changed = tx.execute(
        text(
            """
            update evaluation_cases
            set retired_at = :now, retired_by = case when cast(:now as timestamptz) is null then null else :actor end
            where id = :id and (retired_at is null) = (cast(:now as timestamptz) is not null)
            """
        ),
        {"id": case_id, "actor": actor.id, "now": now},
    )
    return changed.rowcount == 1


def _to_case(row: Row[Any]) -> EvaluationCase:
    return EvaluationCase(
        id=row.id,
        question=row.question,
        expected_answer=row.expected_answer,
        origin=Origin(row.origin),
        documents=tuple(
            CaseDocument(UUID(found), title, None if version is None else UUID(version), answers)
            for found, title, version, answers in row.documents or ()
        ),
        created_by_name=row.created_by,
        created_at=row.created_at,
        retired_at=row.retired_at,
        retired_by_name=row.retired_by,
    )
