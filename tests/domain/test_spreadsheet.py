"""What a spreadsheet would calculate, as text."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain import spreadsheet


@pytest.mark.parametrize(
    ("cells", "written"),
    [
        (["Leave", 27, 0.5], "Leave,27,0.5\n"),
        (["=1+1"], "'=1+1\n"),
        (["+1"], "'+1\n"),
        (["-1"], "'-1\n"),
        ([-1], "-1\n"),  # a number is nothing that somebody wrote
        (["@sum(a1)"], "'@sum(a1)\n"),
        (["\t=1"], "\t'=1\n"),
        (["  =1"], "'  =1\n"),
        (["＝1"], "'＝1\n"),
        (["a;=1"], "a;'=1\n"),
        (['a;"=1'], '"a;\'""=1"\n'),
        (["a\n=1"], '"a\n\'=1"\n'),
        (["a=b, c-d"], '"a=b, c-d"\n'),
        ([""], '""\n'),
    ],
)
def test_texts_are_no_formulas(cells: list[str | int | float], written: str) -> None:
    assert spreadsheet.line(cells) == written


@given(st.lists(st.text("=+-@;,\t\r\n\" 'a", max_size=8), min_size=1, max_size=4))
def test_no_cell_begins_a_formula_wherever_it_is_split(cells: list[str]) -> None:
    line = spreadsheet.line(cells)
    read = next(csv.reader(io.StringIO(line, newline="")))
    assert len(read) == len(cells)
    for cell in read:
        for part in re.split("[;\t\r\n]", cell):
            assert not part.strip(' "').startswith(("=", "+", "-", "@"))
