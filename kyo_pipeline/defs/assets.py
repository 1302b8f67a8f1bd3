"""The ingestion pipeline: four steps that each take up what waits in the database, and the lexical weights.

The assets are not partitioned: the database knows the state of each file, and one run takes all that waits.
Docstrings are the descriptions in the Dagster UI.
"""

import dagster as dg

from kyo_pipeline.defs import metadata
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.services import indexing, upkeep

GROUP = "ingestion"
#: Steps that ask an embedding model take a place in this pool. How many there are stands in dagster.yaml; where an
#: endpoint bears less: `dagster instance concurrency set embedding_model 1`.
POOL = "embedding_model"
OWNERS = ["team:data-engineering"]

#: Runs outside the daemon mark themselves with this tag: their claims end by time, as nobody watches the process.
LOCAL_TAG = "kyo/local"


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"python", "postgres"})
def document_texts(context: dg.AssetExecutionContext, kyo: KyoResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # no value is passed on
    """The text of each uploaded file, with its pages and headings.

    Takes up to `KYO_BATCH_SIZE` versions with status `uploaded`, reads each in a child process with limits on time and
    memory, and stores the text in `version_texts`. A file that cannot be read ends as `failed` with a sentence for its
    uploader; it never takes the others with it.
    """
    report = indexing.parse(kyo.open, claim_of(context))
    return dg.MaterializeResult(metadata=metadata.of_step(report, "pages"))


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"python", "postgres"}, deps=[document_texts])
def document_chunks(context: dg.AssetExecutionContext, kyo: KyoResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # no value is passed on
    """The pieces that are searched and cited.

    Cuts each text at headings, paragraphs and sentences into chunks of `CHUNK_SIZE` tokens of the embedding model's own
    tokenizer, and computes the lexemes and BM25 weights of lexical search.
    """
    report = indexing.cut(kyo.open, claim_of(context))
    return dg.MaterializeResult(metadata=metadata.of_step(report, "chunks"))


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"python", "postgres"}, deps=[document_chunks], pool=POOL)
def chunk_vectors(context: dg.AssetExecutionContext, kyo: KyoResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # no value is passed on
    """One vector a chunk, in the table of the active embedding set.

    A chunk that stands unchanged in another version of its document takes over the vector that is there: the model is
    asked for the others only. `vectors_kept` says how many those were.

    When a remote model does not answer, what is left waits for a minute and then for the next run; nothing is lost.
    """
    report = indexing.embed(kyo.open, claim_of(context))
    return dg.MaterializeResult(metadata=metadata.of_step(report, "vectors"))


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"postgres"}, deps=[chunk_vectors])
def searchable_documents(context: dg.AssetExecutionContext, kyo: KyoResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # no value is passed on
    """Versions that are ready; those that are approved too answer questions from now on.

    Each document changes over in one transaction: all of its chunks and vectors, or none.
    """
    report = indexing.publish_ready(kyo.open, claim_of(context))
    return dg.MaterializeResult(metadata=metadata.of_step(report, "searchable"))


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"postgres"}, deps=[searchable_documents])
def lexical_weights(kyo: KyoResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # no value is passed on
    """BM25 weights of all chunks, computed again when the average chunk length has drifted by more than a tenth."""
    return dg.MaterializeResult(metadata={"chunks_weighed": upkeep.refresh_weights(kyo.open)})


def claim_of(context: dg.AssetExecutionContext) -> str:
    """The mark of this run on what it works on."""
    if LOCAL_TAG in context.run.tags:
        return f"local:{context.run.run_id}"
    return indexing.claim_name(context.run.run_id)


ASSETS = [document_texts, document_chunks, chunk_vectors, searchable_documents, lexical_weights]
