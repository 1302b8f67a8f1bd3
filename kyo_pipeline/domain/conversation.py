"""Questions that follow one another."""

from dataclasses import dataclass
from uuid import UUID

from kyo_pipeline.domain.answers import Answer, Outcome


@dataclass(frozen=True)
class Turn:
    """A question of a conversation as it was searched for, and what became of it.

    What the answer said is left out: a rewritten question is kept, and the document may be deleted one day.
    """

    question: str
    is_follow_up: bool
    outcome: Outcome | None

    @property
    def led_nowhere(self) -> bool:
        """A follow-up that found nothing: its own words were about nothing there is, its topic was another turn's."""
        return self.is_follow_up and self.outcome is Outcome.NOT_FOUND


@dataclass(frozen=True)
class Conversation:
    """One of the actor's own, with its last answers in the order in which they were asked."""

    id: UUID
    answers: tuple[Answer, ...]
