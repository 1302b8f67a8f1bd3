"""Sensors: new work in the database, new files in the inbox."""

import time
from collections.abc import Iterator

import dagster as dg

from kyo_pipeline import progress
from kyo_pipeline.defs.embedding_sets import (
    active_embedding_set,
    candidate_index,
    candidate_quality,
    candidate_vectors,
)
from kyo_pipeline.defs.jobs import ingest, reembed
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.errors import KyoError, Unavailable
from kyo_pipeline.progress import Step
from kyo_pipeline.services import health, inbox, indexing, library, reembedding

#: How long one evaluation waits for work to be announced. Dagster ends an evaluation after 60 s, and asks again up to
#: 5 s after one has ended: the longer the wait, the rarer a file that comes in between.
WAIT_SECONDS = 50.0

#: How often it looks meanwhile whether runs have died, and files may be tried again.
LOOK_SECONDS = 10.0

#: How long it waits while files wait but runs are under way.
BUSY_SECONDS = 0.5

#: A run that started less than this many seconds ago may not have claimed its files yet.
CLAIM_SECONDS = 3.0

#: How long one evaluation takes files out of the inbox.
INBOX_SECONDS = 40.0

_BEGINNING = {dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING}
_ALIVE = [*_BEGINNING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@dg.sensor(
    job=ingest,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run as soon as files wait, and frees what dead runs had claimed.",
)
def waiting_files(context: dg.SensorEvaluationContext, kyo: KyoResource) -> dg.RunRequest | dg.SkipReason:
    """Starts a run as soon as files wait.

    It does not poll: it listens to the database for up to 50 seconds, so that a file is taken up at once. What dead
    runs had claimed is freed first. While one run is beginning, no second one is started; at most `KYO_MAX_RUNS` work
    at the same time.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            health.beat(kyo.open)
            ours = _runs_under_way(context.instance, kyo)
            waiting = indexing.wait_for_work(kyo.open, min(left, LOOK_SECONDS))
        except Unavailable as error:
            return dg.SkipReason(error.message)
        if waiting and len(ours) < kyo.open.settings.KYO_MAX_RUNS and not any(map(_is_beginning, ours)):
            return dg.RunRequest(tags={"kyo/files_waiting": str(waiting)})
        if waiting:
            time.sleep(BUSY_SECONDS)
    return dg.SkipReason("No file waits that a run could take up now.")


def _runs_under_way(instance: dg.DagsterInstance, kyo: KyoResource) -> list[dg.RunRecord]:
    """Ingestion runs that live; what dead ones had claimed is freed."""
    records = instance.get_run_records(filters=dg.RunsFilter(statuses=_ALIVE))
    indexing.release_dead(kyo.open, [indexing.claim_name(record.dagster_run.run_id) for record in records])
    return [record for record in records if record.dagster_run.job_name == ingest.name]


def _is_beginning(record: dg.RunRecord) -> bool:
    if record.dagster_run.status in _BEGINNING:
        return True
    return record.start_time is None or time.time() - record.start_time < CLAIM_SECONDS


@dg.sensor(
    target=None,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Uploads the files that appear in the folder KYO_INBOX, for review like any other.",
)
def inbox_files(context: dg.SensorEvaluationContext, kyo: KyoResource) -> dg.SkipReason:
    """Uploads the files that appear in the folder `KYO_INBOX`, for review like any other.

    A file that was taken moves to `accepted/`, one that cannot be to `refused/`, with a note that says why.
    """
    try:
        outcomes = list(_take(kyo, context))
    except KyoError as error:
        return dg.SkipReason(error.message)
    taken = sum(outcomes)
    return dg.SkipReason(f"{taken} files taken, {len(outcomes) - taken} refused." if outcomes else "Nothing new.")


def _take(kyo: KyoResource, context: dg.SensorEvaluationContext) -> Iterator[bool]:
    deadline = time.monotonic() + INBOX_SECONDS
    for path in inbox.arrived(kyo.open):
        if time.monotonic() > deadline:
            return  # Dagster ends an evaluation after 60 s; the rest is for the next one
        try:
            content = inbox.read(kyo.open, path)
        except Unavailable as error:
            context.log.warning(error.message)
            continue  # it stays where it is, and does not hold the others up
        try:
            library.upload(kyo.open, OPERATOR, path.name, content)
        except Unavailable:
            raise  # nothing is wrong with the file: it stays where it is
        except KyoError as error:
            context.log.warning("%s was refused: %s", path.name, error.message)
            inbox.refuse(kyo.open, path, error.message)
            yield False
        else:
            inbox.accept(kyo.open, path)
            yield True


#: What is done after a step in the same run, as far as there is anything to do.
_STEPS = {
    Step.EMBED: [candidate_vectors, candidate_index, candidate_quality, active_embedding_set],
    Step.INDEX: [candidate_index, candidate_quality, active_embedding_set],
    Step.JUDGE: [candidate_quality, active_embedding_set],
    Step.ACTIVATE: [active_embedding_set],
}

#: A run that has failed, because a model is away or a folder cannot be read, is not tried again before.
RETRY_SECONDS = 60.0


@dg.sensor(
    job=reembed,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when an embedding set is wanted, or lacks something: vectors, an index, a judgement.",
)
def other_embedding_sets(context: dg.SensorEvaluationContext, kyo: KyoResource) -> dg.RunRequest | dg.SkipReason:
    """Starts a run when an embedding set is wanted, or lacks something.

    That is when the settings name another model, chunk size or storage than what answers, when an admin has asked for a
    new set, when uploads are to go into sets that do not answer now, or when a run was killed. What dead runs had
    claimed is freed first. At most `KYO_REEMBED_RUNS` work at the same time.
    """
    try:
        ours = _reembedding_runs(context.instance, kyo)
        if len(ours) >= kyo.open.settings.KYO_REEMBED_RUNS or any(map(_is_beginning, ours)):
            return dg.SkipReason("A run is under way.")
        step = progress.next_step(kyo.open)
    except KyoError as error:
        return dg.SkipReason(error.message)
    if step is None:
        return dg.SkipReason("Every embedding set has what it should have.")
    if ours and step is not Step.EMBED:
        return dg.SkipReason("A run is under way.")
    if _has_just_failed(context.instance):
        return dg.SkipReason("The last run failed; the next one begins a minute later.")
    return dg.RunRequest(asset_selection=[asset.key for asset in _STEPS[step]], tags={"kyo/step": step.value})


def _reembedding_runs(instance: dg.DagsterInstance, kyo: KyoResource) -> list[dg.RunRecord]:
    """Those that live; what dead ones had claimed is freed."""
    records = instance.get_run_records(filters=dg.RunsFilter(statuses=_ALIVE))
    reembedding.release_dead(kyo.open, [indexing.claim_name(record.dagster_run.run_id) for record in records])
    return [record for record in records if record.dagster_run.job_name == reembed.name]


def _has_just_failed(instance: dg.DagsterInstance) -> bool:
    """Whether the last run has failed by itself, a moment ago. One that was killed is taken over at once."""
    last = instance.get_run_records(filters=dg.RunsFilter(job_name=reembed.name), limit=1)
    if not last or last[0].dagster_run.status is not dg.DagsterRunStatus.FAILURE:
        return False
    if time.time() - (last[0].end_time or 0) >= RETRY_SECONDS:
        return False
    return instance.get_run_stats(last[0].dagster_run.run_id).steps_failed > 0


SENSORS = [waiting_files, inbox_files, other_embedding_sets]
