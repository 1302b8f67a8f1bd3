"""What answers are worth without a language model: `python -m benchmarks.answers`.

Over xquad/en: the share of questions with a gold answer inside the quoted sentences, and how often the span in bold
meets one. Over clapnq: how much of the gold answer is in the quotes, and how often the refusal is wrong. Needs the
shared data.
"""

import argparse
import json
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from benchmarks.labelled import SHARED, Labelled, index
from kyo_pipeline import finding
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.answers import Draft, Outcome
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.pieces import result_of
from kyo_pipeline.domain.spans import Kind, kind_of
from kyo_pipeline.domain.stemming import stems
from kyo_pipeline.finding import Stages
from kyo_pipeline.kyo import Kyo, database_url, open_kyo
from kyo_pipeline.services import indexing, library, operations, reviewing, upkeep
from kyo_pipeline.settings import Settings


@dataclass(frozen=True)
class Asked:
    """A question with its gold answers, and the draft that was written."""

    question: str
    gold: tuple[str, ...]
    draft: Draft

    @property
    def answered(self) -> bool:
        return self.draft.outcome is Outcome.ANSWERED

    @property
    def bold(self) -> list[str]:
        return [self.draft.text[span.start : span.end] for span in self.draft.findings.emphasis]


@contextmanager
def indexed(passages: list[tuple[str, str, str]]) -> Iterator[Kyo]:
    """Kyo over these passages (id, title, text), each of them a document of its own, in a place that goes away."""
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home")) as servers,
    ):
        operations.migrate(servers.settings)
        kyo, owner = open_kyo(servers.settings), Database(database_url(servers.settings))
        with owner.transaction(OPERATOR) as tx:
            index(kyo, tx, Labelled(passages, {}, {}))
        with owner.autocommit() as connection:
            connection.execute(text("analyze"))
        owner.close()
        yield kyo
        kyo.close()


def rows(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").open(encoding="utf-8")]


def passages_of(folder: Path) -> list[tuple[str, str, str]]:
    return [(str(row["id"]), str(row["title"]) or "-", str(row["text"])) for row in rows(folder, "corpus")]


def asked(kyo: Kyo, folder: Path, limit: int) -> Iterator[tuple[dict[str, object], Asked]]:
    for row in rows(folder, "queries")[:limit]:
        question = str(row["text"])
        retrieval = finding.retrieve(kyo, OPERATOR, question, kyo.settings.TOP_K_RESULTS, Stages())
        gold = row.get("answers") or []
        assert isinstance(gold, list)
        yield row, Asked(question, tuple(map(str, gold)), result_of(kyo.generator.generate(question, retrieval)))


def plain(words: str) -> str:
    """Without case, blanks and the marks that quoting changes."""
    return re.sub(r"[\s“”\"'’‘]+", " ", words.casefold()).strip()


def has_gold(one: Asked) -> bool:
    return any(plain(gold) in plain(one.draft.text) for gold in one.gold)


def meets_gold(one: Asked) -> bool:
    """Whether some bold span has a word with a gold answer in common."""
    return any(set(plain(bold).split()) & set(plain(gold).split()) for bold in one.bold for gold in one.gold)


def recall(one: Asked) -> float:
    """The share of the gold answer's stems that stand in the draft; the best of several gold answers."""
    said = Counter(stems(one.draft.text))
    return max(
        (sum((Counter(stems(gold)) & said).values()) / max(len(stems(gold)), 1) for gold in one.gold), default=0.0
    )


def share(found: list[Asked], holds: Callable[[Asked], bool]) -> str:
    count = sum(map(holds, found))
    return f"{count / max(len(found), 1):6.1%} ({count} of {len(found)})"


def xquad(limit: int, language: str) -> None:
    folder = SHARED / "xquad" / language
    with indexed(passages_of(folder)) as kyo:
        started = time.perf_counter()
        found = [one for _, one in asked(kyo, folder, limit)]
        seconds = time.perf_counter() - started
    print(f"xquad/{language}: {len(found)} questions, {1000 * seconds / len(found):.0f} ms each")
    print(f"  answered                      {share(found, lambda one: one.answered)}")
    print(f"  gold answer in the quotes     {share(found, has_gold)}")
    print(f"  characters of an answer       {statistics.mean(len(one.draft.text) for one in found):.0f}")
    conflicts = share(found, lambda one: bool(one.draft.findings.conflicts))
    print(f"  sources said to differ        {conflicts}")
    for kind in Kind:
        of_kind = [one for one in found if kind_of(one.question) is kind]
        marked = [one for one in of_kind if one.bold]
        reachable = [one for one in of_kind if has_gold(one)]
        print(f"  {kind.value:<10} bold meets gold    {share(of_kind, meets_gold)}")
        print(f"             of those with any bold  {share(marked, meets_gold)}")
        print(f"             of those quoted         {share(reachable, meets_gold)}")


def clapnq(limit: int) -> None:
    folder = SHARED / "clapnq"
    with indexed(passages_of(folder)) as kyo:
        found = list(asked(kyo, folder, limit))
    answerable = [one for row, one in found if row["meta"]["answerable"]]  # type: ignore[index]  # JSON of a known form
    others = [one for row, one in found if not row["meta"]["answerable"]]  # type: ignore[index]
    print(f"clapnq: {len(answerable)} questions with an answer, {len(others)} without")
    print(f"  refused although answerable   {share(answerable, lambda one: not one.answered)}")
    print(f"  answered although not         {share(others, lambda one: one.answered)}")
    said = [one for one in answerable if one.answered]
    print(f"  gold answer's words in quotes {statistics.mean(map(recall, answerable)):6.1%} of all answerable")
    print(f"                                {statistics.mean(map(recall, said)):6.1%} of those answered")
    print(f"  sources said to differ        {share(said, lambda one: bool(one.draft.findings.conflicts))}")


def handbook(limit: int) -> None:
    """A real handbook, cut as the product cuts: its own questions, and those of clapnq, none of which it answers."""
    folder = SHARED / "handbook_faq/18f"
    pages = sorted((folder / "docs").glob("*.txt"))
    with tempfile.TemporaryDirectory(prefix="kyo-bench-") as home:
        wanted = Settings(KYO_HOME=Path(home) / "home")
        with operations.running_servers(wanted) as servers:
            operations.migrate(servers.settings)
            app, pipeline = open_kyo(servers.settings), open_kyo(servers.settings, DatabaseRole.PIPELINE)
            for number, page in enumerate(pages):
                uploaded = library.upload(app, OPERATOR, f"{number}.txt", page.read_bytes())
                reviewing.approve(app, OPERATOR, uploaded.document.latest.id)
            for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
                for turn in range(20):  # each takes a batch
                    step(pipeline, indexing.claim_name(f"bench{turn}"))
            upkeep.refresh_weights(pipeline)
            own = [one for _, one in asked(app, folder, limit)]
            foreign = [one for _, one in asked(app, SHARED / "clapnq", limit)]
            app.close()
            pipeline.close()
    print(f"handbook_faq/18f: {len(pages)} pages, {len(own)} questions of its own, {len(foreign)} foreign ones")
    print(f"  answered, own                 {share(own, lambda one: one.answered)}")
    print(f"  answered, foreign             {share(foreign, lambda one: one.answered)}")
    print(f"  sources said to differ, own   {share(own, lambda one: bool(one.draft.findings.conflicts))}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--limit", type=int, default=2000, help="questions a set")
    arguments.add_argument("--language", default="en", help="of xquad: en, de, ar, zh")
    given = arguments.parse_args()
    if not (SHARED / "xquad").is_dir():
        print("skipped: there is no shared data beside this project")
        return
    xquad(given.limit, given.language)
    clapnq(given.limit)
    handbook(given.limit)


if __name__ == "__main__":
    main()
