"""Seconds to cut a megabyte of hostile text, and how they grow with its length: `python -m benchmarks.hostile_texts`.

Growth is the ratio to half a megabyte: 2 is linear, 4 would be quadratic.
"""

import re
import time

from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.domain.chunking import chunk
from kyo_pipeline.domain.parsed import Heading, ParsedDocument
from kyo_pipeline.domain.ports import Tokenizer
from kyo_pipeline.settings import Settings

UNITS = ("Mr. ", "a.b", ".", "?!'", "1. ", "\n", ". \n", "。", "漢", "# a\n", "- a\n", "x", "a b ")
LENGTH = 1_000_000


def seconds(unit: str, length: int, tokenizer: Tokenizer) -> float:
    text = (unit * (length // len(unit) + 1))[:length]
    headings = tuple(Heading(found.start(), 1, "a") for found in re.finditer("# a", text))
    started = time.process_time()
    chunk(ParsedDocument(text, headings=headings), tokenizer, 500, 50)
    return time.process_time() - started


def main() -> None:
    tokenizer = open_embedder(Settings()).tokenizer
    tokenizer.token_spans("warm up")
    for unit in UNITS:
        half, whole = seconds(unit, LENGTH // 2, tokenizer), seconds(unit, LENGTH, tokenizer)
        print(f"{unit!r:10} {whole:6.2f} s   growth {whole / max(half, 0.001):4.1f}")


if __name__ == "__main__":
    main()
