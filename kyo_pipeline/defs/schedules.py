"""Schedules: approvals that run out, and what is done every night."""

import dagster as dg

from kyo_pipeline.defs.audit import prove_audit_log
from kyo_pipeline.defs.embedding_sets import candidate_vectors
from kyo_pipeline.defs.jobs import measure_quality, reembed, upkeep
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.services import expiring


@dg.op(
    description="Marks approved documents as overdue whose last day is over, and gives their owners the task to look."
)
def expire_approvals(context: dg.OpExecutionContext, kyo: KyoResource) -> None:
    expired = expiring.expire(kyo.open)
    context.log.info("%s documents have become overdue.", expired)
    context.add_output_metadata({"overdue": expired})


@dg.job(
    name="expire",
    description="Finds documents whose approval has run out: they go on answering questions, the answers say that the "
    "review is overdue, and their owners are told. Started by the schedule `overdue_reviews`; may be run by hand at "
    "any time.",
    tags={"dagster/max_retries": "0"},
)
def expire() -> None:
    expire_approvals()


@dg.schedule(
    job=expire,
    cron_schedule="0 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every hour: starts a run when the approval of a document has run out.",
)
def overdue_reviews(
    context: dg.ScheduleEvaluationContext,  # noqa: ARG001 — Dagster's signature
    kyo: KyoResource,
) -> dg.RunRequest | dg.SkipReason:
    """Every hour: starts a run when the approval of a document has run out.

    An approval holds to the end of its last day in UTC. It looks with one query; there is no run without work.
    """
    try:
        due = expiring.count_due(kyo.open)
    except Unavailable as error:
        return dg.SkipReason(error.message)
    return dg.RunRequest(tags={"kyo/overdue": str(due)}) if due else dg.SkipReason("No approval has run out.")


def nightly_upkeep(cron: str) -> dg.ScheduleDefinition:
    """At the times that `KYO_UPKEEP_CRON` says, in UTC. Raises Dagster's own error where that is none."""
    return _nightly("nightly_upkeep", upkeep.name, cron, "KYO_UPKEEP_CRON")


def nightly_audit(cron: str) -> dg.ScheduleDefinition:
    """With the rest of the upkeep, at the times that `KYO_UPKEEP_CRON` says, in UTC."""
    return _nightly("nightly_audit", prove_audit_log.name, cron, "KYO_UPKEEP_CRON")


def nightly_quality(cron: str) -> dg.ScheduleDefinition:
    """At the times that `KYO_QUALITY_CRON` says, in UTC."""
    return _nightly("nightly_quality", measure_quality.name, cron, "KYO_QUALITY_CRON")


def _nightly(name: str, job: str, cron: str, setting: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=name,
        job_name=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Starts the job `{job}` when `{setting}` says so, in UTC: by default every night.",
    )


def scheduled_reembedding(cron: str | None) -> list[dg.ScheduleDefinition]:
    """At the times that `KYO_REEMBED_CRON` says, in UTC; none where it says nothing."""
    if cron is None:
        return []
    return [
        dg.ScheduleDefinition(
            name="scheduled_reembedding",
            job=reembed,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
            run_config={"ops": {candidate_vectors.key.to_user_string(): {"config": {"begin_anew": True}}}},
            description="Embeds everything anew when `KYO_REEMBED_CRON` says so, in UTC, by the model of the settings. "
            "The set is judged like any other; nothing begins while one is under way.",
        )
    ]


SCHEDULES = [overdue_reviews]
