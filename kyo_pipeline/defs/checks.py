"""Asset checks: what must hold of the index after each run."""

from dataclasses import asdict

import dagster as dg

from kyo_pipeline.defs.assets import searchable_documents
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.services import upkeep


@dg.asset_check(asset=searchable_documents)
def index_is_sound(kyo: KyoResource) -> dg.AssetCheckResult:
    """Whatever answers questions is ready, approved, and has all of its chunks and vectors; the statistics agree."""
    health = asdict(upkeep.inspect(kyo.open))
    return dg.AssetCheckResult(passed=not any(health.values()), metadata=health)


@dg.asset_check(asset=searchable_documents)
def nothing_is_stuck(kyo: KyoResource) -> dg.AssetCheckResult:
    """No file has waited for more than an hour."""
    stuck = upkeep.count_stuck(kyo.open)
    return dg.AssetCheckResult(passed=stuck == 0, severity=dg.AssetCheckSeverity.WARN, metadata={"files_stuck": stuck})


CHECKS = [index_is_sound, nothing_is_stuck]
