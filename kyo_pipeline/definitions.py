"""The Dagster entry point: `dagster api grpc -m kyo_pipeline.definitions`."""

import dagster as dg

from kyo_pipeline.defs.assets import ASSETS
from kyo_pipeline.defs.checks import CHECKS
from kyo_pipeline.defs.embedding_sets import EMBEDDING_SET_ASSETS
from kyo_pipeline.defs.gaps import find_knowledge_gaps, knowledge_gaps, nightly_knowledge_gaps
from kyo_pipeline.defs.jobs import ingest, reembed, reprocess, upkeep
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.defs.schedules import SCHEDULES, expire, nightly_upkeep, scheduled_reembedding
from kyo_pipeline.defs.sensors import SENSORS
from kyo_pipeline.settings import load_settings

# Dagster wants to know of schedules before anything runs: all else reads its settings when it is used.
settings = load_settings()

defs = dg.Definitions(
    assets=[*ASSETS, *EMBEDDING_SET_ASSETS, knowledge_gaps],
    asset_checks=CHECKS,
    jobs=[ingest, reembed, reprocess, expire, upkeep, find_knowledge_gaps],
    schedules=[
        *SCHEDULES,
        nightly_knowledge_gaps,
        nightly_upkeep(settings.KYO_UPKEEP_CRON),
        *scheduled_reembedding(settings.KYO_REEMBED_CRON),
    ],
    sensors=SENSORS,
    resources={"kyo": KyoResource()},
    # Starting a process a step would cost 3 s each; the steps are short and share their models.
    executor=dg.in_process_executor,
)
