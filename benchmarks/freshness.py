"""Seconds from upload to searchable for one 10-page PDF on the running stack: `python -m benchmarks.freshness [--runs 11]`."""

import argparse
import statistics
import time

from benchmarks.corpus import pdf
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import library, reviewing
from tests.stack_process import RunningStack

PAGES = 10


def seconds_to_searchable(kyo: Kyo, run: int) -> float:
    """Upload and approve one new file, and wait until it can be found."""
    content = pdf(PAGES, seed=run)
    started = time.perf_counter()
    document = library.upload(kyo, OPERATOR, f"fresh-{run}.pdf", content).document
    reviewing.approve(kyo, OPERATOR, document.latest.id)
    while not library.read_document(kyo, OPERATOR, document.id).searchable:
        time.sleep(0.02)
    return time.perf_counter() - started


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=11)
    with RunningStack() as stack:
        kyo = open_kyo(stack.settings)
        seconds = []
        for run in range(arguments.parse_args().runs):
            seconds.append(seconds_to_searchable(kyo, run))
            time.sleep(4)
        kyo.close()
    print(f"runs    {len(seconds)}, one PDF of {PAGES} pages each")
    print(f"median  {statistics.median(seconds):5.2f} s   (4 s or less is wanted on two quiet cores)")
    print(f"range   {min(seconds):5.2f} to {max(seconds):5.2f} s")


if __name__ == "__main__":
    main()
