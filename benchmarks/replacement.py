"""Questions about pages while they are replaced: `python -m benchmarks.replacement`.

Each page is approved in its old form and then replaced, while its question is asked again and again. Needs the set
`versions` of the shared data: 15 edited pages of a real handbook, each with a question whose answer the edit changed.
"""

import json
import re
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from benchmarks.stack import running_stack
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.errors import KyoError
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, library, reviewing
from kyo_pipeline.settings import PROJECT_ROOT

VERSIONS = PROJECT_ROOT.parent / "shared/data/versions"
CALM_SECONDS = 1.0


@dataclass(frozen=True)
class Edit:
    """One page before and after, and the question that it answers with another value since."""

    id: str
    question: str
    before: str
    after: str
    before_page: str
    after_page: str
    still_there: bool  # whether the new page has the old value too, in another place


@dataclass
class Asked:
    """One answer: the versions of the page that it cites, and which of the two values stand in it.

    `quoted_old`: in what it cites of this page. Other pages may say the same value for good reason.
    """

    begun: float
    ended: float
    answered: bool
    versions: set[int] = field(default_factory=set)
    old: bool = False
    new: bool = False
    quoted_old: bool = False


@dataclass(frozen=True)
class Swap:
    """`old_after`: answers with the old value, or of the old version, that were begun after the swap."""

    asked: int
    old_after: int
    gaps: int
    seconds: float
    right_before: bool
    right_after: bool


def read_edits() -> list[Edit]:
    lines = (VERSIONS / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    edits = []
    for one in map(json.loads, lines):
        before, after = ((VERSIONS / one[name]).read_text(encoding="utf-8") for name in ("before_file", "after_file"))
        still_there = stands_in(one["before_answer"], after)
        edits.append(
            Edit(one["id"], one["text"], one["before_answer"], one["after_answer"], before, after, still_there)
        )
    return edits


def stands_in(value: str, text: str) -> bool:
    """The value as words or a number of its own: 3 does not stand in 30, nor $18,000 in $118,000."""
    return (
        re.search(rf"(?<![\w,.]){re.escape(value)}(?![\w%])(?![,.]\d)", " ".join(text.split()), re.IGNORECASE)
        is not None
    )


def publish(kyo: Kyo, edit: Edit, page: str) -> UUID:
    document = library.upload(kyo, OPERATOR, f"{edit.id}.txt", page.encode()).document
    reviewing.approve(kyo, OPERATOR, document.latest.id)
    return document.id


def current(kyo: Kyo, document_id: UUID) -> int | None:
    return library.read_document(kyo, OPERATOR, document_id).current_number


def told(edit: Edit, document_id: UUID, answer: Answer, begun: float) -> Asked:
    """What an answer says, in its text or in the passages that it cites of this page."""
    cited = [citation for citation in answer.citations if citation.document_id == document_id]
    quotes = "\n".join(citation.quote for citation in cited)
    text = f"{answer.text}\n{quotes}"
    return Asked(
        begun,
        time.perf_counter(),
        answer.outcome is Outcome.ANSWERED,
        {citation.version_number for citation in cited},
        stands_in(edit.before, text),
        stands_in(edit.after, text),
        stands_in(edit.before, quotes),
    )


@contextmanager
def asked_all_the_while(kyo: Kyo, edit: Edit, document_id: UUID) -> Iterator[list[Asked]]:
    """Asks in a thread of its own; the list grows."""
    asked: list[Asked] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            begun = time.perf_counter()
            try:
                asked.append(told(edit, document_id, asking.ask(kyo, OPERATOR, edit.question), begun))
            except KyoError:
                asked.append(Asked(begun, time.perf_counter(), answered=False))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield asked
    finally:
        over.set()
        thread.join()


def swap(kyo: Kyo, edit: Edit, document_id: UUID) -> Swap:
    with asked_all_the_while(kyo, edit, document_id) as asked:
        time.sleep(CALM_SECONDS)
        started = time.perf_counter()
        publish(kyo, edit, edit.after_page)
        while current(kyo, document_id) != 2:
            time.sleep(0.01)
        swapped = time.perf_counter()
        time.sleep(CALM_SECONDS)
    first, last = asked[0], asked[-1]
    # The swap is a moment in the database: who has seen the new version has it behind them, whenever we noticed.
    seen = min([swapped, *(one.ended for one in asked if 2 in one.versions)])
    after = [one for one in asked if one.begun > seen]
    return Swap(
        asked=len(asked),
        old_after=sum(1 in one.versions or (one.quoted_old and not edit.still_there) for one in after),
        gaps=sum(not one.answered for one in asked) if first.answered and last.answered else 0,
        seconds=swapped - started,
        right_before=1 in first.versions and first.old,
        right_after=2 in last.versions and last.new,
    )


def main() -> None:
    if not VERSIONS.exists():
        print("not measured: the shared data set `versions` is not here")
        sys.exit(0)
    edits = read_edits()
    with running_stack() as (_, kyo):
        documents = {edit.id: publish(kyo, edit, edit.before_page) for edit in edits}
        while any(current(kyo, document_id) is None for document_id in documents.values()):
            time.sleep(0.1)
        swaps = [swap(kyo, edit, documents[edit.id]) for edit in edits]
    seconds = [one.seconds for one in swaps]
    print(f"pages replaced                {len(swaps)}, each while its question was asked all the while")
    print(f"answers                       {sum(one.asked for one in swaps)}")
    print(f"old value after the swap      {sum(one.old_after for one in swaps)}   (wanted: 0)")
    print(f"moments without an answer     {sum(one.gaps for one in swaps)}   (wanted: 0)")
    print(f"right value before            {sum(one.right_before for one in swaps)} of {len(swaps)}")
    print(f"right value after             {sum(one.right_after for one in swaps)} of {len(swaps)}")
    median, least, most = statistics.median(seconds), min(seconds), max(seconds)
    print(f"seconds from upload to swap   median {median:.2f}, {least:.2f} to {most:.2f}")


if __name__ == "__main__":
    main()
