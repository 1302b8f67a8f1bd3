"""Who wants to be told when a question of theirs is answered."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.gaps import AnsweredQuestion


def is_own(tx: Connection, actor: Actor, question_id: UUID) -> bool:
    statement = "select exists (select from questions where id = :id and user_id = :actor)"
    return bool(tx.scalar(text(statement), {"id": question_id, "actor": actor.id}))


def follow(tx: Connection, actor: Actor, question_id: UUID, now: datetime) -> None:
    tx.execute(
        text(
            """
            insert into question_followers (question_id, user_id, since)
            values (:id, :actor, :now)
            on conflict (question_id) do nothing
            """
        ),
        {"id": question_id, "actor": actor.id, "now": now},
    )


def unfollow(tx: Connection, actor: Actor, question_id: UUID) -> None:
    tx.execute(
        text("delete from question_followers where question_id = :id and user_id = :actor"),
        {"id": question_id, "actor": actor.id},
    )


def follows(tx: Connection, actor: Actor, question_id: UUID) -> bool:
    statement = "select exists (select from question_followers where question_id = :id and user_id = :actor)"
    return bool(tx.scalar(text(statement), {"id": question_id, "actor": actor.id}))


def answered(tx: Connection) -> tuple[AnsweredQuestion, ...]:
    """Those of the actor that a document answers by now which they may read, what was answered last first."""
    rows = tx.execute(text("select * from answered_since_asked()"))
    return tuple(
        AnsweredQuestion(row.question_id, row.question, row.asked_at, row.document_id, row.title, row.answered_at)
        for row in rows
    )


def dismiss(tx: Connection, actor: Actor, question_id: UUID, now: datetime) -> None:
    """Nothing is shown of it any more, unless it is answered once more."""
    tx.execute(
        text("update question_followers set dismissed_at = :now where question_id = :id and user_id = :actor"),
        {"id": question_id, "actor": actor.id, "now": now},
    )
