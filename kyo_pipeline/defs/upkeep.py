"""The ops of the job `upkeep`: each looks after one thing, and says in its metadata what it did."""

import dagster as dg

from kyo_pipeline.defs import metadata
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.defs.run_history import forget
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.services import doctor, maintaining, reembedding, retaining, upkeep


@dg.op(out=dg.Out(dg.Nothing), tags={"kind": "postgres"})
def refresh_statistics(context: dg.OpExecutionContext, kyo: KyoResource) -> None:
    """Puts right what BM25 is computed with, where it is wrong or has drifted, and has tables analysed.

    `ANALYZE` tells the planner what is in a table. One that somebody is changing at this moment is left alone.
    """
    miscounted = maintaining.correct_totals(kyo.open)
    weighed = upkeep.refresh_weights(kyo.open)
    analysed = maintaining.analyse(kyo.open)
    if miscounted:
        context.log.warning("%d totals of search by words were wrong; they were counted anew.", miscounted)
    if analysed.busy:
        context.log.info("Left alone, since somebody is changing them: %s", ", ".join(analysed.busy))
    context.add_output_metadata(
        {
            "totals_corrected": miscounted,
            "chunks_weighed": weighed,
            "tables_analysed": analysed.tables,
            "tables_busy": len(analysed.busy),
        }
    )


@dg.op(out=dg.Out(dg.Nothing), tags={"kind": "postgres"})
def check_index_health(context: dg.OpExecutionContext, kyo: KyoResource) -> None:
    """Looks at the tables of chunks and vectors: where many rows are dead, an HNSW index is slow and finds less.

    It changes nothing, since only the owner of the database may; the warnings say what to run.
    """
    tables = maintaining.read_tables(kyo.open)
    for warning in (sentence for table in tables for sentence in table.warnings):
        context.log.warning(warning)
    context.add_output_metadata(metadata.of_tables(tables))


@dg.op(out=dg.Out(dg.Nothing))
def find_orphans(context: dg.OpExecutionContext, kyo: KyoResource) -> None:
    """Looks for files in the store that no document has, and for what cut-off writes have left. It deletes nothing."""
    findings = doctor.check_store(kyo.open, OPERATOR)
    for finding in findings:
        if not finding.ok:
            context.log.warning("%s (%d) `kyo doctor --repair` removes them.", finding.message, finding.problems)
    context.add_output_metadata(metadata.of_store(findings))


@dg.op(out=dg.Out(dg.Nothing), tags={"kind": "postgres"})
def retain(context: dg.OpExecutionContext, kyo: KyoResource) -> None:
    """Deletes what is past its time: sessions that are over, failed sign-ins that no longer count, old versions.

    Embedding sets that were replaced, beyond `KYO_RETAIN_EMBEDDING_SETS`, and passages that no set searches any more.
    Versions only where `KYO_RETAIN_VERSIONS_DAYS` is set, and none that an answer cites; each has its audit row.
    """
    forgotten = retaining.delete_expired(kyo.open)
    expired = retaining.expire_versions(kyo.open)
    dropped = reembedding.retain(kyo.open)
    if expired.files_left:
        context.log.warning("%d files could not be removed: `kyo doctor --repair` does it.", expired.files_left)
    context.add_output_metadata(
        {
            "sessions": forgotten.sessions,
            "sign_in_tickets": forgotten.tickets,
            "failed_sign_ins": forgotten.failures,
            "versions": expired.versions,
            "chunks": expired.chunks,
            "files": expired.files,
            "versions_left": expired.left,
            "files_left": expired.files_left,
            "embedding_sets": len(dropped),
            "passages": reembedding.delete_unsearched_chunks(kyo.open),
        }
    )


@dg.op(out=dg.Out(dg.Nothing))
def forget_runs(context: dg.OpExecutionContext, kyo: KyoResource) -> None:
    """Deletes runs that ended more than `KYO_RETAIN_RUNS_DAYS` ago, with their events and what they printed.

    The run that has last materialised an asset stays: the asset's page leads there.
    """
    forgotten = forget(context.instance, kyo.open.now(), kyo.open.settings.KYO_RETAIN_RUNS_DAYS)
    context.add_output_metadata({"runs": forgotten.runs, "runs_kept": forgotten.kept, "runs_left": forgotten.left})
