"""Jobs."""

import dagster as dg

from kyo_pipeline.defs.assets import GROUP

ingest = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.groups(GROUP) | dg.AssetSelection.checks_for_assets(),
    description="Takes up what waits: reads, cuts, embeds and publishes it. Started by the sensor `waiting_files`; "
    "may be run by hand at any time, also twice at once.",
    # The sensor starts a new run as soon as work is left over, so Dagster need not repeat this one.
    tags={"dagster/max_retries": "0"},
)
