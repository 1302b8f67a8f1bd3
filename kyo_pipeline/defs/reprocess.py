"""The op of the job `reprocess`, and what is typed into its launchpad."""

from uuid import UUID

import dagster as dg
from pydantic import Field

from kyo_pipeline.defs import metadata
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.errors import KyoError, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import reprocessing
from kyo_pipeline.services.reprocessing import Reprocessed, Skipped


class Which(dg.Config):
    """Which documents are to be read again. Fill in exactly one of the three."""

    document_ids: list[str] = Field(
        default=[],
        description='Ids of documents, as `kyo documents list` and the asset checks show them: ["0b9c…", "5d1e…"].',
    )
    collection: str = Field(default="", description="The name of a collection: all of its documents.")
    everything: bool = Field(default=False, description="All documents that are neither archived nor deleted.")


@dg.op(out=dg.Out(dg.Nothing), tags={"kind": "postgres"})
def send_again(context: dg.OpExecutionContext, config: Which, kyo: KyoResource) -> None:
    """Queue the documents, each in a transaction of its own, and say how many there were."""
    try:
        done = _send(kyo.open, config)
    except (KyoError, ValueError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    for skipped in done.skipped:
        context.log.warning("Skipped %s: %s", skipped.document_id, skipped.reason)
    context.log.info("%d read again, %d restarted, %d wait already", done.again, done.restarted, done.waiting)
    context.add_output_metadata(metadata.of_reprocessing(done))


def _send(kyo: Kyo, config: Which) -> Reprocessed:
    if not config.document_ids:
        return reprocessing.reprocess(kyo, OPERATOR, collection=config.collection or None, everything=config.everything)
    if config.collection or config.everything:
        raise ValueError("Fill in only one of document_ids, collection and everything.")
    ids = [_id(value) for value in config.document_ids]  # all of them before anything is done
    parts = [_send_one(kyo, document_id) for document_id in ids]
    return Reprocessed(
        again=sum(part.again for part in parts),
        restarted=sum(part.restarted for part in parts),
        waiting=sum(part.waiting for part in parts),
        skipped=tuple(skipped for part in parts for skipped in part.skipped),
    )


def _send_one(kyo: Kyo, document_id: UUID) -> Reprocessed:
    """One that is not there does not stop the others."""
    try:
        return reprocessing.reprocess(kyo, OPERATOR, document_id=document_id)
    except NotFound as error:
        return Reprocessed(0, 0, 0, (Skipped(document_id, "No document", error.message),))


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise ValueError(f"{value} is not the id of a document.") from None
