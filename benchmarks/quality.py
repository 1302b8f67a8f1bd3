"""Quality of search and answers on public sets: `python -m benchmarks.quality [SET…] [--models …] [--limit N]`.

Prints markdown tables: the legs, refusal and answers, and BM25 beside a reference implementation (bm25s). Each set goes
through `kyo eval`'s own steps: cutting, embedding, search and generator are the product's. The model `minilm` needs the
extra `local`, and its ONNX folder among the shared models. `768` is that model at an endpoint, with the mean and the
maximum of its token vectors side by side: there is no other with 768 dimensions among the shared ones.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import bm25s
import Stemmer

from kyo_app.evaluation import Plan, evaluate
from kyo_pipeline.adapters.scoring import score
from kyo_pipeline.domain.evaluation import Evaluation, Leg, Scores
from kyo_pipeline.domain.labelled import LabelledSet
from kyo_pipeline.services.evaluating import read_labelled
from kyo_pipeline.settings import PROJECT_ROOT, Settings

SHARED = PROJECT_ROOT.parent / "shared"
DATA = SHARED / "data"
MINILM = SHARED / "models/all-MiniLM-L6-v2-onnx"
LIMIT = 300
MODELS = ["built-in", "minilm", "768"]

#: One chunk a passage, as the reference has it.
UNCUT = 8192
REFERENCE_SETS = ("scifact", "handbook_faq/18f", "contoso_hr")
#: Lists of stop words of bm25s, of 33 and 179 words; PostgreSQL's has 127.
STOP_WORDS = ("en", "en_plus")


@dataclass(frozen=True)
class Case:
    """A set and how it is evaluated. `foreign`: whose questions should be refused."""

    name: str
    docs: bool = False
    within: bool = False
    foreign: str | None = None

    @property
    def title(self) -> str:
        return f"{self.name}{', original files' if self.docs else ''}{', within the document' if self.within else ''}"


CASES = (
    Case("scifact"),
    Case("handbook_faq/18f", foreign="contoso_hr"),
    Case("handbook_faq/18f", docs=True),
    Case("contoso_hr", foreign="handbook_faq/18f"),
    Case("contoso_hr", docs=True),
    Case("kg_rag_sec10q", docs=True),
    Case("policyqa/dev", within=True),
    Case("clapnq"),
    Case("xquad/en"),
    Case("xquad/de"),
    Case("xquad/ar"),
    Case("xquad/zh"),
)


def run(settings: Settings, case: Case, limit: int) -> Evaluation:
    foreign = read_labelled(DATA / case.foreign).for_evaluation(limit) if case.foreign else None
    plan = Plan(docs=case.docs, within=case.within, foreign=foreign, limit=limit)
    return evaluate(settings, read_labelled(DATA / case.name), plan)


def legs_row(model: str, case: Case, found: Evaluation) -> list[str]:
    legs = {one.leg: one.scores for one in found.legs}
    ndcg = [f"{legs[leg].ndcg_at_10:.3f}" for leg in (Leg.LEXICAL, Leg.DENSE, Leg.FUSED)]
    fused = legs[Leg.FUSED]
    better = max(legs[Leg.LEXICAL].ndcg_at_10, legs[Leg.DENSE].ndcg_at_10)
    return [
        case.title,
        model,
        str(found.questions),
        *ndcg,
        f"{fused.ndcg_at_10 - better:+.3f}",
        *(f"{value:.3f}" for value in (fused.recall_at_10, fused.recall_at_100, fused.mrr_at_10)),
        f"{found.latency.p50:.0f} / {found.latency.p95:.0f}",
    ]


LEGS = ["set", "embedding", "questions", "lexical", "dense", "fused", "over the better leg"]
LEGS += ["recall@10", "recall@100", "MRR@10", "ms p50 / p95"]


def replies_row(model: str, case: Case, found: Evaluation) -> list[str] | None:
    if found.refusal is None:
        return None
    wrong, refused = found.refusal, f"{_rate(found.refusal.refused_although_answerable, found.refusal.answerable)}"
    answered = _rate(wrong.answered_although_unanswerable, wrong.unanswerable)
    source = f" (questions of {case.foreign})" if wrong.foreign else ""
    accuracy = [
        f"{one.measure}: {one.among_answered:.3f} of {one.answered} answered, {one.overall:.3f} of all {one.questions}"
        for one in found.accuracy
    ]
    return [case.title, model, refused, f"{answered}{source}", "; ".join(accuracy) or "–"]


REPLIES = ["set", "embedding", "refused although answerable", "answered although unanswerable", "answers"]


def reference(labelled: LabelledSet, stop_words: str) -> Scores:
    """bm25s with the parameters of ours: Lucene's BM25, k1 1.2, b 0.75, Snowball English."""
    stemmer = Stemmer.Stemmer("english")
    tokens: Callable[[list[str]], bm25s.tokenization.Tokenized] = partial(
        bm25s.tokenize, stopwords=stop_words, stemmer=stemmer, show_progress=False
    )
    model = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    model.index(tokens([f"{one.title}\n{one.text}" for one in labelled.passages]), show_progress=False)
    found, _ = model.retrieve(tokens([one.text for one in labelled.judged]), k=100, show_progress=False)
    ranked = {
        question.id: [labelled.passages[place].id for place in places]
        for question, places in zip(labelled.judged, found, strict=True)
    }
    return score(ranked, labelled.relevant)


def reference_row(settings: Settings, name: str) -> list[str]:
    """All judged questions: the whole set takes bm25s a second."""
    labelled = read_labelled(DATA / name).for_evaluation()
    uncut = settings.model_copy(update={"CHUNK_SIZE": UNCUT})
    ours = evaluate(uncut, labelled, Plan()).legs[0].scores.ndcg_at_10
    theirs = [reference(labelled, words).ndcg_at_10 for words in STOP_WORDS]
    return [name, f"{ours:.4f}", *(f"{other:.4f} ({ours - other:+.4f})" for other in theirs)]


REFERENCE = [
    "set",
    "ours, one chunk a passage",
    *(f"bm25s, stop words `{words}` (ours over it)" for words in STOP_WORDS),
]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rate(count: int, total: int) -> str:
    return f"{count / total:.1%} ({count} of {total})" if total else "–"


@contextmanager
def endpoint(is_wanted: bool) -> Iterator[str | None]:
    """The address of a server with 768 dimensions, where the weights for it are there."""
    if not is_wanted or not MINILM.is_dir():
        yield None
        return
    port = free_port()
    command = [sys.executable, "-m", "tests.adapters.embedding_server", "--model", str(MINILM)]
    command += ["--dimensions", "768", "--tokens", "512", "--port", str(port)]
    server = subprocess.Popen(command, cwd=PROJECT_ROOT)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("sets", nargs="*", help=f"names in {DATA.name}; all, unless some are given")
    arguments.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    arguments.add_argument("--limit", type=int, default=LIMIT, help="judged questions of a set, at most")
    arguments.add_argument("--no-reference", action="store_true", help="without the comparison with bm25s")
    wanted = arguments.parse_args()
    cases = [case for case in CASES if (DATA / case.name).is_dir() and case.name in (wanted.sets or [case.name])]
    if not cases:
        print(f"skipped: there is no labelled data in {DATA}")
        return
    with tempfile.TemporaryDirectory(prefix="kyo-bench-") as home, endpoint("768" in wanted.models) as address:
        built_in = Settings(KYO_HOME=Path(home), KYO_EMBEDDING_BACKEND="builtin")
        local = {"KYO_EMBEDDING_BACKEND": "local", "KYO_EMBEDDING_MODEL": str(MINILM)}
        remote = {
            "KYO_EMBEDDING_BACKEND": "huggingface",
            "KYO_EMBEDDING_MODEL": "mean-and-maximum",
            "KYO_EMBEDDING_ENDPOINT": address,
            "KYO_EMBEDDING_TOKENIZER": MINILM / "tokenizer.json",
        }
        models = {"built-in": built_in}
        if MINILM.is_dir():
            models |= {"minilm": built_in.model_copy(update=local), "768": built_in.model_copy(update=remote)}
        legs, answers = [], []
        for model in (name for name in wanted.models if name in models):
            for case in cases:
                print(f"{case.title}, {model}", file=sys.stderr)
                found = run(models[model], case, wanted.limit)
                legs.append(legs_row(model, case, found))
                answers.append(replies_row(model, case, found))
                print("  ".join(legs[-1]), *(answers[-1] or ()), sep="\n", file=sys.stderr)
        print(f"nDCG@10 of each leg, then figures of the fused one; up to {wanted.limit} questions of each set.\n")
        print(table(LEGS, legs))
        print("\nRefusal and answers.\n")
        print(table(REPLIES, [row for row in answers if row is not None]))
        if not wanted.no_reference:
            print("\nnDCG@10 of the lexical leg beside bm25s.\n")
            rows = [reference_row(built_in, name) for name in REFERENCE_SETS if name in {one.name for one in cases}]
            print(table(REFERENCE, rows))


if __name__ == "__main__":
    main()
