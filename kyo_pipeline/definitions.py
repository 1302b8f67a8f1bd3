"""The Dagster entry point: `dagster api grpc -m kyo_pipeline.definitions`."""

import dagster as dg

from kyo_pipeline.defs.alerts import ALERT_SENSORS
from kyo_pipeline.defs.assets import ASSETS
from kyo_pipeline.defs.audit import AUDIT_ASSETS, prove_audit_log
from kyo_pipeline.defs.checks import CHECKS
from kyo_pipeline.defs.embedding_sets import EMBEDDING_SET_ASSETS
from kyo_pipeline.defs.gaps import find_knowledge_gaps, knowledge_gaps, nightly_knowledge_gaps
from kyo_pipeline.defs.jobs import ingest, measure_quality, reembed, reprocess, upkeep
from kyo_pipeline.defs.quality import QUALITY_ASSETS, QUALITY_CHECKS
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.defs.rollups import ROLLUP_CHECKS, ROLLUP_SENSORS, nightly_rollup, roll_up, usage_by_day
from kyo_pipeline.defs.schedules import (
    SCHEDULES,
    expire,
    nightly_audit,
    nightly_quality,
    nightly_upkeep,
    scheduled_reembedding,
)
from kyo_pipeline.defs.sensors import SENSORS
from kyo_pipeline.settings import load_settings

# Dagster wants to know of schedules before anything runs: all else reads its settings when it is used.
settings = load_settings()

defs = dg.Definitions(
    assets=[
        *ASSETS,
        *EMBEDDING_SET_ASSETS,
        *AUDIT_ASSETS,
        *QUALITY_ASSETS,
        knowledge_gaps,
        usage_by_day(settings.KYO_TIME_ZONE),
    ],
    asset_checks=[*CHECKS, *QUALITY_CHECKS, *ROLLUP_CHECKS],
    jobs=[ingest, reembed, reprocess, expire, upkeep, prove_audit_log, roll_up, measure_quality, find_knowledge_gaps],
    schedules=[
        *SCHEDULES,
        nightly_upkeep(settings.KYO_UPKEEP_CRON),
        nightly_audit(settings.KYO_UPKEEP_CRON),
        nightly_rollup(settings.KYO_TIME_ZONE),
        nightly_knowledge_gaps,
        nightly_quality(settings.KYO_QUALITY_CRON),
        *scheduled_reembedding(settings.KYO_REEMBED_CRON),
    ],
    sensors=[*SENSORS, *ROLLUP_SENSORS, *ALERT_SENSORS],
    resources={"kyo": KyoResource()},
    # Starting a process a step would cost 3 s each; the steps are short and share their models.
    executor=dg.in_process_executor,
)
