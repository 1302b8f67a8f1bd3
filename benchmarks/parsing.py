"""The parser set read as uploads are: score, seconds, memory, speed beside bare pypdf: `python -m benchmarks.parsing`.

The score is the share of files that ended as MANIFEST.tsv wants (rules: benchmarks/parser_manifest.py).
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pypdf

from benchmarks import parser_manifest as manifest
from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.domain.media_types import PDF
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.settings import Settings

ROUNDS = 3
SLOWEST = 8


@contextmanager
def peak_of_children() -> Iterator[dict[str, float]]:
    """The largest resident size of a single child process, in MB, under `peak`."""
    seen = {"peak": 0.0}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    seen["peak"] = max(seen["peak"], child.memory_info().rss / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def show_score(pool: ParserPool) -> None:
    wanted = manifest.entries()
    started = time.perf_counter()
    with peak_of_children() as memory:
        outcome = manifest.run(pool, wanted)
    took = time.perf_counter() - started
    faults = manifest.score(wanted, outcome.results)
    by_name = {entry.file: entry for entry in wanted}
    explained = [name for name in faults if manifest.is_explained(by_name[name], outcome.results[name])]
    kinds = Counter("text" if isinstance(result, ParsedDocument) else "refused" for result in outcome.results.values())
    print(
        f"{len(wanted) - len(faults)} of {len(wanted)} files ({1 - len(faults) / len(wanted):.1%}) end as the manifest "
        f"says, {len(explained)} more cannot; {kinds['text']} text, {kinds['refused']} refused"
    )
    for name, words in faults.items():
        reason = f" — {manifest.MISTAKEN[name][0]}" if name in explained else ""
        print(f"  {name} ({by_name[name].expect}) {words}{reason}")
    print(f"{took:.1f} s for the whole set; a child grew to {memory['peak']:.0f} MB at most; the slowest:")
    for name, seconds in sorted(outcome.seconds.items(), key=lambda item: -item[1])[:SLOWEST]:
        print(f"  {seconds:6.2f} s  {name}")


def bare(path: Path) -> None:
    for page in pypdf.PdfReader(path).pages:
        page.extract_text()


def readable_pdfs() -> list[Path]:
    """Those that pypdf reads without help, so that both sides do the same work."""
    paths = []
    for entry in manifest.entries():
        if entry.path.suffix == ".pdf" and entry.kind in ("ok", "table", "form", "other-script", "encrypted-open"):
            with suppress(Exception):
                bare(entry.path)  # also warms the file cache
                paths.append(entry.path)
    return paths


def show_speed() -> None:
    """Both one after the other in turn, each round; one child, because bare pypdf has one process as well."""
    paths = readable_pdfs()
    ratios = []
    pool = ParserPool(Settings(KYO_PARSE_WORKERS=1, KYO_OCR="off"))
    list(pool.parse_many([(paths[0], PDF)]))  # started and warm, as bare pypdf is
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for path in paths:
            bare(path)
        alone = time.perf_counter() - started
        started = time.perf_counter()
        list(pool.parse_many([(path, PDF) for path in paths]))
        isolated = time.perf_counter() - started
        ratios.append(alone / isolated)
        print(f"  {len(paths)} PDFs: bare pypdf {alone:.2f} s, KYO {isolated:.2f} s")
    pool.close()
    print(f"speed beside bare pypdf: {sorted(ratios)[ROUNDS // 2]:.2f} (0.8 or more is wanted)")


def main() -> None:
    if not manifest.FOLDER.is_dir():
        print(f"skipped: {manifest.ABSENT}")
        return
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pool = ParserPool(Settings(KYO_OCR="off"))  # as the manifest wants it
    show_score(pool)
    pool.close()
    show_speed()


if __name__ == "__main__":
    main()
