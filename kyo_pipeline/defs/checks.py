"""Asset checks: what must hold of the index after each run. `kyo doctor` runs the same ones, and repairs."""

from collections.abc import Iterator

import dagster as dg

from kyo_pipeline.defs import metadata
from kyo_pipeline.defs.assets import (
    chunk_vectors,
    document_chunks,
    document_texts,
    lexical_weights,
    searchable_documents,
)
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.findings import Ailment
from kyo_pipeline.services import doctor, upkeep

_WHAT_TO_DO = "Where it fails, `kyo doctor --repair` puts right what can be put right."

_SOUND = {
    Ailment.FILES: (document_texts, "The file of every version is in the file store."),
    Ailment.CHUNKS: (document_chunks, "Every version that is ready has all of its chunks."),
    Ailment.VECTORS: (
        chunk_vectors,
        "Every chunk of a version that is ready has a vector of the active embedding set.",
    ),
    Ailment.STRAY_VECTORS: (chunk_vectors, "Every vector belongs to a chunk."),
    Ailment.NOT_READY: (searchable_documents, "What answers questions is ready and approved."),
    Ailment.WEIGHTS: (lexical_weights, "Every chunk of a version that is ready has its weights for search by words."),
    Ailment.STATISTICS: (lexical_weights, "The totals of the corpus, which BM25 is computed with, are right."),
}


@dg.multi_asset_check(
    name="soundness",
    specs=[
        dg.AssetCheckSpec(name=ailment.value, asset=asset, description=f"{description} {_WHAT_TO_DO}")
        for ailment, (asset, description) in _SOUND.items()
    ],
)
def soundness(kyo: KyoResource) -> Iterator[dg.AssetCheckResult]:
    """All that `kyo doctor` asks the database, in one step."""
    for finding in doctor.check_index(kyo.open, OPERATOR):
        yield dg.AssetCheckResult(
            check_name=finding.ailment.value,
            asset_key=_SOUND[finding.ailment][0].key,
            passed=finding.ok,
            description=None if finding.ok else f"{finding.message} {_WHAT_TO_DO}",
            metadata=metadata.of_finding(finding),
        )


@dg.asset_check(asset=searchable_documents)
def nothing_is_stuck(kyo: KyoResource) -> dg.AssetCheckResult:
    """No file has waited for more than an hour."""
    stuck = upkeep.count_stuck(kyo.open)
    return dg.AssetCheckResult(passed=stuck == 0, severity=dg.AssetCheckSeverity.WARN, metadata={"files_stuck": stuck})


CHECKS = [soundness, nothing_is_stuck]
