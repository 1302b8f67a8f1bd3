"""How well questions with known answers are answered, measured every night. Docstrings are the descriptions."""

import time
from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from kyo_pipeline.defs import quality_chart
from kyo_pipeline.defs.assets import OWNERS, POOL, searchable_documents
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.quality import QualityRun
from kyo_pipeline.services import quality

GROUP = "quality"

#: How often a run says how far it is.
SAY_SECONDS = 15.0


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "postgres"},
    pool=POOL,
    output_required=False,
    deps=[searchable_documents],
)
def answer_quality(context: dg.AssetExecutionContext, kyo: KyoResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]  # no value is passed on
    """How well this installation answers questions of its own whose answers are known.

    They are cases that somebody confirmed, those of `KYO_EVAL_DIR`, and those whose answers people found helpful; each
    is asked as the product would, with the reranker, where there is one. Whether there is an answer is decided by the
    rule for quotes, so that no language model is paid. Figures are plotted over time; `nights` has the last thirty.
    Materialises nothing while fewer than twenty such questions are known.
    """
    night = quality.run(kyo.open, OPERATOR, _said(context))
    if night.run is None:
        context.log.info(night.reason)
        context.log_event(
            dg.AssetObservation(
                asset_key=context.asset_key, metadata={"known_questions": night.known, "not_measured": night.reason}
            )
        )
        return
    runs = quality.history(kyo.open, OPERATOR)
    for drop in night.run.drops:
        context.log.warning(drop.sentence)
    yield dg.MaterializeResult(metadata=of_night(night.run, runs))


@dg.asset_check(asset=answer_quality)
def quality_has_not_dropped(kyo: KyoResource) -> dg.AssetCheckResult:
    """No measure is worse than in the last seven comparable nights, beyond `KYO_QUALITY_MARGIN` and beyond chance.

    Compared question by question, on those that were asked before too. Where it is meant to be so,
    `kyo quality accept` makes the last night the norm.
    """
    run = next(iter(quality.history(kyo.open, OPERATOR, 1)), None)
    if run is None:
        return dg.AssetCheckResult(passed=True, description="No night has been measured yet.")
    compared = f"Compared with {run.nights} nights, on {run.shared} questions."
    return dg.AssetCheckResult(
        passed=not run.has_dropped,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(
            [*(drop.sentence for drop in run.drops), compared if run.nights else "No night before is comparable."]
        ),
        metadata={"drops": len(run.drops), "nights_compared": run.nights, "questions_compared": run.shared},
    )


def of_night(run: QualityRun, runs: Sequence[QualityRun]) -> dict[str, dg.MetadataValue]:
    """Metadata of one night: numbers that are plotted, and the last nights as a picture and a table."""
    found: dict[str, dg.MetadataValue] = {
        "embedding_set": dg.MetadataValue.int(run.conditions.embedding_set),
        "model": dg.MetadataValue.text(run.conditions.model),
        "corpus_revision": dg.MetadataValue.int(run.conditions.corpus_revision),
        "passages": dg.MetadataValue.int(run.conditions.chunks),
        "left_out": dg.MetadataValue.int(run.left_out),
        "nights_compared": dg.MetadataValue.int(run.nights),
        "nights": dg.MetadataValue.md(f"{quality_chart.picture(runs)}\n\n{quality_chart.table(runs)}"),
        "by_origin": dg.MetadataValue.md(quality_chart.origins(run)),
    }
    numbers = vars(run.figures) | {f"ndcg_at_10_{_name(one)}": two.ndcg_at_10 for one, two in run.origins.items()}
    return found | {
        name: dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.float(round(value, 4))
        for name, value in numbers.items()
        if value is not None
    }


def _said(context: dg.AssetExecutionContext) -> Callable[[int, int], None]:
    """Says now and then how many of how many questions have been asked."""
    said = time.monotonic()

    def tell(asked: int, all_of_them: int) -> None:
        nonlocal said
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            context.log.info("%d of %d questions asked", asked, all_of_them)

    return tell


def _name(origin: str) -> str:
    return origin.lower()


QUALITY_ASSETS = [answer_quality]
QUALITY_CHECKS = [quality_has_not_dropped]
