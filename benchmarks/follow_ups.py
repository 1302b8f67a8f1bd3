"""What rewriting follow-ups is worth: `python -m benchmarks.follow_ups`.

Real questions of a handbook are made into follow-ups: the words of the page's title, which say what they are about,
become "it", and a question about that page comes before them. Prints how well the right passages are found for the
question as staff wrote it, for the follow-up alone, and for the follow-up rewritten by the rules. The other way round:
of the questions as they were written, after one about another page, how many are changed, and what that costs.
"""

import json
import re
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks.labelled import SHARED, index, ndcg, read
from kyo_pipeline.db import search
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.follow_up import standing_alone
from kyo_pipeline.domain.stemming import stems
from kyo_pipeline.kyo import Kyo, database_url, open_kyo
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings

SET = SHARED / "handbook_faq/18f"
_WORDS = re.compile(r"[\w'’-]+|[^\w\s]")
_BEFORE_A_NOUN = {"the", "a", "an", "my", "your", "our", "this", "their"}


@dataclass(frozen=True)
class Asked:
    """A question of the set, the title of its page, and the question as a follow-up where it names the title."""

    id: str
    question: str
    title: str
    follow_up: str | None


def questions(folder: Path) -> list[Asked]:
    rows = [json.loads(line) for line in (folder / "queries.jsonl").open()]
    return [
        Asked(row["id"], row["text"], row["meta"]["title"], as_follow_up(row["text"], row["meta"]["title"]))
        for row in rows
    ]


def as_follow_up(question: str, title: str) -> str | None:
    """With "it" for the words of the title, and what leads to them; None where the question has none of them."""
    named, words = set(stems(title)), []
    for word in _WORDS.findall(question):
        if set(stems(word)) & named:
            while words and words[-1].lower() in _BEFORE_A_NOUN:
                words.pop()
            if words[-1:] != ["it"]:
                words.append("it")
        else:
            words.append(word)
    return re.sub(r"\s+([?.,!:;)])", r"\1", " ".join(words)) if "it" in words else None


class Ranking:
    """Scores of questions under the product's own search."""

    def __init__(
        self, kyo: Kyo, space: EmbeddingSet, named: Mapping[UUID, str], relevant: Mapping[str, Mapping[str, int]]
    ) -> None:
        self._kyo, self._space, self._named, self._relevant = kyo, space, named, relevant

    def of(self, question_id: str, words: str) -> tuple[float, float]:
        """nDCG@10, and whether a relevant passage is among the first five, from which an answer is made."""
        with self._kyo.db.transaction(OPERATOR) as tx:
            found = search.passages(tx, self._space, words, self._kyo.embedder.embed_query(words), 10)
        ranked = [self._named[passage.version_id] for passage in found]
        relevant = self._relevant[question_id]
        return ndcg(ranked, relevant), float(any(name in relevant for name in ranked[:5]))

    def rewritten(self, question: str, before: str) -> str | None:
        with self._kyo.db.transaction(OPERATOR) as tx:
            weights = search.analyse(tx, before).weights
        return standing_alone(question, [Turn(before, False, Outcome.ANSWERED)], weights)


def show(label: str, scores: list[tuple[float, float]]) -> None:
    gained, hit = zip(*scores, strict=True)
    print(f"  {label:44} nDCG@10 {statistics.mean(gained):.4f}   right passage in five {statistics.mean(hit):.3f}")


def follow_ups(ranking: Ranking, asked: list[Asked]) -> None:
    pairs = [(one, one.follow_up, f"What should I know about {one.title}?") for one in asked if one.follow_up]
    rewritten = [ranking.rewritten(follow_up, before) for _, follow_up, before in pairs]
    print(f"{len(pairs)} follow-ups, of which the rules rewrite {sum(one is not None for one in rewritten)}")
    show("as staff wrote the question", [ranking.of(one.id, one.question) for one, _, _ in pairs])
    show("follow-up, alone", [ranking.of(one.id, follow_up) for one, follow_up, _ in pairs])
    show(
        "follow-up, rewritten",
        [ranking.of(one.id, new or follow_up) for (one, follow_up, _), new in zip(pairs, rewritten, strict=True)],
    )
    for (one, follow_up, _), new in list(zip(pairs, rewritten, strict=True))[:5]:
        print(f"    {one.question}  →  {follow_up}  →  {new}")


def stand_alone(ranking: Ranking, asked: list[Asked]) -> None:
    """After a question about another page: what is said in full is not to be changed."""
    others = [next(other for other in [*asked[n:], *asked] if other.title != one.title) for n, one in enumerate(asked)]
    rewritten = [
        ranking.rewritten(one.question, f"What should I know about {other.title}?")
        for one, other in zip(asked, others, strict=True)
    ]
    changed = [(one, new) for one, new in zip(asked, rewritten, strict=True) if new]
    print(f"{len(asked)} questions in full after one about another page, of which the rules change {len(changed)}")
    show("as staff wrote the question", [ranking.of(one.id, one.question) for one in asked])
    show(
        "after the rules",
        [ranking.of(one.id, new or one.question) for one, new in zip(asked, rewritten, strict=True)],
    )
    for one, new in changed[:20]:
        print(f"    {one.question}  →  {new}")


def main() -> None:
    if not SET.is_dir():
        print(f"skipped: there is no labelled data in {SET}")
        return
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home")) as servers,
    ):
        operations.migrate(servers.settings)
        kyo = open_kyo(servers.settings)
        labelled = read(SET)
        owner = Database(database_url(kyo.settings))
        with owner.transaction(OPERATOR) as tx:
            space, named = index(kyo, tx, labelled)
        owner.close()
        ranking = Ranking(kyo, space, named, labelled.relevant)
        asked = [one for one in questions(SET) if one.id in labelled.relevant]
        follow_ups(ranking, asked)
        stand_alone(ranking, asked)
        kyo.close()


if __name__ == "__main__":
    main()
