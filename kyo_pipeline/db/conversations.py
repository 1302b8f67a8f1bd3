"""Conversations: questions of one person that follow one another."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.conversation import Turn


def begin(tx: Connection, actor: Actor, now: datetime) -> UUID:
    return UUID(
        str(
            tx.scalar(
                text("insert into conversations (user_id, begun_at) values (:user_id, :now) returning id"),
                {"user_id": actor.id, "now": now},
            )
        )
    )


def is_own(tx: Connection, actor: Actor, conversation_id: UUID) -> bool:
    """Whether there is such a conversation of the actor's."""
    return bool(
        tx.scalar(
            text("select exists (select from conversations where id = :id and user_id = :actor)"),
            {"id": conversation_id, "actor": actor.id},
        )
    )


def question_ids(tx: Connection, actor: Actor, conversation_id: UUID, limit: int) -> tuple[UUID, ...]:
    """The last questions of a conversation of the actor's, oldest first."""
    newest_first = tx.scalars(
        text(
            """
            select id
            from questions
            where conversation_id = :id and user_id = :actor
            order by asked_at desc, id
            limit :limit
            """
        ),
        {"id": conversation_id, "actor": actor.id, "limit": limit},
    )
    return tuple(newest_first)[::-1]


def turns_before(tx: Connection, actor: Actor, question_id: UUID, limit: int) -> tuple[Turn, ...]:
    """The last turns before a question of the actor's, oldest first."""
    newest_first = tx.execute(
        text(
            """
            select q.text, q.standalone, a.outcome
            from questions asked
            join questions q on q.conversation_id = asked.conversation_id and q.user_id = asked.user_id
            left join answers a on a.question_id = q.id
            where asked.id = :id and asked.user_id = :actor and q.id <> asked.id and q.asked_at <= asked.asked_at
            order by q.asked_at desc, q.id
            limit :limit
            """
        ),
        {"id": question_id, "actor": actor.id, "limit": limit},
    ).all()
    return tuple(
        Turn(row.standalone or row.text, row.standalone is not None, Outcome(row.outcome) if row.outcome else None)
        for row in reversed(newest_first)
    )


def note_standalone(tx: Connection, question_id: UUID, standalone: str) -> None:
    """What is searched for in the place of a question."""
    tx.execute(
        text("update questions set standalone = :standalone where id = :id"),
        {"id": question_id, "standalone": standalone},
    )
