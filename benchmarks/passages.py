"""Many distinct passages, made of the sentences of real texts, and real questions to ask of them.

Passages are of the size of a handbook's (120 to 400 words) and stand ten to a document. Each has its subject from one
of the neighbouring texts that its document is about; another of them and two from anywhere in the set bring sentences
as well, or else thousands of passages would mean the same, as in no real collection. The same numbers make the same
passages, whichever are asked for. Where the sets are absent, sentences and questions are made up.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kyo_pipeline.settings import PROJECT_ROOT

SHARED = PROJECT_ROOT.parent / "shared/data"

#: Each set with its share of the documents.
SHARES = {
    "scifact": 0.3,
    "handbook_faq/18f": 0.2,
    "kg_rag_sec10q": 0.2,
    "contoso_hr": 0.1,
    "policyqa/dev": 0.1,
    "clapnq": 0.1,
}
PASSAGES_A_DOCUMENT = 10
SHORTEST, LONGEST = 120, 400

_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")
_FEWEST_WORDS, _MOST_WORDS = 4, 60
_SENTENCES_A_TEXT = 12
_TEXTS_A_DOCUMENT = 6


@dataclass(frozen=True)
class Text:
    """A stretch of a real text: its title, and sentences one after another."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """Passages are pairs of heading and text."""

    title: str
    passages: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Corpus:
    """What documents are made of: texts and questions by set."""

    texts: dict[str, list[Text]]
    questions_by_set: dict[str, list[str]]

    def document(self, number: int, passages: int = PASSAGES_A_DOCUMENT) -> Document:
        """The same number makes the same document."""
        dice = random.Random(f"document {number}")  # noqa: S311 — the same text at each run, not a secret
        name = dice.choices(self._sets, [SHARES.get(one, 1.0) for one in self._sets])[0]
        texts = self.texts[name]
        first = dice.randrange(len(texts))
        near = [texts[(first + step) % len(texts)] for step in range(_TEXTS_A_DOCUMENT)]
        mixed = ([dice.choice(near)] * 2 + [dice.choice(near)] + dice.choices(texts, k=2) for _ in range(passages))
        return Document(near[0].title, tuple(_passage(dice, one) for one in mixed))

    def questions(self, count: int) -> list[str]:
        """At most `count` of them, from each set in turn, so that any beginning has something of all."""
        dice = random.Random("questions")  # noqa: S311 — as above
        shuffled = {name: dice.sample(asked, len(asked)) for name, asked in sorted(self.questions_by_set.items())}
        longest = max(len(asked) for asked in shuffled.values())
        in_turn = (asked[rank] for rank in range(longest) for asked in shuffled.values() if rank < len(asked))
        return list(dict.fromkeys(in_turn))[:count]

    @cached_property
    def _sets(self) -> list[str]:
        return sorted(self.texts)


def read() -> Corpus:
    """From the real sets; of those that are at hand. Made-up text where none is."""
    folders = {name: SHARED / name for name in SHARES if (SHARED / name).is_dir()}
    if not folders:
        return _made_up()
    return Corpus(
        {name: _texts(folder) for name, folder in folders.items()},
        {name: _questions(folder) for name, folder in folders.items()},
    )


def _texts(folder: Path) -> list[Text]:
    rows = (json.loads(line) for line in (folder / "corpus.jsonl").open(encoding="utf-8"))
    return [text for row in rows for text in _stretches(row["title"] or "Untitled", _sentences(row["text"]))]


def _stretches(title: str, sentences: list[str]) -> Iterator[Text]:
    """A report of a hundred pages is many texts."""
    for start in range(0, len(sentences), _SENTENCES_A_TEXT):
        yield Text(title, tuple(sentences[start : start + _SENTENCES_A_TEXT]))


def _sentences(text: str) -> list[str]:
    whole = " ".join(text.replace("\0", "").split())
    split = (sentence.split() for sentence in _SENTENCE_END.split(whole))
    # Tables have no sentences: they are cut where a sentence would have ended long ago.
    pieces = (words[start : start + _MOST_WORDS] for words in split for start in range(0, len(words), _MOST_WORDS))
    return [" ".join(words) for words in pieces if len(words) >= _FEWEST_WORDS]


def _questions(folder: Path) -> list[str]:
    judged = {line.split("\t")[0] for line in (folder / "qrels.tsv").read_text().splitlines()[1:]}
    rows = [json.loads(line) for line in (folder / "queries.jsonl").open(encoding="utf-8")]
    return list(dict.fromkeys(row["text"] for row in rows if row["id"] in judged))


def _passage(dice: random.Random, texts: list[Text]) -> tuple[str, str]:
    """Runs of one to four sentences of these texts, until there are enough words."""
    wanted, words, runs = round(dice.triangular(SHORTEST, LONGEST)), 0, list[str]()
    while words < wanted:
        text = dice.choice(texts)
        start = dice.randrange(len(text.sentences))
        run = " ".join(text.sentences[start : start + dice.randint(1, 4)]).split()
        run = run[: max(LONGEST - words, 0)]
        runs.append(" ".join(run))
        words += len(run)
    heading = " ".join(dice.choice(texts[0].sentences).split()[:6])
    return heading, "\n\n".join(runs)


def _made_up() -> Corpus:
    """Of few words many are frequent and of many few, as in real text (Zipf)."""
    dice = random.Random(7)  # noqa: S311 — as above
    words = [f"w{number}" for number in range(20_000)]
    weights = [1 / (rank + 10) for rank in range(len(words))]

    def sentence(length: int) -> str:
        return " ".join(dice.choices(words, weights, k=length))

    texts = [Text(sentence(4), tuple(f"{sentence(20)}." for _ in range(_SENTENCES_A_TEXT))) for _ in range(5_000)]
    return Corpus({"made up": texts}, {"made up": [sentence(6) for _ in range(1_000)]})
