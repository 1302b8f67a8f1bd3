"""Which questions had no good answer."""

from dataclasses import dataclass

from kyo_pipeline.domain.answer_findings import UNCHECKED, Findings
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.gaps import GapKind

#: How near its threshold a cosine is no sign of a good answer: a share of the room above the threshold.
NEAR = 0.1


@dataclass(frozen=True)
class AnswerFacts:
    """What is known of an answer. `rating`: the worst, 1 or -1; None: nobody has said anything.

    `similarity` is the best cosine among the passages that it cites, `threshold` the one that held when it was written;
    None of answers from before both were noted.
    """

    outcome: Outcome
    rating: int | None
    similarity: float | None
    threshold: float | None
    findings: Findings


def kind_of(facts: AnswerFacts) -> GapKind | None:
    """What is wrong with an answer; None when nothing is known to be.

    Nothing was found; or somebody has said that the answer did not help; or it is doubtful, unless somebody has said
    that it helped. Doubtful is an answer with a sentence that its sources do not bear out, one that could not be
    compared with them, and one whose best passage is hardly like the question: its cosine is under the threshold, or
    so near that this says little (`NEAR`). Words alone have spoken for such an answer, and may mean another thing.
    """
    if facts.outcome is Outcome.NOT_FOUND:
        return GapKind.NOT_FOUND
    if facts.outcome is not Outcome.ANSWERED or facts.rating == 1:
        return None
    if facts.rating == -1:
        return GapKind.DISLIKED
    if facts.findings.unsupported or facts.findings.notice == UNCHECKED or _is_far(facts):
        return GapKind.DOUBTFUL
    return None


def _is_far(facts: AnswerFacts) -> bool:
    if facts.similarity is None or facts.threshold is None:
        return False
    return facts.similarity < facts.threshold + NEAR * (1 - facts.threshold)
