"""The steps of `kyo eval`: index a labelled set apart, ask its questions, score, and fit."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kyo_pipeline.domain import fitting, replies
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import Review
from kyo_pipeline.domain.evaluation import Evaluation, Fitted, Latency, Refusal, percentile
from kyo_pipeline.domain.labelled import LabelledQuestion, LabelledSet, Units
from kyo_pipeline.domain.replies import Reply
from kyo_pipeline.errors import Invalid, KyoError
from kyo_pipeline.kyo import Kyo, open_database, open_kyo
from kyo_pipeline.services import evaluating, indexing, library, operations, reviewing, upkeep
from kyo_pipeline.services.evaluating import Ranked, Shelf
from kyo_pipeline.services.indexing import StepReport
from kyo_pipeline.settings import Settings

_BATCH = 250
_FOREIGN = "foreign: "

Item = TypeVar("Item")


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


@dataclass
class _Apart:
    """A labelled set, indexed in a database of its own. `units`: what its versions are called in the judgements."""

    app: Kyo
    pipeline: Kyo
    progress: Progress
    run: str = field(default_factory=lambda: indexing.claim_name(secrets.token_hex(8)))
    units: dict[UUID, Units] = field(default_factory=dict)
    shelves: dict[str, Shelf] = field(default_factory=dict)
    chunks: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    def reader(self, question: LabelledQuestion) -> Actor:
        """Who asks: with shelves, the one who may read the document of the question and nothing else."""
        return self.shelves[question.document or ""].reader if self.shelves else OPERATOR

    def each(self, description: str, items: Sequence[Item]) -> Iterable[Item]:
        return self.progress.track(items, description=description) if items else ()


def evaluate(settings: Settings, labelled: LabelledSet, plan: Plan) -> Evaluation:
    """Index the set apart, ask its questions and score what comes. Raises `Invalid`, `Unavailable`.

    Everything that was made for it is gone afterwards.
    """
    evaluating.require_evaluator()
    chosen = _chosen(labelled, plan)
    with _apart(settings) as apart:
        _index(apart, chosen, plan)
        operations.refresh_statistics(apart.app.settings)
        spec = evaluating.active_spec(apart.app, OPERATOR)
        weights = sorted({*fitting.WEIGHTS, spec.dense_weight}) if plan.fit else ()
        ranked = {
            question.id: evaluating.rank(apart.app, apart.reader(question), question.text, apart.units, weights)
            for question in apart.each("Searching", chosen.judged)
        }
        asked = _asked(chosen, plan.foreign)
        said = {
            question.id: evaluating.reply(apart.app, apart.reader(question), question.text)
            for question in apart.each("Answering", asked)
        }
        explicit = settings.explicit_similarity_threshold
        found = Evaluation(
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
            refusal=_refusal(asked, said),
            accuracy=replies.accuracy(chosen.judged, said) if said else (),
            failed=tuple(apart.failed),
        )
        return replace(found, fitted=_fit(apart, chosen, ranked, asked, found)) if plan.fit else found


@contextmanager
def _apart(settings: Settings) -> Iterator[_Apart]:
    with operations.running_apart(settings) as servers, _progress() as progress:
        app = open_kyo(servers.settings)
        pipeline = replace(app, db=open_database(servers.settings, DatabaseRole.PIPELINE))
        try:
            yield _Apart(app, pipeline, progress)
        finally:
            pipeline.db.close()
            app.close()


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


# Indexing -------------------------------------------------------------------------------------------------------------


def _index(apart: _Apart, chosen: LabelledSet, plan: Plan) -> None:
    """Every step of the pipeline, as Dagster's assets take them."""
    if plan.docs:
        _upload(apart, chosen)
        _all(apart, "Reading", len(apart.units), indexing.parse)
    else:
        _lay_out(apart, chosen, plan)
    count = len(apart.units)
    apart.chunks = _all(apart, "Cutting", count, indexing.cut)
    _all(apart, "Embedding", count, indexing.embed)
    _all(apart, "Publishing", count, indexing.publish_ready)
    upkeep.refresh_weights(apart.pipeline)


def _lay_out(apart: _Apart, chosen: LabelledSet, plan: Plan) -> None:
    if plan.within:
        apart.shelves = evaluating.add_shelves(apart.app, OPERATOR, chosen.documents)
    passages = chosen.passages
    batches = [passages[start : start + _BATCH] for start in range(0, len(passages), _BATCH)]
    for batch in apart.each("Laying out", batches):
        apart.units.update(evaluating.lay_out(apart.pipeline, OPERATOR, batch, apart.shelves, apart.run))


def _upload(apart: _Apart, chosen: LabelledSet) -> None:
    """The original files; one that is refused is on the list, and counts as not found."""
    for path in apart.each("Uploading", chosen.originals):
        try:
            latest = library.upload(apart.app, OPERATOR, path.name, _read(path)).document.latest
        except KyoError as error:
            apart.failed.append((path.name, error.message))
            continue
        if latest.review is Review.PENDING:
            reviewing.approve(apart.app, OPERATOR, latest.id)
        apart.units[latest.id] = chosen.units_of_file(path.name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"It cannot be read: {error.strerror}.") from error


def _all(apart: _Apart, description: str, total: int, step: Callable[[Kyo, str], StepReport]) -> int:
    """Take a step until nothing waits for it; returns how many items it made."""
    task, made = apart.progress.add_task(description, total=total), 0
    while True:
        report = step(apart.pipeline, apart.run)
        made += report.items
        apart.failed += report.failures
        apart.progress.advance(task, report.done + len(report.failures))
        if not report.done and not report.failures:
            apart.progress.update(task, completed=total)
            return made


# Scores ---------------------------------------------------------------------------------------------------------------


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


def _refusal(asked: Sequence[LabelledQuestion], said: Mapping[str, Reply]) -> Refusal | None:
    if not said:
        return None
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
    apart: _Apart,
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


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))
