"""What the generator said to questions with known answers, counted."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from kyo_pipeline.domain.answer_match import SHORT, contains_answer, is_short, token_f1
from kyo_pipeline.domain.evaluation import AnswerAccuracy, Refusal
from kyo_pipeline.domain.labelled import LabelledQuestion

CONTAINED = f"answer string within the quotes (answers of up to {SHORT} words)"
F1 = f"token F1 of the quotes (answers of more than {SHORT} words)"

_Measure = Callable[[str, Sequence[str]], float]


@dataclass(frozen=True)
class Reply:
    """Whether there was an answer, and its text without markers: of an extractive one, what it quotes."""

    answered: bool
    text: str


def refusal(
    replies: Mapping[str, Reply], answerable: Collection[str], unanswerable: Collection[str], *, foreign: bool
) -> Refusal:
    """How often there was an answer without one being possible, and the other way round."""
    return Refusal(
        unanswerable=len(unanswerable),
        answered_although_unanswerable=sum(replies[question].answered for question in unanswerable),
        answerable=len(answerable),
        refused_although_answerable=sum(not replies[question].answered for question in answerable),
        foreign=foreign,
    )


def accuracy(questions: Iterable[LabelledQuestion], replies: Mapping[str, Reply]) -> tuple[AnswerAccuracy, ...]:
    """For questions with short answers and for those with long ones, whichever there are."""
    with_answers = [question for question in questions if question.answers]
    short = [question for question in with_answers if is_short(question.answers)]
    long = [question for question in with_answers if not is_short(question.answers)]
    found = (_accuracy(CONTAINED, short, replies, contains_answer), _accuracy(F1, long, replies, token_f1))
    return tuple(one for one in found if one.questions)


def _accuracy(
    name: str, questions: Sequence[LabelledQuestion], replies: Mapping[str, Reply], measure: _Measure
) -> AnswerAccuracy:
    scores = [
        float(measure(replies[question.id].text, question.answers))
        for question in questions
        if replies[question.id].answered
    ]
    return AnswerAccuracy(
        measure=name,
        questions=len(questions),
        answered=len(scores),
        among_answered=fmean(scores) if scores else 0.0,
        overall=sum(scores) / len(questions) if questions else 0.0,
    )
