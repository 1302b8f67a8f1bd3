"""Knowledge gaps, as far as the actor may see their questions; never whose those are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.gaps import (
    AboutDocument,
    Deed,
    Gap,
    GapEvent,
    GapKind,
    GapQuestion,
    GapRun,
    GapState,
    Result,
    Trend,
)
from kyo_pipeline.errors import NotFound

NO_GAP = "There is no such knowledge gap, or none whose questions you may see."

_GAPS = """
    select l.*, owner.name as owner, d.title as document_title
    from list_gaps(:now, :id) l
    left join people owner on owner.id = l.owner_id
    left join documents d on d.id = l.document_id
"""


def find_all(tx: Connection, now: datetime) -> tuple[Gap, ...]:
    """All that the actor may see, in no order."""
    return tuple(_gap(row) for row in tx.execute(text(_GAPS), {"now": now, "id": None}))


def read(tx: Connection, gap_id: UUID, now: datetime) -> Gap:
    """Raises `NotFound`."""
    row = tx.execute(text(_GAPS), {"now": now, "id": gap_id}).one_or_none()
    if row is None:
        raise NotFound(NO_GAP)
    return _gap(row)


def lock(tx: Connection, gap_id: UUID) -> GapState:
    """Until the end of the transaction nobody else changes it. Raises `NotFound`."""
    state = tx.scalar(text("select state from gaps where id = :id for no key update"), {"id": gap_id})
    if state is None:
        raise NotFound(NO_GAP)
    return GapState(state)


def questions(tx: Connection, gap_id: UUID) -> tuple[GapQuestion, ...]:
    """The most central first."""
    rows = tx.execute(
        text(
            """
            select q.question_id, q.question, q.asked_at, q.kind, r.result, r.asked_at as again_at
            from questions_of_gap(:id) with ordinality as q(question_id, question, asked_at, kind, rank)
            left join gap_replies r on r.question_id = q.question_id and r.gap_id = :id
            order by q.rank
            """
        ),
        {"id": gap_id},
    )
    return tuple(
        GapQuestion(
            row.question_id,
            row.question,
            row.asked_at,
            GapKind(row.kind),
            Result(row.result) if row.result else None,
            row.again_at,
        )
        for row in rows
    )


def documents(tx: Connection, actor: Actor, gap_id: UUID) -> tuple[AboutDocument, ...]:
    """Those that the actor may read and that answer questions still, the most frequent first."""
    rows = tx.execute(
        text(
            """
            select d.id, d.current_version_id, d.title, about.questions
            from documents_of_gap(:id) about
            join documents d on d.id = about.document_id
            where d.state = 'approved' and d.current_version_id is not null and may_read_document(:actor, d.id)
            order by about.questions desc, d.title, d.id
            """
        ),
        {"id": gap_id, "actor": actor.id},
    )
    return tuple(AboutDocument(row.id, row.current_version_id, row.title, row.questions) for row in rows)


def events(tx: Connection, gap_id: UUID) -> tuple[GapEvent, ...]:
    """The newest first."""
    rows = tx.execute(
        text(
            """
            select e.at, e.deed, e.reason, e.count as questions, actor.name as actor, owner.name as owner, d.title
            from gap_events e
            join people actor on actor.id = e.actor_id
            left join people owner on owner.id = e.owner_id
            left join documents d on d.id = e.document_id
            where e.gap_id = :id
            order by e.id desc
            """
        ),
        {"id": gap_id},
    )
    return tuple(
        GapEvent(row.at, row.actor, Deed(row.deed), row.owner, row.title, row.reason, row.questions) for row in rows
    )


def owners(tx: Connection, gap_id: UUID) -> tuple[tuple[UUID, str], ...]:
    """Id and name of everybody who may see to it."""
    return tuple((row.id, row.name) for row in tx.execute(text("select * from owners_for_gap(:id)"), {"id": gap_id}))


def assign(tx: Connection, gap_id: UUID, owner_id: UUID | None) -> None:
    tx.execute(text("update gaps set owner_id = :owner where id = :id"), {"id": gap_id, "owner": owner_id})


def set_state(
    tx: Connection, gap_id: UUID, state: GapState, reason: str, document_id: UUID | None, now: datetime
) -> None:
    tx.execute(
        text(
            """
            update gaps
            set state = :state, reason = :reason, document_id = :document, changed_at = :now
            where id = :id
            """
        ),
        {"id": gap_id, "state": state.value, "reason": reason, "document": document_id, "now": now},
    )


def note(
    tx: Connection,
    actor: Actor,
    gap_id: UUID,
    deed: Deed,
    now: datetime,
    *,
    owner_id: UUID | None = None,
    document_id: UUID | None = None,
    reason: str = "",
) -> None:
    """Put a deed into the gap's history."""
    tx.execute(
        text(
            """
            insert into gap_events (gap_id, at, actor_id, deed, owner_id, document_id, reason)
            values (:gap, :now, :actor, :deed, :owner, :document, :reason)
            """
        ),
        {
            "gap": gap_id,
            "now": now,
            "actor": actor.id,
            "deed": deed.value,
            "owner": owner_id,
            "document": document_id,
            "reason": reason,
        },
    )


def keep_replies(tx: Connection, actor: Actor, gap_id: UUID, results: Mapping[UUID, Result], now: datetime) -> None:
    """What came when questions were asked again, in place of what came before; of those that are still there."""
    tx.execute(
        text(
            """
            insert into gap_replies (question_id, gap_id, result, asked_by, asked_at)
            select r.question, :gap, r.result, :actor, :now
            from unnest(cast(:questions as uuid[]), cast(:results as text[])) as r(question, result)
            where r.question in (select question_id from questions_of_gap(:gap))
            order by r.question
            on conflict (question_id) do update
            set gap_id = excluded.gap_id, result = excluded.result, asked_by = excluded.asked_by,
              asked_at = excluded.asked_at
            """
        ),
        {
            "gap": gap_id,
            "actor": actor.id,
            "now": now,
            "questions": list(results),
            "results": [result.value for result in results.values()],
        },
    )


def last_run(tx: Connection) -> GapRun | None:
    row = tx.execute(text("select at, questions, gaps from gap_runs order by at desc, id desc limit 1")).one_or_none()
    return None if row is None else GapRun(row.at, row.questions, row.gaps)


def _gap(row: Row[Any]) -> Gap:
    return Gap(
        id=row.gap_id,
        state=GapState(row.state),
        label=row.label,
        not_found=row.not_found,
        disliked=row.disliked,
        doubtful=row.doubtful,
        people=row.people,
        first_asked=row.first_asked,
        last_asked=row.last_asked,
        trend=Trend(row.last_week, row.week_before, row.last_month, row.month_before),
        asked_since=row.asked_since,
        collections=tuple(row.collections),
        owner_id=row.owner_id,
        owner=row.owner,
        document_id=row.document_id,
        document_title=row.document_title,
        reason=row.reason,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
