"""The Dagster entry point: `dagster api grpc -m kyo_pipeline.definitions`."""

import dagster as dg

from kyo_pipeline.defs.assets import ASSETS
from kyo_pipeline.defs.checks import CHECKS
from kyo_pipeline.defs.embedding_sets import EMBEDDING_SET_ASSETS
from kyo_pipeline.defs.jobs import ingest, reembed, reprocess
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.defs.schedules import SCHEDULES, expire
from kyo_pipeline.defs.sensors import SENSORS

defs = dg.Definitions(
    assets=[*ASSETS, *EMBEDDING_SET_ASSETS],
    asset_checks=CHECKS,
    jobs=[ingest, reembed, reprocess, expire],
    schedules=SCHEDULES,
    sensors=SENSORS,
    resources={"kyo": KyoResource()},
    # Starting a process a step would cost 3 s each; the steps are short and share their models.
    executor=dg.in_process_executor,
)
