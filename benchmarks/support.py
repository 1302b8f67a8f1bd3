"""How often the check of support is wrong: `python -m benchmarks.support`.

Each sentence of the gold answers of clapnq, and the same with another number where it has one, is held against the
passage that the answer is from, and against the passages that are next in a search for the question. The gold answers
were written by people from their passage, in part in its words.
"""

import json
import re
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import log

from benchmarks.labelled import SHARED
from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.domain.evidence import Similarity
from kyo_pipeline.domain.figures import values_of
from kyo_pipeline.domain.ports import Vectors
from kyo_pipeline.domain.stemming import stems
from kyo_pipeline.domain.support import is_supported, sentences_of, support
from kyo_pipeline.settings import Settings

CLAPNQ = SHARED / "clapnq"
NEIGHBOURS = 3


@dataclass(frozen=True)
class Case:
    """A sentence with a passage that bears it out, or that only looks like it."""

    sentence: str
    passage: str


def cosines() -> Similarity:
    embedder = open_embedder(Settings())

    @cache
    def embedded(sentences: tuple[str, ...]) -> Vectors:
        return embedder.embed_passages(sentences)

    def similarity(sentence: str, others: Sequence[str]) -> Sequence[float]:
        return [float(one) for one in embedded(tuple(others)) @ embedder.embed_query(sentence)]

    return similarity


def idf(passages: Sequence[str]) -> dict[str, float]:
    counted = Counter(stem for passage in passages for stem in set(stems(passage)))
    return {stem: log(1 + (len(passages) - n + 0.5) / (n + 0.5)) for stem, n in counted.items()}


def read() -> tuple[list[str], list[tuple[str, str]]]:
    """The passages, and pairs of a sentence out of a gold answer with the passage that it is from."""
    rows = [json.loads(line) for line in (CLAPNQ / "corpus.jsonl").open(encoding="utf-8")]
    passages = {row["id"]: row["text"] for row in rows}
    lines = (CLAPNQ / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    own = {query: passages[doc] for query, doc, _ in (line.split("\t") for line in lines)}
    pairs = []
    for row in (json.loads(line) for line in (CLAPNQ / "queries.jsonl").open(encoding="utf-8")):
        if row["id"] in own and row.get("answers"):
            pairs += [(sentence.words, own[row["id"]]) for sentence in sentences_of(row["answers"][0])]
    return list(passages.values()), [pair for pair in pairs if len(stems(pair[0])) > 3]


def likest(sentence: str, own: str, passages: Sequence[str], weights: dict[str, float]) -> list[str]:
    """The passages that share most with the sentence, other than its own."""
    words = set(stems(sentence))
    ranked = sorted(
        (passage for passage in passages if passage != own),
        key=lambda passage: -sum(weights.get(stem, 0.0) for stem in words & set(stems(passage))),
    )
    return ranked[:NEIGHBOURS]


def altered(sentence: str, passage: str) -> str | None:
    """The sentence with its last number changed to one that the passage does not have."""
    found = list(re.finditer(r"\d+", sentence))
    if not found:
        return None
    last = found[-1]
    return next(
        changed
        for step in range(1, 1000)
        if not values_of(changed := f"{sentence[: last.start()]}{int(last[0]) + step}{sentence[last.end() :]}")
        <= values_of(passage)
    )


def rate(cases: Sequence[Case], is_wrong: Callable[[Case], bool]) -> str:
    wrong = sum(map(is_wrong, cases))
    return f"{wrong / max(len(cases), 1):6.1%} ({wrong} of {len(cases)})"


def main() -> None:
    if not CLAPNQ.is_dir():
        print("skipped: there is no shared data beside this project")
        return
    passages, pairs = read()
    weights, similarity = idf(passages), cosines()
    borne_out = [Case(sentence, own) for sentence, own in pairs]
    foreign = [Case(one, other) for one, own in pairs for other in likest(one, own, passages, weights)]
    numbers = [Case(changed, own) for one, own in pairs if (changed := altered(one, own)) is not None]
    for name, cosine in (("words alone", None), ("words and cosine", similarity)):
        print(name)

        def holds(case: Case, cosine: Similarity | None = cosine) -> bool:
            return is_supported(case.sentence, [case.passage], weights, cosine)

        print(f"  borne out, but marked                  {rate(borne_out, lambda one: not holds(one))}")
        print(f"  of one of the likest passages, unmarked{rate(foreign, holds)}")
        print(f"  with another number, unmarked          {rate(numbers, holds)}")
        for title, cases in (("own passage", borne_out), ("likest passages", foreign)):
            values = [support(one.sentence, one.passage, weights, cosine) for one in cases]
            cuts = statistics.quantiles(values, n=20)
            print(f"  support by {title}: 5 % below {cuts[0]:.2f}, median {cuts[9]:.2f}, 5 % above {cuts[-1]:.2f}")
            for limit in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
                print(f"    {limit:.1f}: {sum(value >= limit for value in values) / len(values):.3f} reach it")


if __name__ == "__main__":
    main()
