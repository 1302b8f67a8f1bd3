"""Materialises the ingestion assets in this process until nothing waits: `python -m kyo_pipeline.defs.run_once`."""

import sys

import dagster as dg

from kyo_pipeline.defs.assets import ASSETS, LOCAL_TAG
from kyo_pipeline.defs.checks import CHECKS
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services import indexing
from kyo_pipeline.settings import load_settings


def run_until_done() -> bool:
    """Take up batch after batch; False when a run failed."""
    kyo = open_kyo(load_settings())
    try:
        while indexing.count_waiting(kyo):
            result = dg.materialize(
                [*ASSETS, *CHECKS],
                resources={"kyo": KyoResource()},
                tags={LOCAL_TAG: "true"},
                raise_on_error=False,
            )
            if not result.success:
                return False
    finally:
        kyo.close()
    return True


if __name__ == "__main__":
    sys.exit(0 if run_until_done() else 1)
