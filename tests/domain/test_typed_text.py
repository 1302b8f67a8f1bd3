"""One line that somebody typed."""

import re

import pytest

from kyo_pipeline.domain.typed_text import checked_line
from kyo_pipeline.errors import Invalid

REFUSED = ["x" * 11, "nul\x00", "half \ud800", "turned \u202e", "two\nlines", "\x1b[31m", "x" * 1_000_000]


@pytest.mark.parametrize("typed", ["", "   ", *REFUSED])
def test_what_must_be_there(typed: str) -> None:
    sentence = "A word has 1 to 10 characters on one line, without control characters."
    with pytest.raises(Invalid, match=re.escape(sentence)):
        checked_line(typed, "A word", 10)


@pytest.mark.parametrize("typed", REFUSED)
def test_what_may_be_missing(typed: str) -> None:
    sentence = "A word has at most 10 characters on one line, without control characters."
    with pytest.raises(Invalid, match=re.escape(sentence)):
        checked_line(typed, "A word", 10, may_be_empty=True)
    assert checked_line("  ", "A word", 10, may_be_empty=True) == ""


@pytest.mark.parametrize("typed", ["x", "x" * 10, "😀", "日本語", "a & b"])
def test_what_surrounds_a_line_does_not_count(typed: str) -> None:
    assert checked_line(f"  {typed} ", "A word", 10) == typed
