"""Answers that their askers have shared with those who may read the sources."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db import citations
from kyo_pipeline.db.questions import to_answer, to_verification
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import SharedAnswer


def share(tx: Connection, answer_id: UUID, now: datetime | None) -> UUID | None:
    """Share an answer of the actor's own, or with None stop sharing it. Its id, or None where that is not possible."""
    found: UUID | None = tx.scalar(text("select share_answer(:id, :now)"), {"id": answer_id, "now": now})
    return found


def read(tx: Connection, actor: Actor, answer_id: UUID) -> SharedAnswer | None:
    """An answer that is shared, if the actor may read all that it cites, where it stands."""
    row = tx.execute(
        text(
            """
            select a.id, q.id as question_id, q.text as question, q.asked_at, a.text, a.outcome, a.generator, a.model,
              a.timings, a.prompt_tokens, a.completion_tokens, a.findings,
              a.shared_at, null as standalone, p.name as shared_by,
              null as rating, null as comment, null as conversation_id,
              v.verified_answer_id, v.verified_by, v.verified_at, v.withdrawn_at, v.is_source,
              v.verified_question
            from answers a
            join questions q on q.id = a.question_id
            join people p on p.id = q.user_id
            left join lateral verification_of(a.id) v on true
            where a.id = :id and answer_is_shared_with(a.id, :actor)
            """
        ),
        {"id": answer_id, "actor": actor.id},
    ).one_or_none()
    if row is None:
        return None
    answer = to_answer(row, citations.of_answer(tx, actor, answer_id))
    return SharedAnswer(replace(answer, verification=to_verification(row)), row.shared_by, row.shared_at)
