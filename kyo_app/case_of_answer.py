"""Confirming an answer: its question becomes a case of the organisation's own evaluation set."""

from kyo_app import runtime
from kyo_app.auth import current_actor
from kyo_app.components import confirmed
from kyo_pipeline.domain.actor import Permission
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.services import evaluation_cases

_TEXT = (
    "You say that this answer is right, and its sources with it. From then on KYO checks with this question whether "
    "they are still found. The question is kept without the name of whoever asked it."
)


def case_part(answer: Answer) -> None:
    """For those who look after documents; nothing where an answer has no sources."""
    actor = current_actor()
    if actor is None or not actor.may(Permission.EVALUATION_CASE_MANAGE):
        return
    if answer.outcome is not Outcome.ANSWERED or not answer.citations:
        return
    confirmed(
        "Use as test question",
        ":material/fact_check:",
        _TEXT,
        "Add to the evaluation set",
        lambda: evaluation_cases.add_answer(runtime.kyo(), actor, answer.id),
        key=f"case-{answer.question_id}",
        notice="Added to the evaluation set.",
        quiet=True,
    )
