"""Seconds from upload to searchable, one 10-page PDF at a time: `python -m benchmarks.freshness [--runs 11]`."""

import argparse
import statistics
import time

from benchmarks.corpus import pdf
from benchmarks.stack import running_stack
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library, reviewing

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
    seconds = []
    with running_stack() as (_, kyo):
        for run in range(arguments.parse_args().runs):
            seconds.append(seconds_to_searchable(kyo, run))
            time.sleep(4)
    print(f"runs    {len(seconds)}, one PDF of {PAGES} pages each")
    print(f"median  {statistics.median(seconds):5.2f} s   (4 s or less is wanted on two quiet cores)")
    print(f"range   {min(seconds):5.2f} to {max(seconds):5.2f} s")


if __name__ == "__main__":
    main()
