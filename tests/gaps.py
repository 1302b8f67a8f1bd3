"""Questions without a good answer, as tests put them into the database: written down, not searched for."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from kyo_pipeline.db import questions
from kyo_pipeline.db.questions import Production
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, Outcome
from kyo_pipeline.kyo import Kyo

#: The same in other words; no document of the tests answers any.
DOGS = (
    "Can I bring my dog to the office?",
    "Is it OK to bring a dog to the office?",
    "May I bring my dog to the office?",
)
ROOMS = ("How do I book a meeting room?", "How can I book a meeting room?")


def not_found(kyo: Kyo, actor: Actor, question: str, near: Sequence[UUID] = (), days_ago: float = 0) -> UUID:
    """The id of a question of the actor's that was not found, and came near to these documents."""
    asked_at = kyo.now() - timedelta(days=days_ago)
    made = Production("extractive", "quotes", None, {})
    with kyo.db.transaction(actor) as tx:
        question_id = questions.add_question(tx, actor, question, asked_at)
        answer_id = questions.add_answer(tx, question_id, Draft(NOT_FOUND_TEXT, Outcome.NOT_FOUND), made, asked_at)
        for rank, document in enumerate(near, start=1):
            tx.execute(
                text("insert into near_documents values (:answer, :rank, :document)"),
                {"answer": answer_id, "rank": rank, "document": document},
            )
    return question_id
