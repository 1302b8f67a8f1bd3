"""Passages into the PGVector stores of LangChain and LlamaIndex, and questions to them: see benchmarks/frameworks.py.

It runs in an environment of its own that has these frameworks, with the folder of the task as its argument, and imports
nothing of KYO. The stores have their default settings; only where a default would not give `k` passages is it set to
`k`. None of them makes a vector index unless told to, so all of them scan, which is exact.
"""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Task:
    """What to store and what to ask."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        task: dict[str, Any] = json.loads((folder / "task.json").read_text())
        self.k: int = task["k"]
        self.names: list[str] = task["names"]
        self.texts: list[str] = task["texts"]
        self.questions: list[str] = task["questions"]
        self.vectors: list[list[float]] = np.load(folder / "vectors.npy").tolist()
        asked: list[list[float]] = np.load(folder / "question_vectors.npy").tolist()
        self.vector_of = dict(zip(self.questions, asked, strict=True))
        self._url: str = task["url"]

    @property
    def dimensions(self) -> int:
        return len(self.vectors[0])

    def url(self, driver: str) -> str:
        return self._url.replace("+psycopg2", f"+{driver}", 1)


Search = Callable[[str], list[str]]


def langchain(task: Task) -> dict[str, Search]:
    from langchain_core.embeddings import Embeddings
    from langchain_postgres import PGEngine, PGVector, PGVectorStore
    from langchain_postgres.v2.hybrid_search_config import HybridSearchConfig

    class Known(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise NotImplementedError("passages come with their vectors")

        def embed_query(self, text: str) -> list[float]:
            return task.vector_of[text]

    named = [{"name": name} for name in task.names]
    plain = PGVector(Known(), connection=task.url("psycopg"), collection_name="bench", create_extension=False)
    plain.add_embeddings(task.texts, task.vectors, named, [str(uuid.uuid4()) for _ in named])

    engine = PGEngine.from_connection_string(task.url("psycopg"))
    config = HybridSearchConfig(tsv_column="content_tsv", primary_top_k=task.k, secondary_top_k=task.k)
    engine.init_vectorstore_table("bench_hybrid", task.dimensions, hybrid_search_config=config)
    hybrid = PGVectorStore.create_sync(engine, Known(), "bench_hybrid", hybrid_search_config=config)
    hybrid.add_embeddings(task.texts, task.vectors, named, [str(uuid.uuid4()) for _ in named])

    def found(store: Any) -> Search:
        return lambda question: [one.metadata["name"] for one in store.similarity_search(question, k=task.k)]

    return {"LangChain PGVector": found(plain), "LangChain PGVectorStore, hybrid": found(hybrid)}


def llama_index(task: Task) -> dict[str, Search]:
    from llama_index.core import VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.postgres import PGVectorStore

    class Known(BaseEmbedding):  # type: ignore[misc]  # the frameworks are not installed where types are checked
        def _get_query_embedding(self, query: str) -> list[float]:
            return task.vector_of[query]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return task.vector_of[query]

        def _get_text_embedding(self, text: str) -> list[float]:
            raise NotImplementedError("passages come with their vectors")

    store = PGVectorStore.from_params(
        connection_string=task.url("psycopg2"),
        async_connection_string=task.url("asyncpg"),
        table_name="bench",
        embed_dim=task.dimensions,
        hybrid_search=True,
    )
    store.add(
        [
            TextNode(id_=name, text=text, embedding=vector)
            for name, text, vector in zip(task.names, task.texts, task.vectors, strict=True)
        ]
    )
    index = VectorStoreIndex.from_vector_store(store, embed_model=Known())
    dense = index.as_retriever(similarity_top_k=task.k)
    sparse = index.as_retriever(vector_store_query_mode="sparse", similarity_top_k=task.k)
    # Its dense passages come first, then those by words: of ten and ten the first ten would be the dense ones.
    halves = {"similarity_top_k": task.k // 2, "sparse_top_k": task.k // 2}
    fused = QueryFusionRetriever(
        [dense, sparse],
        llm=MockLLM(),
        mode="relative_score",
        similarity_top_k=task.k,
        num_queries=1,  # no other wordings by a language model
        use_async=False,
    )

    def found(retriever: Any) -> Search:
        return lambda question: [one.node.node_id for one in retriever.retrieve(question)][: task.k]

    return {
        "LlamaIndex PGVectorStore": found(dense),
        "LlamaIndex PGVectorStore, hybrid": found(index.as_retriever(vector_store_query_mode="hybrid", **halves)),
        "LlamaIndex QueryFusionRetriever": found(fused),
    }


def analyse(task: Task) -> None:
    import psycopg

    with psycopg.connect(task.url("psycopg").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("vacuum analyze")


def measure(task: Task, search: Search) -> dict[str, Any]:
    """Each question once to warm up, and once for the clock."""
    for question in task.questions:
        search(question)
    ranked, milliseconds = [], []
    for question in task.questions:
        started = time.perf_counter()
        ranked.append(search(question))
        milliseconds.append((time.perf_counter() - started) * 1000)
    return {"ranked": ranked, "milliseconds": milliseconds}


def main(folder: Path) -> None:
    task = Task(folder)
    stores = {**langchain(task), **llama_index(task)}
    analyse(task)
    results = {name: measure(task, search) for name, search in stores.items()}
    (folder / "results.json").write_text(json.dumps(results))
