"""Files that others wrote or broke, and the rules that say whether each ended as its MANIFEST.tsv wants.

Used by benchmarks/parsing.py and tests/adapters/test_parser_set.py.
"""

import csv
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.domain.media_types import identify
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.errors import Invalid
from kyo_pipeline.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT.parent / "shared/data/parser"
ABSENT = "the parser set is not beside the project"

#: Expectations that contradict the file: the manifest's own reader made the snippet wrong. Each with what is expected
#: in its place. They are counted apart, never as a match.
MISTAKEN = {
    "pdf/freetext_no_appearance.pdf": (
        "the snippet is what one reader's missing glyphs made of it; the file's own text is plain Arabic",
        "الإنترنت العالمي المفتوح هو أقوى اتصال",
    ),
}

_MUST_REFUSE = re.compile(r"refuse(?: clearly)?:|say that no text")
_MAY_REFUSE = re.compile(r"refuse|refusal|clear error|or a note|error$|never a crash")
_LABELS = re.compile(r"(?:^|(?<=\n)| \| )[^|\n:]{1,60}: ")
_ENCODING = re.compile(r"encoding ([\w-]+)")

Result = ParsedDocument | str


@dataclass(frozen=True)
class Entry:
    """A line of the manifest."""

    file: str
    kind: str
    expect: str
    snippet: str
    notes: str

    @property
    def path(self) -> Path:
        return FOLDER / self.file


@dataclass(frozen=True)
class Run:
    """What became of each file, by its name in the manifest, and the seconds that the reading took."""

    results: dict[str, Result]
    seconds: dict[str, float]


def entries() -> list[Entry]:
    with (FOLDER / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [Entry(row["file"], row["kind"], row["expect"], row["snippet"] or "", row["notes"] or "") for row in rows]


def run(pool: ParserPool, wanted: list[Entry]) -> Run:
    """Every file as an upload goes: told by its content, then read by the pool.

    The pool must not recognise text in pictures: the manifest wants those pages named as without text.
    """
    results: dict[str, Result] = {}
    seconds: dict[str, float] = {}
    files: list[tuple[Path, str]] = []
    names: list[str] = []
    for entry in wanted:
        try:
            files.append((entry.path, identify(entry.path.name, entry.path.read_bytes())))
            names.append(entry.file)
        except Invalid as refusal:
            results[entry.file] = refusal.message
    for index, result, taken in pool.parse_many(files):
        results[names[index]] = result
        seconds[names[index]] = taken
    return Run(results, seconds)


def folded(text: str) -> str:
    """As the manifest compares: NFKC, white space folded; without the control characters that KYO never stores."""
    kept = (character for character in unicodedata.normalize("NFKC", text) if _is_kept(character))
    return " ".join("".join(kept).split())


def fault(entry: Entry, result: Result) -> str:
    """ "" when the file ended as the manifest wants, else what is wrong.

    - "refuse", "say that no text": a refusal.
    - "or a clear error", "or text if …": a refusal, or text; with the snippet in it where there is one.
    - "text …", "body …", "right": text with the snippet in it; a text file in a named encoding must be equal to what
      that encoding gives, letter by letter.
    - No snippet: the manifest's reader found no words either, so that "no text was found" is right.
    - A table's snippet is its bare cells: it may be found without the headers that KYO writes before each value.
    - part-scanned: the pages without text are named too. control-chars: no such character is left.
    """
    if isinstance(result, str):
        return _fault_of_refusal(entry, result)
    if (_MUST_REFUSE.search(entry.expect) and entry.kind != "slow") or entry.kind == "encrypted":
        return "was accepted"
    if "\x00" in result.text or not result.text.strip() or "\ufffd" * 3 in result.text:
        return "is no text"
    if entry.kind == "part-scanned" and not result.empty_pages:
        return "does not name the pages without text"
    if entry.kind == "control-chars" and any(not _is_kept(character) for character in result.text):
        return "holds invisible characters"
    if entry.snippet and not _holds(result.text, entry.snippet):
        return "has other text"
    return _fault_of_letters(entry, result.text)


def score(wanted: list[Entry], results: dict[str, Result]) -> dict[str, str]:
    """The faults, by file."""
    faults = {entry.file: fault(entry, results[entry.file]) for entry in wanted}
    return {name: words for name, words in faults.items() if words}


def is_explained(entry: Entry, result: Result) -> bool:
    """Whether a fault is the manifest's: the text is there, and right as far as anybody can tell."""
    known = MISTAKEN.get(entry.file)
    return known is not None and isinstance(result, ParsedDocument) and folded(known[1]) in folded(result.text)


def _fault_of_refusal(entry: Entry, result: str) -> str:
    if not entry.snippet and result.startswith("No text was found"):
        return ""
    allowed = _MUST_REFUSE.search(entry.expect) or _MAY_REFUSE.search(entry.expect) or entry.kind == "encrypted"
    if not allowed:
        return "was refused"
    if entry.kind == "encrypted" and "password" not in result:
        return "was refused without a word about its password"
    return "" if result.endswith(".") else "was refused without a sentence"


def _holds(text: str, snippet: str) -> bool:
    bare = _LABELS.sub(" ", text)
    return folded(snippet) in folded(text) or folded(snippet) in folded(bare)


def _fault_of_letters(entry: Entry, text: str) -> str:
    named = _ENCODING.search(entry.notes)
    if entry.kind not in ("encoding", "encoding-hard") or named is None:
        return ""
    wanted = entry.path.read_bytes().decode(named[1], errors="ignore")
    return "" if folded(wanted) == folded(text) else "has wrong letters"


def _is_kept(character: str) -> bool:
    return character in "\n\t\r\u200c\u200d" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
