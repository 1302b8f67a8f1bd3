import logging
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from kyo_pipeline.adapters.embedding.builtin import BuiltinEmbedder
from kyo_pipeline.adapters.embedding.factory import LazyEmbedder
from kyo_pipeline.domain.ports import Embedder
from kyo_pipeline.errors import Unavailable


@pytest.fixture(scope="module")
def embedder() -> BuiltinEmbedder:
    return BuiltinEmbedder()


def test_vectors_are_unit_rows_in_the_order_of_the_texts(embedder: BuiltinEmbedder) -> None:
    texts = ["Annual leave is thirty days. " * 30, "The printer", "Holidays and vacation", ""]
    vectors = embedder.embed_passages(texts)
    assert vectors.shape == (4, 256)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[1], embedder.embed_query("The printer"), atol=1e-5)
    query = embedder.embed_query("How much vacation do I get?")
    assert query @ vectors[2] > query @ vectors[1]


def test_no_texts_no_rows(embedder: BuiltinEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, 256)


def test_tokens_lie_where_they_say(embedder: BuiltinEmbedder) -> None:
    text = "Hello  world\n\nfoo bär"
    tokens = [text[start:end].strip(" ") for start, end in embedder.tokenizer.token_spans(text)]
    assert tokens == ["Hello", "", "world", "\n", "\n", "foo", "b", "är"]


def test_long_texts_are_cut_without_changing_tokens(embedder: BuiltinEmbedder) -> None:
    text = "Staff receive thirty days of annual leave.  Ask your manager.\n" * 400
    spans = embedder.tokenizer.token_spans(text)
    lines = text.splitlines(keepends=True)
    short = embedder.tokenizer.token_spans("".join(lines[:20]))
    assert [text[a:b].strip() for a, b in spans[: len(short)]] == [text[a:b].strip() for a, b in short]
    assert spans == sorted(spans)
    assert spans[-1][1] == len(text)


@pytest.mark.parametrize(
    "text", ["公司的员工" * 2000, "年假。" * 3000, "ab\n\n" * 3000, "a\t b" * 3000, "🎉" * 5000, "x1" * 5000]
)
def test_texts_without_single_spaces_are_cut_too(embedder: BuiltinEmbedder, text: str) -> None:
    spans = embedder.tokenizer.token_spans(text)
    assert spans == sorted(spans)
    assert spans[-1][1] == len(text)
    covered = bytearray(len(text))
    for start, end in spans:
        assert 0 <= start < end <= len(text)
        covered[start:end] = b"x" * (end - start)
    assert covered == b"x" * len(text)
    whole = [text[a:b] for a, b in embedder.tokenizer.token_spans(text[:900])]
    assert [text[a:b] for a, b in spans[: len(whole) - 5]] == whole[:-5]  # the last one may go on behind the cut


def test_memory_is_small_for_texts_without_spaces() -> None:
    code = (
        "from kyo_pipeline.adapters.embedding.builtin import BuiltinEmbedder; import resource;"
        "tokenizer = BuiltinEmbedder().tokenizer; tokenizer.token_spans('warm up');"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "before = peak(); tokenizer.token_spans('公司的员工每年可以享受十五天的带薪年假' * 50_000);"
        "assert peak() - before < 200 << 10, peak() - before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_loading_leaves_the_root_logger_alone() -> None:
    code = (
        "import logging; from kyo_pipeline.adapters.embedding.builtin import BuiltinEmbedder; BuiltinEmbedder();"
        "assert not logging.getLogger().handlers; assert logging.getLogger().level == logging.WARNING"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert logging.getLogger().level >= logging.WARNING


def test_nothing_is_loaded_before_the_first_use() -> None:
    code = (
        "import sys; from kyo_pipeline.adapters.embedding import open_embedder;"
        "from kyo_pipeline.settings import Settings; e = open_embedder(Settings());"
        "assert 'wordllama' not in sys.modules; assert 'fastembed' not in sys.modules;"
        "assert e.spec.dimensions == 256"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_threads_load_once_and_a_failure_is_tried_again(embedder: BuiltinEmbedder) -> None:
    loads: list[int] = []

    def load() -> Embedder:
        loads.append(1)
        time.sleep(0.02)
        if len(loads) == 1:
            raise Unavailable("down")
        return embedder

    lazy = LazyEmbedder(load)
    with pytest.raises(Unavailable):
        lazy.embed_query("a")
    threads = [threading.Thread(target=lazy.embed_query, args=("a",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 2
