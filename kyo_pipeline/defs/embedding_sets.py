"""Embedding sets beside the one that answers: built, indexed, judged, and swapped in. Docstrings are the descriptions.

The assets are not partitioned: the database knows what each set lacks, and one run takes up what there is to do.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
from pydantic import Field

from kyo_pipeline import progress
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.defs import embedding_metadata as metadata
from kyo_pipeline.defs.assets import OWNERS, POOL, claim_of, document_texts
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.embedding_sets import Verdict
from kyo_pipeline.domain.judging import Judgement
from kyo_pipeline.errors import Conflict, KyoError
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import embedding_sets, following, judging, reembedding
from kyo_pipeline.services.reembedding import Pace, WorkReport

GROUP = "embedding_sets"

#: How often a run says how far it is.
SAY_SECONDS = 15.0

NOT_WORSE = "not_worse_than_what_answers"

_NICE = 19
_AUTOGROUP = Path("/proc/self/autogroup")
_ANEW = "By the schedule, or from the Dagster UI."


class Candidate(dg.Config):
    """Whether to begin a set although the settings name what answers."""

    begin_anew: bool = Field(
        default=False,
        description="Embed everything anew with the model of the settings. Does nothing while a set is under way.",
    )


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"python", "postgres"}, pool=POOL, deps=[document_texts])
def candidate_vectors(context: dg.AssetExecutionContext, config: Candidate, kyo: KyoResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # no value is passed on
    """Vectors of the embedding sets that do not answer questions: one that is to, and those kept for the way back.

    Begins a set when the settings name another model, chunk size or storage than what answers, when an admin has asked
    for one, or with `begin_anew`. Then takes documents into it, those that answer questions first, beside everything
    else: uploads, replacements and deletions go on, and reach every set. It ends after `KYO_REEMBED_MINUTES`; the
    sensor `other_embedding_sets` starts the next run. A run that was killed loses one batch at most.
    """
    _step_aside()
    problem = _begin(context, kyo.open, config)
    reports = reembedding.work(kyo.open, claim_of(context), _pace(context, kyo.open))
    if problem is not None and not reports:
        raise problem
    return dg.MaterializeResult(metadata=metadata.of_building(reports, progress.known(kyo.open), _price(kyo)))


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"postgres"}, output_required=False, deps=[candidate_vectors])
def candidate_index(context: dg.AssetExecutionContext, kyo: KyoResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]  # no value is passed on
    """The HNSW index over all vectors of a set that is complete, made in one go, and the statistics of its passages.

    Does nothing while documents are missing in the set.
    """
    for one in progress.complete(kyo.open):
        context.log.info("Embedding set %d: making its index", one.id)
        with _noted(kyo.open, one):
            seconds = reembedding.finish(kyo.open, one.id, None, None)
        if seconds is not None:
            yield dg.MaterializeResult(metadata={"embedding_set": one.id, "model": one.spec.model, "seconds": seconds})
            return


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    output_required=False,
    deps=[candidate_index],
    check_specs=[
        dg.AssetCheckSpec(
            name=NOT_WORSE,
            asset="candidate_quality",
            blocking=True,
            description="On questions with known answers, the set is not worse than the one that answers by more than "
            "`KYO_REEMBED_MARGIN`. Where it is, it does not begin to answer. An admin may decide otherwise, with a "
            "reason: in the app under Embeddings, or by `kyo embeddings activate`.",
        )
    ],
)
def candidate_quality(context: dg.AssetExecutionContext, kyo: KyoResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]  # no value is passed on
    """How a set that is ready does beside the one that answers, on the same questions with known answers.

    The questions are those of `KYO_EVAL_DIR`, and those whose answers people found helpful. Figures of the candidate
    are plotted over time; `comparison` has both side by side.
    """
    active = progress.serving(kyo.open)
    for one in progress.unjudged(kyo.open)[:1]:
        with _noted(kyo.open, one):
            judgement = judging.judge(kyo.open, OPERATOR, active, one, _said(context, one))
        judging.note_judgement(kyo.open, one, active, judgement)
        yield dg.MaterializeResult(
            metadata=metadata.of_judgement(one, judgement),
            check_results=[_check(one, judgement)],
        )


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"postgres"}, output_required=False, deps=[candidate_quality])
def active_embedding_set(context: dg.AssetExecutionContext, kyo: KyoResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]  # no value is passed on
    """Which set answers questions. A set that was found not worse answers from here on, in one transaction.

    Questions under way finish in the set that they began with. The set before stands, and is kept up to date, as many
    as `KYO_RETAIN_EMBEDDING_SETS`; the job `upkeep` drops the others. `kyo embeddings rollback` goes back at once. With
    `KYO_REEMBED_ACTIVATE=manual`, or where nobody could judge, an admin decides.
    """
    for one in progress.to_activate(kyo.open)[:1]:
        with _noted(kyo.open, one):
            embedding_sets.activate(kyo.open, OPERATOR, one.id)
        context.log.info("Embedding set %d answers now: %s", one.id, one.spec.model)
        yield dg.MaterializeResult(metadata={"embedding_set": one.id, "model": one.spec.model})


def _begin(context: dg.AssetExecutionContext, kyo: Kyo, config: Candidate) -> KyoError | None:
    """Begin a set where somebody wants one. What keeps it from beginning is no reason not to go on with others."""
    try:
        begun = following.begin_anew(kyo, _ANEW) if config.begin_anew else None
        begun = begun or following.take_request(kyo) or following.follow_settings(kyo)
    except Conflict as error:  # one is under way, which will do
        context.log.warning(error.message)
        return None
    except KyoError as error:
        context.log.error(error.message)
        return error
    if begun is not None:
        context.log.info("Embedding set %d begins: %s", begun.id, begun.spec.model)
    return None


@contextmanager
def _noted(kyo: Kyo, one: EmbeddingSet) -> Iterator[None]:
    """What goes wrong is told where people look at the set, too."""
    try:
        yield
    except KyoError as error:
        reembedding.note_problem(kyo, one.id, error.message)
        raise


def _step_aside() -> None:
    """Give way to searches and to reading, in a process of this run alone: what is built here can wait.

    Where Linux gives each session a share (autogroup), niceness counts within the session only: this run gets one of
    its own, and a small share of it.
    """
    if multiprocessing.parent_process() is None:
        return
    os.nice(_NICE)
    with suppress(OSError):
        os.setsid()
        _AUTOGROUP.write_text(str(_NICE))


def _pace(context: dg.AssetExecutionContext, kyo: Kyo) -> Pace:
    """Go on until the time of a run is over, and say now and then how far it is."""
    ends = time.monotonic() + 60 * kyo.settings.KYO_REEMBED_MINUTES
    said = time.monotonic()

    def go_on(report: WorkReport) -> bool:
        nonlocal said
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            now = progress.known(kyo)[report.set_id]
            context.log.info(metadata.progress(now))
            context.log_event(
                dg.AssetObservation(asset_key=context.asset_key, metadata=metadata.of_progress(now, _price(kyo)))
            )
        return time.monotonic() < ends

    return go_on


def _said(context: dg.AssetExecutionContext, one: EmbeddingSet) -> Callable[[int, int], None]:
    """Says now and then how many of how many questions have been asked."""
    said = time.monotonic()

    def tell(asked: int, all_of_them: int) -> None:
        nonlocal said
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            context.log.info("Embedding set %d: %d of %d questions asked", one.id, asked, all_of_them)

    return tell


def _check(one: EmbeddingSet, judgement: Judgement) -> dg.AssetCheckResult:
    """Worse is an error, which keeps the set from answering; where nobody can tell, it is a warning."""
    is_worse = judgement.verdict is Verdict.WORSE
    return dg.AssetCheckResult(
        check_name=NOT_WORSE,
        passed=judgement.verdict is Verdict.NOT_WORSE,
        severity=dg.AssetCheckSeverity.ERROR if is_worse else dg.AssetCheckSeverity.WARN,
        description=" ".join(judgement.reasons),
        metadata=metadata.of_judgement(one, judgement),
    )


def _price(kyo: Kyo | KyoResource) -> float | None:
    return (kyo if isinstance(kyo, Kyo) else kyo.open).settings.KYO_EMBEDDING_TOKEN_PRICE


EMBEDDING_SET_ASSETS = [candidate_vectors, candidate_index, candidate_quality, active_embedding_set]
