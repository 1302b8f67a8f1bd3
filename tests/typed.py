"""Texts that people may type, on purpose or not."""

import pytest

PASSWORD = "correct horse battery"

BAD_TEXTS = {
    "empty": "",
    "blank": "   ",
    "huge": "x" * 1_000_000,
    "NUL": "a\x00b",
    "emoji": "😀🧅",
    "surrogate": "a\ud800b",
    "SQL": "'; drop table users; --",
    "HTML": "<script>alert(1)</script>",
    "RTL": "\u202egpj.exe",
}
bad_texts = pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in BAD_TEXTS.items()])
