"""Knowledge gaps, looked for every night. Docstrings are descriptions. Numbers only: no question is shown here."""

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from kyo_pipeline.defs.assets import OWNERS, POOL
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.gaps import GapKind, GapState
from kyo_pipeline.services.gap_finding import MOST, GapReport, find_gaps

GROUP = "gaps"

#: The largest ones, by their ids: the app knows what they are about.
_LISTED = 10


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"python", "postgres"}, pool=POOL, output_required=False)
def knowledge_gaps(context: dg.AssetExecutionContext, kyo: KyoResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]  # no value is passed on
    """Questions without a good answer, put together by what they mean.

    Looks through the questions of the last `KYO_GAP_DAYS` days: not found, disliked, or answered on weak evidence. Each
    is embedded once by the model that answers; those near each other make a gap, which keeps its id as long as one of
    its questions is left. What managers have worked on stays together, and a closed gap is opened again when it is
    asked about again. They find the gaps in the app; here are numbers, and no question. May be run at any time, also
    twice at once.
    """
    report = find_gaps(kyo.open, lambda done, of: context.log.info("%d of %d questions embedded", done, of))
    if report is None:
        context.log.info("Nothing is searchable yet, so there is no model to compare questions with.")
        return
    if report.left_out:
        context.log.warning("There are more questions than %d: the oldest were left out. Lower KYO_GAP_DAYS.", MOST)
    yield dg.MaterializeResult(metadata=of_gaps(report))


def of_gaps(report: GapReport) -> dict[str, dg.MetadataValue]:
    """Metadata of one look: what is plotted, and the largest gaps in a table."""
    states = Counter(one.state for one in report.gaps)
    return {
        "questions": dg.MetadataValue.int(sum(report.questions.values())),
        **{kind.value: dg.MetadataValue.int(report.questions.get(kind, 0)) for kind in GapKind},
        "gaps": dg.MetadataValue.int(len(report.gaps)),
        **{f"gaps_{state.value}": dg.MetadataValue.int(states[state]) for state in GapState},
        "gaps_new": dg.MetadataValue.int(report.new),
        "gaps_reopened": dg.MetadataValue.int(report.reopened),
        "questions_embedded": dg.MetadataValue.int(report.embedded),
        "seconds": dg.MetadataValue.float(round(report.seconds, 3)),
        "largest": dg.MetadataValue.md(_table(report)),
    }


def _table(report: GapReport) -> str:
    largest = sorted(report.gaps, key=lambda one: (-sum(one.kinds.values()), one.gap_id))[:_LISTED]
    rows = [
        f"| {one.gap_id} | {one.state.value} | " + " | ".join(str(one.kinds.get(kind, 0)) for kind in GapKind) + " |"
        for one in largest
    ]
    header = "| Gap | State | " + " | ".join(kind.value for kind in GapKind) + " |"
    return "\n".join([header, "| --- | --- |" + " --- |" * len(GapKind), *rows])


find_knowledge_gaps = dg.define_asset_job(
    "find_knowledge_gaps",
    selection=dg.AssetSelection.assets(knowledge_gaps),
    description="Looks for knowledge gaps. Started by the schedule `nightly_knowledge_gaps`; may be run by hand at any "
    "time, also twice at once.",
    tags={"dagster/max_retries": "0"},
)

nightly_knowledge_gaps = dg.ScheduleDefinition(
    name="nightly_knowledge_gaps",
    job=find_knowledge_gaps,
    cron_schedule="15 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at a quarter past one, UTC: starts the job `find_knowledge_gaps`.",
)
