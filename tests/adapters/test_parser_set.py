"""Real and broken files of others: each must end in text or in a refusal, within the limits."""

import csv
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.domain.media_types import identify
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.errors import Invalid
from kyo_pipeline.settings import PROJECT_ROOT, Settings

FOLDER = PROJECT_ROOT.parent / "shared/data/parser"
REFUSED = {"encrypted", "wrong-type", "bomb", "empty", "scanned", "image-only", "no-text"}
EITHER = {"corrupt", "damaged", "fuzzed", "invalid-package", "macro-or-template", "slow", "encoding-hard"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the parser set is not beside the project")

Result = ParsedDocument | str


@pytest.fixture(scope="module")
def entries() -> list[dict[str, str]]:
    with (FOLDER / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.fixture(scope="module")
def results(entries: list[dict[str, str]]) -> dict[str, Result]:
    """What became of each file, by its name in the manifest."""
    found: dict[str, Result] = {}
    files: list[tuple[Path, str]] = []
    names: list[str] = []
    for entry in entries:
        path = FOLDER / entry["file"]
        try:
            files.append((path, identify(path.name, path.read_bytes())))
            names.append(entry["file"])
        except Invalid as refusal:
            found[entry["file"]] = refusal.message
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=20))
    for index, result, _ in pool.parse_many(files):
        found[names[index]] = result
    pool.close()
    return found


def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def verdict(entry: dict[str, str], result: Result) -> str:
    """`match`, or what is not as the manifest says."""
    if entry["kind"] in EITHER:
        return "match"
    if isinstance(result, str):
        refused = entry["kind"] in REFUSED or not entry["snippet"]
        return "match" if refused else "refused"
    if entry["kind"] in REFUSED:
        return "accepted"
    return "match" if folded(entry["snippet"] or "") in folded(result.text) else "other text"


def test_every_file_ends_in_text_or_a_sentence(results: dict[str, Result], entries: list[dict[str, str]]) -> None:
    assert len(results) == len(entries)
    for name, result in results.items():
        if isinstance(result, str):
            assert result.endswith("."), name
        else:
            assert result.text.strip(), name
            result.text.encode("utf-8")
            assert "\x00" not in result.text
            assert all(result.text[heading.start :].strip() for heading in result.headings), name


def test_nearly_all_are_as_the_manifest_says(results: dict[str, Result], entries: list[dict[str, str]]) -> None:
    verdicts = {entry["file"]: verdict(entry, results[entry["file"]]) for entry in entries}
    wrong = {name: word for name, word in verdicts.items() if word != "match"}
    assert Counter(verdicts.values())["match"] >= 0.97 * len(entries), wrong


@pytest.mark.parametrize("kind", ["encrypted", "bomb", "wrong-type"])
def test_what_must_be_refused_is(kind: str, results: dict[str, Result], entries: list[dict[str, str]]) -> None:
    # The owner's password of pr6531_2.pdf is empty, so that it opens although the reader of the manifest failed.
    names = {entry["file"] for entry in entries if entry["kind"] == kind} - {"pdf/pr6531_2.pdf"}
    assert {name for name in names if not isinstance(results[name], str)} == set()


def test_pages_without_text_are_named(results: dict[str, Result], entries: list[dict[str, str]]) -> None:
    for entry in entries:
        if entry["kind"] == "part-scanned":
            result = results[entry["file"]]
            assert isinstance(result, ParsedDocument)
            assert result.empty_pages, entry["file"]
