"""Items of work about answers that somebody found unhelpful: see sql/functions/feedback_items.sql."""

from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db import citations
from kyo_pipeline.db.like import containing
from kyo_pipeline.db.questions import to_answer
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.feedback import NamedDocument, Reason
from kyo_pipeline.domain.feedback_items import (
    MOST_COUNTED,
    Decision,
    FeedbackDetail,
    FeedbackItem,
    FeedbackPage,
    Resolution,
    Resolved,
    Reviewed,
)

#: Items that are listed at most: of each it is asked whether the actor may see it.
MOST = 500

_ITEMS = """
    from feedback_items(:id, :closed, :most) i
    join people owner on owner.id = i.owner_id
    left join people closer on closer.id = i.closed_by
    left join documents right_one on right_one.id = i.correct_document_id
"""
_COLUMNS = """
    i.*, owner.name as owner, closer.name as closer, right_one.id as right_id, right_one.title as right_title,
    case right_one.state when 'approved' then right_one.current_version_id end as right_version
"""


def follow(tx: Connection, answer_id: UUID, now: datetime) -> None:
    """Open what follows from the actor's opinion of an answer of theirs, or take it back, unless it is decided."""
    tx.execute(text("select note_feedback(:id, :now)"), {"id": answer_id, "now": now})


def outcome(tx: Connection, answer_id: UUID) -> Reviewed | None:
    """What came of the actor's thumb down; None before anybody has decided."""
    row = tx.execute(
        text("select resolution, closed_at from outcome_of_feedback(:id)"), {"id": answer_id}
    ).one_or_none()
    return None if row is None else Reviewed(Resolution(row.resolution), row.closed_at)


def may_be_source(tx: Connection, actor: Actor, document_id: UUID) -> bool:
    """Whether the actor may read a document, and it answers questions now."""
    return bool(
        tx.scalar(
            text(
                """
                select exists (
                  select
                  from documents
                  where id = :id
                    and state = 'approved'
                    and current_version_id is not null
                    and may_read_document(:actor, id)
                )
                """
            ),
            {"id": document_id, "actor": actor.id},
        )
    )


def find(tx: Connection, *, closed: bool, reason: Reason | None, wanted: str, limit: int, offset: int) -> FeedbackPage:
    """Of those that the actor may look into, the newest first; `wanted` is looked for in questions and titles."""
    rows = tx.execute(
        text(
            f"""
            select {_COLUMNS}, count(*) over () as total
            {_ITEMS}
            where (cast(:reason as text) is null or i.reason = :reason)
              and (cast(:wanted as text) = '' or i.question ilike :pattern or i.title ilike :pattern)
            order by coalesce(i.closed_at, i.opened_at) desc, i.id
            limit :limit
            offset :offset
            """
        ),
        {
            "id": None,
            "closed": closed,
            "most": MOST,
            "reason": reason.value if reason else None,
            "wanted": wanted,
            "pattern": containing(wanted),
            "limit": limit,
            "offset": offset,
        },
    ).all()
    return FeedbackPage(tuple(_to_item(row) for row in rows), rows[0].total if rows else 0)


def count_open(tx: Connection) -> int:
    """Of those that the actor may look into; `MOST_COUNTED` at the most."""
    statement = text("select count(*) from feedback_items(null, false, :most)")
    return int(tx.scalar(statement, {"most": MOST_COUNTED}) or 0)


def read(tx: Connection, actor: Actor, item_id: UUID) -> FeedbackDetail | None:
    """One item with its answer, if the actor may look into it."""
    item = tx.execute(
        text(f"select {_COLUMNS} {_ITEMS}"),
        {"id": item_id, "closed": None, "most": 1},
    ).one_or_none()
    answer = tx.execute(
        text(
            """
            select a.*, null as rating, null as comment, null as conversation_id, null as shared_at
            from feedback_answer(:id) a
            """
        ),
        {"id": item_id},
    ).one_or_none()
    if item is None or answer is None:
        return None
    return FeedbackDetail(_to_item(item), to_answer(answer, citations.of_item(tx, actor, item_id)))


def resolve(tx: Connection, item_id: UUID, decision: Decision, now: datetime) -> Resolved | None:
    """Close an item. None where it is not open any more, or not for the actor."""
    row = tx.execute(
        text(
            """
            select document_id, case_id
            from resolve_feedback_item(:id, :how, :note, cast(:sources as uuid[]), :expected, :now)
            """
        ),
        {
            "id": item_id,
            "how": decision.resolution.value,
            "note": decision.note,
            "sources": list(decision.sources),
            "expected": decision.expected,
            "now": now,
        },
    ).one_or_none()
    return None if row is None else Resolved(row.document_id, row.case_id)


def _to_item(row: Row[Any]) -> FeedbackItem:
    return FeedbackItem(
        id=row.id,
        document_id=row.document_id,
        title=row.title,
        collection=row.collection or "",
        owner_name=row.owner,
        question=row.question,
        standalone=row.standalone,
        asked_on=row.asked_at.astimezone(timezone.utc).date(),
        outcome=Outcome(row.outcome),
        reason=Reason(row.reason) if row.reason else None,
        comment=row.comment or "",
        correct_document=NamedDocument(row.right_id, row.right_title, row.right_version) if row.right_id else None,
        opened_on=row.opened_at.astimezone(timezone.utc).date(),
        closed_at=row.closed_at,
        closed_by_name=row.closer,
        resolution=Resolution(row.resolution) if row.resolution else None,
        note=row.note,
        newer_number=row.newer_number,
        newer_since=row.newer_since,
    )
