"""Jobs."""

import dagster as dg

from kyo_pipeline.defs.assets import GROUP
from kyo_pipeline.defs.embedding_sets import GROUP as SETS
from kyo_pipeline.defs.embedding_sets import candidate_quality
from kyo_pipeline.defs.quality import GROUP as QUALITY
from kyo_pipeline.defs.quality import answer_quality
from kyo_pipeline.defs.reprocess import send_again
from kyo_pipeline.defs.upkeep import check_index_health, find_orphans, forget_runs, refresh_statistics, retain

ingest = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.groups(GROUP),
    description="Takes up what waits: reads, cuts, embeds and publishes it. Started by the sensor `waiting_files`; "
    "may be run by hand at any time, also twice at once.",
    # The sensor starts a new run as soon as work is left over, so Dagster need not repeat this one.
    tags={"dagster/max_retries": "0"},
)


#: For the index of millions of passages, which nobody can make in parts.
_HOURS = 12

reembed = dg.define_asset_job(
    "reembed",
    selection=dg.AssetSelection.groups(SETS) | dg.AssetSelection.checks_for_assets(candidate_quality),
    description="Builds embedding sets beside the one that answers, judges them, and has a good one answer. Started by "
    "the sensor `other_embedding_sets`; may be run by hand at any time, also twice at once. With `begin_anew` in "
    "the launchpad everything is embedded once more by the model of the settings:\n\n"
    "```yaml\nops:\n  candidate_vectors:\n    config:\n      begin_anew: true\n```",
    # The sensor starts a new run as soon as work is left over, so Dagster need not repeat this one.
    tags={"dagster/max_retries": "0", "dagster/max_runtime": str(_HOURS * 3600)},
)


measure_quality = dg.define_asset_job(
    "measure_quality",
    selection=dg.AssetSelection.groups(QUALITY) | dg.AssetSelection.checks_for_assets(answer_quality),
    description="Asks the questions whose answers are known, and compares with the nights before. Started by the "
    "schedule `nightly_quality`; may be run by hand at any time.",
    tags={"dagster/max_retries": "0"},
)


@dg.job(
    name="reprocess",
    description="Sends documents through the pipeline again, from the files that were uploaded: after a change of "
    "settings (chunk size, OCR) or of the parsers, or to repair what is damaged. Say in the launchpad which ones: some "
    "documents, a collection, or everything; the run fails while it names none. For example:\n\n"
    "```yaml\nops:\n  send_again:\n    config:\n      collection: General\n```\n\n"
    "What answers questions goes on answering until the new reading is ready and takes its place. The run itself "
    "only queues the work; the sensor `waiting_files` starts runs of `ingest` for it. It may be run "
    "again at any time: what waits already is not queued twice.",
    tags={"dagster/max_retries": "0"},
)
def reprocess() -> None:
    send_again()


@dg.job(
    name="upkeep",
    description="What is done every night: statistics, a look at the tables of the index and at the file store; and "
    "what is past its time is deleted. The five steps have nothing to do with each other: one that fails does not stop "
    "the others. Started by the schedule `nightly_upkeep`; may be run by hand at any time, also twice at once.",
    tags={"dagster/max_retries": "0"},
)
def upkeep() -> None:
    refresh_statistics()
    check_index_health()
    find_orphans()
    retain()
    forget_runs()
