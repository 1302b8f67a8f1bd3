"""Materialises the ingestion assets in this process until nothing waits: `python -m kyo_pipeline.defs.run_once [-]`.

With `-` it reads ids of versions from stdin and goes on until each of them is ready or has failed. What it waits for
is written to stdout, a line each; Dagster's own log goes to stderr.
"""

import sys
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import dagster as dg

from kyo_pipeline.defs.assets import ASSETS, LOCAL_TAG
from kyo_pipeline.defs.checks import CHECKS
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import indexing, library
from kyo_pipeline.settings import load_settings

_PAUSE_SECONDS = 1.0
_AT_A_TIME = 200
_FINAL = (VersionStatus.READY, VersionStatus.FAILED)


def run_until_done(
    kyo: Kyo, wanted: Sequence[UUID], materialize: Callable[[], bool], pause: Callable[[], None]
) -> bool:
    """Take up batch after batch, until nothing waits and no wanted version is under way; False when a run failed.

    What another run has claimed cannot be taken up before that claim ends: a killed run leaves such claims.
    """
    told = False
    while True:
        if indexing.count_waiting(kyo):
            if not materialize():
                return False
        elif count := _under_way(kyo, wanted):
            if not told:
                _say(f"Waiting for {count} files that an earlier run holds or has put off. This may take minutes.")
                told = True
            pause()
        else:
            return True


def _under_way(kyo: Kyo, wanted: Sequence[UUID]) -> int:
    """How many are neither ready nor failed, those too that a newer version has replaced. A deleted one has failed."""
    count = 0
    for begin in range(0, len(wanted), _AT_A_TIME):
        found = library.list_versions(kyo, OPERATOR, wanted[begin : begin + _AT_A_TIME])
        count += sum(one.version.status not in _FINAL for one in found)
    return count


def _materialize() -> bool:
    result = dg.materialize(
        [*ASSETS, *CHECKS],
        resources={"kyo": KyoResource()},
        tags={LOCAL_TAG: "true"},
        raise_on_error=False,
    )
    return result.success


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> bool:
    wanted = [UUID(line) for line in sys.stdin.read().split()] if sys.argv[1:] == ["-"] else []
    kyo = open_kyo(load_settings(), DatabaseRole.PIPELINE)
    try:
        return run_until_done(kyo, wanted, _materialize, lambda: time.sleep(_PAUSE_SECONDS))
    finally:
        kyo.close()


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
