"""Real and broken files of others: each must end as their manifest says, within the limits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import parser_manifest as manifest
from benchmarks.parser_manifest import Entry, Result
from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.settings import Settings

pytestmark = pytest.mark.skipif(not manifest.FOLDER.is_dir(), reason=manifest.ABSENT)

# Read with the others by `python -m benchmarks.parsing`; here they would take more time than all others together.
LONG = (
    "GeoTopo-komprimiert",
    "freeculture",
    "2017-annual",
    "EPA2022",
    "tracemonkey_",
    "comments",
    "issue12337",
    "issue12810",
    "bug1992",
)


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return [entry for entry in manifest.entries() if not Path(entry.file).name.startswith(LONG)]


@pytest.fixture(scope="module")
def results(entries: list[Entry]) -> Iterator[dict[str, Result]]:
    """What became of each file, by its name in the manifest."""
    pool = ParserPool(Settings(KYO_OCR="off"))
    yield manifest.run(pool, entries).results
    pool.close()


def test_every_file_ends_in_text_or_a_sentence(results: dict[str, Result], entries: list[Entry]) -> None:
    assert len(results) == len(entries)
    for name, result in results.items():
        if isinstance(result, str):
            assert result.endswith("."), name
        else:
            assert result.text.strip(), name
            result.text.encode("utf-8")
            assert "\x00" not in result.text
            assert all(result.text[heading.start :].strip() for heading in result.headings), name


def test_all_are_as_the_manifest_says(results: dict[str, Result], entries: list[Entry]) -> None:
    faults = manifest.score(entries, results)
    mistaken = {entry.file for entry in entries if manifest.is_explained(entry, results[entry.file])}
    assert {name: words for name, words in faults.items() if name not in mistaken} == {}


def test_a_fault_would_be_seen(entries: list[Entry]) -> None:
    """The rules themselves: noise where text is wanted, text where a refusal is wanted, and the other way round."""
    noise = ParsedDocument("noise")
    for entry in entries:
        if entry.kind in ("encrypted", "wrong-type", "empty", "scanned"):
            assert manifest.fault(entry, noise), entry.file
        elif entry.kind in ("ok", "table", "rtl", "tracked-changes", "footnotes") and entry.snippet:
            assert manifest.fault(entry, noise), entry.file
            assert manifest.fault(entry, "The file is damaged."), entry.file


def test_letters_are_compared_with_the_named_encoding(entries: list[Entry]) -> None:
    named = next(entry for entry in entries if entry.file == "txt/xquad_ro_iso8859-16.txt")
    right = named.path.read_bytes().decode("iso8859-16")
    assert manifest.fault(named, ParsedDocument(right)) == ""
    assert manifest.fault(named, ParsedDocument(right.replace("ț", "ţ"))) != ""
    assert manifest.fault(named, "It cannot be told in which encoding this file is written.") == ""
