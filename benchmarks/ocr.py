"""Words that text recognition finds on scanned pages, and pages a second: `python -m benchmarks.ocr`.

The scans are those of the parser set; those whose original is there as well are compared with it, page by page.
"""

import re
import time
from collections import Counter
from pathlib import Path

from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.domain.media_types import PDF
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.settings import PROJECT_ROOT, Settings

SHARED = PROJECT_ROOT.parent / "shared/data"
ORIGINALS = (SHARED / "parser/pdf", SHARED / "contoso_hr/docs")


def main() -> None:
    scans = sorted((SHARED / "parser/pdf").glob("*scan_of_*.pdf"))
    pool = ParserPool(Settings(KYO_PARSE_WORKERS=1))
    if not scans or not pool.ocr.options:
        print(f"not measured: {len(scans)} scans beside the project, text recognition {pool.recognition}")
        return
    list(pool.parse_many([(scans[0], PDF)]))  # the child has started
    pages, seconds, found, expected = 0, 0.0, 0, 0
    for scan in scans:
        started = time.perf_counter()
        document = read(pool, scan)
        took = time.perf_counter() - started
        count = len(document.ocr_pages) if document else 0
        here = recognised(pool, scan, document) if document else None
        said = "no original to compare with" if here is None else f"{here[0]:5} of {here[1]:5} words as in the original"
        print(f"{scan.name:45} {count:3} pages {took:6.2f} s  {said}")
        pages, seconds = pages + count, seconds + took
        if here:
            found, expected = found + here[0], expected + here[1]
    print(f"{pages} pages in {seconds:.1f} s: {pages / seconds:.2f} pages a second with one process")
    print(f"{found / max(expected, 1):.1%} of {expected} words found")
    pool.close()


def read(pool: ParserPool, path: Path) -> ParsedDocument | None:
    [(_, result, _)] = pool.parse_many([(path, PDF)])
    return result if isinstance(result, ParsedDocument) else None


def recognised(pool: ParserPool, scan: Path, document: ParsedDocument) -> tuple[int, int] | None:
    """How many words of the original's pages were found on the recognised ones, and how many there are."""
    name = scan.name.split("scan_of_")[1]
    original = next((read(pool, folder / name) for folder in ORIGINALS if (folder / name).is_file()), None)
    if original is None:
        return None
    found = expected = 0
    for page in document.ocr_pages:
        wanted, seen = words(original, page), words(document, page)
        found, expected = found + (wanted & seen).total(), expected + wanted.total()
    return found, expected


def words(document: ParsedDocument, page: int) -> Counter[str]:
    starts = [*document.page_starts, len(document.text)]
    return Counter(re.findall(r"\w+", document.text[starts[page - 1] : starts[page]].casefold()))


if __name__ == "__main__":
    main()
