"""The steps of `kyo eval`: ask the questions of a labelled set, score what comes, and fit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kyo_app.apart import Apart, index, opened_apart
from kyo_pipeline.domain import fitting, replies
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.evaluation import Evaluation, Fitted, Latency, Refusal, percentile
from kyo_pipeline.domain.labelled import LabelledQuestion, LabelledSet
from kyo_pipeline.domain.replies import Reply
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import evaluating
from kyo_pipeline.services.evaluating import Ranked
from kyo_pipeline.settings import Settings

_FOREIGN = "foreign: "


@dataclass(frozen=True)
class Plan:
    """What is to be evaluated, and how.

    `docs`: from the original files; `within`: each question among the passages of its document only; `foreign`: a set
    whose questions have no answer here; `limit`: so many judged questions, and as many without an answer.
    """

    docs: bool = False
    within: bool = False
    foreign: LabelledSet | None = None
    fit: bool = False
    limit: int | None = None


def evaluate(settings: Settings, labelled: LabelledSet, plan: Plan) -> Evaluation:
    """Index the set apart, ask its questions and score what comes. Raises `Invalid`, `Unavailable`.

    Everything that was made for it is gone afterwards.
    """
    evaluating.require_evaluator()
    chosen = _chosen(labelled, plan)
    with opened_apart(settings) as apart:
        index(apart, chosen, docs=plan.docs, within=plan.within)
        asked = _asked(chosen, plan.foreign)
        ranked, said = _ranked(apart, chosen, plan), _said(apart, asked)
        found = _found(apart, chosen, plan, ranked)
        if said:
            found = replace(found, refusal=_refusal(asked, said), accuracy=replies.accuracy(chosen.judged, said))
        return replace(found, fitted=_fit(apart, chosen, ranked, asked, found)) if plan.fit else found


def _chosen(labelled: LabelledSet, plan: Plan) -> LabelledSet:
    """The questions to ask, about passages or originals. Raises `Invalid` where the set cannot be used so."""
    chosen = labelled.for_evaluation(plan.limit)
    if not chosen.judged:
        raise Invalid(f"{labelled.name}: no question has a relevant passage, so there is nothing to score.")
    if plan.docs and not labelled.originals:
        raise Invalid(f"{labelled.name}: there are no original files in docs/.")
    known = set(chosen.documents)
    if plan.within and (lost := [question.id for question in chosen.questions if question.document not in known]):
        raise Invalid(f"{labelled.name}: meta.document of question {lost[0]!r} names no document of the corpus.")
    return chosen.by_original() if plan.docs else chosen


def _judged_by(chosen: LabelledSet, plan: Plan) -> str:
    if not plan.docs:
        return "passage"
    return "page" if any(passage.page is not None for passage in chosen.passages) else "document"


# Rankings -------------------------------------------------------------------------------------------------------------


def _ranked(apart: Apart, chosen: LabelledSet, plan: Plan) -> dict[str, Ranked]:
    current = evaluating.active_spec(apart.app, OPERATOR).dense_weight
    weights = sorted({*fitting.WEIGHTS, current}) if plan.fit else ()
    return {
        question.id: evaluating.rank(apart.app, apart.reader(question), question.text, apart.units, weights)
        for question in apart.each("Searching", chosen.judged)
    }


def _found(apart: Apart, chosen: LabelledSet, plan: Plan, ranked: Mapping[str, Ranked]) -> Evaluation:
    spec, explicit = evaluating.active_spec(apart.app, OPERATOR), apart.app.settings.explicit_similarity_threshold
    return Evaluation(
        name=chosen.name,
        judged_by=_judged_by(chosen, plan),
        passages=len(apart.units),
        chunks=apart.chunks,
        questions=len(ranked),
        embedding=spec,
        similarity_threshold=spec.similarity_threshold if explicit is None else explicit,
        generator=apart.app.generator.name,
        legs=evaluating.score_legs(ranked, chosen.relevant),
        latency=_latency(ranked),
        failed=tuple(apart.failed),
    )


def _latency(ranked: Mapping[str, Ranked]) -> Latency:
    milliseconds = [one.milliseconds for one in ranked.values()]
    return Latency(p50=percentile(milliseconds, 0.5), p95=percentile(milliseconds, 0.95))


# Answers --------------------------------------------------------------------------------------------------------------


def _asked(chosen: LabelledSet, foreign: LabelledSet | None) -> list[LabelledQuestion]:
    """The questions that the generator is to answer or refuse; none, where there is nothing to compare it with."""
    others = [
        replace(question, id=_FOREIGN + question.id, answerable=False, answers=())
        for question in (foreign.judged if foreign else ())
    ]
    if not (others or chosen.unanswerable or chosen.has_answers):
        return []
    return list(dict.fromkeys((*chosen.judged, *chosen.unanswerable, *others)))


def _said(apart: Apart, asked: Sequence[LabelledQuestion]) -> dict[str, Reply]:
    return {
        question.id: evaluating.reply(apart.app, apart.reader(question), question.text)
        for question in apart.each("Answering", asked)
    }


def _refusal(asked: Sequence[LabelledQuestion], said: Mapping[str, Reply]) -> Refusal:
    answerable, unanswerable = _by_answer(asked)
    foreign = any(question.startswith(_FOREIGN) for question in unanswerable)
    return replies.refusal(said, answerable, unanswerable, foreign=foreign)


def _by_answer(asked: Iterable[LabelledQuestion]) -> tuple[list[str], list[str]]:
    """The ids of questions that have an answer here, and of those that have none."""
    answerable: list[str] = []
    unanswerable: list[str] = []
    for question in asked:
        (unanswerable if question.answerable is False else answerable).append(question.id)
    return answerable, unanswerable


# Fitting --------------------------------------------------------------------------------------------------------------


def _fit(
    apart: Apart,
    chosen: LabelledSet,
    ranked: Mapping[str, Ranked],
    asked: Sequence[LabelledQuestion],
    found: Evaluation,
) -> tuple[Fitted, ...]:
    """The weight first, then how evidence is judged that is found with it, if there are questions of both kinds."""
    weight = evaluating.fit_weight(ranked, chosen.relevant, found.embedding.dense_weight)
    answerable, unanswerable = _by_answer(asked)
    if not answerable or not unanswerable:
        return (weight,)
    evaluating.tune(apart.pipeline, OPERATOR, found.embedding, weight.fitted, None)
    strengths = {
        question.id: evaluating.weigh_evidence(apart.app, apart.reader(question), question.text)
        for question in apart.each("Weighing evidence", asked)
    }
    kinds = [{question: strengths[question] for question in kind} for kind in (answerable, unanswerable)]
    return (weight, *fitting.choose_refusal(kinds[0], kinds[1], found.similarity_threshold))
