"""The same passages and questions through LangChain, LlamaIndex and KYO: `python -m benchmarks.frameworks [SET…]`.

One PostgreSQL serves all of them. One passage is one chunk; all get the same text and the same vectors of passages and
questions (so that no model is in the times), and are asked for ten passages. The frameworks have their default
settings, in a virtual environment of their own, see benchmarks/framework_stores.py. They know nothing of approval, of
versions, or of who may read what: KYO's times have all of that in them, under row-level security.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from sqlalchemy import make_url, text

from benchmarks import framework_stores
from benchmarks import labelled as sets
from benchmarks.kept_vectors import embedded
from benchmarks.measuring import header, how_busy, median, p95, row
from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.db import search
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.chunks import indexed_text
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.ports import Embedder, Tokenizer, Vectors
from kyo_pipeline.kyo import Kyo, database_url, open_kyo
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings

PACKAGES = (
    "langchain-postgres>=0.0.16,<0.1",
    "llama-index-vector-stores-postgres>=0.8,<0.9",
    "psycopg[binary]>=3.2,<4",
)
MINILM = sets.SHARED.parent / "models/all-MiniLM-L6-v2-onnx"
#: Not as a script: the modules beside it would hide others of the same name.
_RUN = "import pathlib, runpy, sys; runpy.run_path(sys.argv[1])['main'](pathlib.Path(sys.argv[2]))"

K = 10
DATABASE = "frameworks"


@dataclass(frozen=True)
class Known:
    """An embedder whose passages are embedded already, the port `Embedder` for the rest."""

    model: Embedder
    vectors: dict[str, Vectors]

    @property
    def spec(self) -> EmbeddingSpec:
        return self.model.spec

    @property
    def tokenizer(self) -> Tokenizer:
        return self.model.tokenizer

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.vectors[one] for one in texts])

    def embed_query(self, text: str) -> Vectors:
        return self.model.embed_query(text)


@dataclass(frozen=True)
class Found:
    """What a store has found for each question, best first, and the milliseconds of each."""

    store: str
    ranked: dict[str, list[str]]
    milliseconds: list[float]


def compared(kyo: Kyo, labelled: sets.Labelled, python: Path, keep: Path) -> Iterator[Found]:
    texts = [indexed_text(title, (), passage) for _, title, passage in labelled.passages]
    vectors = embedded(kyo.embedder, texts, keep)
    asked = {question: kyo.embedder.embed_query(words) for question, words in labelled.questions.items()}
    known = replace(kyo, embedder=Known(kyo.embedder, dict(zip(texts, vectors, strict=True))))
    yield _by_kyo(known, labelled, asked)
    names = [name for name, _, _ in labelled.passages]
    yield from _by_frameworks(kyo, python, names, texts, vectors, labelled.questions, np.stack(list(asked.values())))


def _by_kyo(kyo: Kyo, labelled: sets.Labelled, asked: dict[str, Vectors]) -> Found:
    owner = Database(database_url(kyo.settings))
    with owner.transaction(OPERATOR) as tx:
        space, named = sets.index(kyo, tx, labelled)
    with owner.autocommit() as connection:
        connection.execute(text("vacuum analyze"))
    owner.close()
    found = Found("**KYO**", {}, [])
    for warm in (True, False):
        for question, words in labelled.questions.items():
            started = time.perf_counter()
            with kyo.db.transaction(OPERATOR) as tx:
                passages = search.passages(tx, space, words, asked[question], K)
            if not warm:
                found.milliseconds.append((time.perf_counter() - started) * 1000)
            found.ranked[question] = [named[passage.version_id] for passage in passages]
    return found


def _by_frameworks(
    kyo: Kyo,
    python: Path,
    names: list[str],
    texts: list[str],
    vectors: Vectors,
    questions: dict[str, str],
    question_vectors: Vectors,
) -> Iterator[Found]:
    """In a process of the other environment; what goes there and comes back are files."""
    _make_database(kyo)
    with tempfile.TemporaryDirectory(prefix="kyo-bench-") as temporary:
        folder = Path(temporary)
        np.save(folder / "vectors.npy", vectors)
        np.save(folder / "question_vectors.npy", question_vectors)
        task = {
            "url": make_url(database_url(kyo.settings)).set(database=DATABASE).render_as_string(hide_password=False),
            "k": K,
            "names": names,
            "texts": texts,
            "questions": list(questions.values()),
        }
        (folder / "task.json").write_text(json.dumps(task))
        subprocess.run([python, "-c", _RUN, framework_stores.__file__, folder], check=True)
        results = json.loads((folder / "results.json").read_text())
    for store, result in results.items():
        yield Found(store, dict(zip(questions, result["ranked"], strict=True)), result["milliseconds"])


def _make_database(kyo: Kyo) -> None:
    """A new one, on the same server. Its template has the extension, and the owner may make databases."""
    owner = Database(database_url(kyo.settings))
    with owner.autocommit() as connection:
        connection.execute(text(f"drop database if exists {DATABASE} with (force)"))
        connection.execute(text(f"create database {DATABASE}"))
    owner.close()


def environment(folder: Path) -> Path:
    """The Python of a virtual environment with the frameworks, which is made if it is missing."""
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "numpy<3", *PACKAGES], check=True)
        (folder / "complete").touch()
    return python


def show(found: Found, labelled: sets.Labelled, title: str, model: str) -> None:
    scores = [sets.ndcg(found.ranked[question], labelled.relevant[question]) for question in labelled.questions]
    taken = found.milliseconds
    figures = f"{fmean(scores):.3f}", f"{median(taken):.1f}", f"{p95(taken):.1f}"
    print(row(title, model, found.store, *figures), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=sets.SETS, help=f"names in {sets.SHARED.name}")
    parser.add_argument("--keep", type=Path, help="a folder for the environment and the vectors, to use them again")
    parser.add_argument("--models", nargs="*", default=["builtin", "minilm"], choices=["builtin", "minilm"])
    arguments = parser.parse_args()
    wanted = [sets.SHARED / name for name in arguments.sets]
    if missing := [folder for folder in wanted if not folder.is_dir()]:
        print(f"skipped: there is no labelled data in {missing[0]}")
        return
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as temporary,
        operations.running_servers(Settings(KYO_HOME=Path(temporary) / "home")) as servers,
    ):
        operations.migrate(servers.settings)
        keep = arguments.keep or Path(temporary)
        python = environment(keep / "frameworks")
        print(f"nDCG@{K}, milliseconds of a search; {how_busy()}\n")
        print(header("set", "embedding", "store", f"nDCG@{K}", "median ms", "p95 ms"))
        for name in arguments.models:
            kyo = _with_model(open_kyo(servers.settings), name)
            for folder in wanted:
                labelled = sets.read(folder)
                for found in compared(kyo, labelled, python, keep):
                    show(found, labelled, str(folder.relative_to(sets.SHARED)), kyo.embedder.spec.model)
            kyo.close()


def _with_model(kyo: Kyo, name: str) -> Kyo:
    if name == "builtin":
        return kyo
    settings = kyo.settings.model_copy(update={"KYO_EMBEDDING_BACKEND": "local", "KYO_EMBEDDING_MODEL": str(MINILM)})
    return replace(kyo, settings=settings, embedder=open_embedder(settings))


if __name__ == "__main__":
    main()
