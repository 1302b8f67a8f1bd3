"""Lines of a CSV file that a spreadsheet opens without calculating anything in them."""

import csv
import io
import re
from collections.abc import Iterable

# A spreadsheet takes what begins with one of these for a formula; some do so with the wide ones of East Asia too. One
# that expects semicolons or tabs splits our cells once more, and takes what is behind one of those for a cell.
_FORMULA = re.compile(r"""(^|[;\t\r\n])((?:[^\S\t\r\n]|")*)(?=[=+@\-＝＋－＠])""")


def line(cells: Iterable[str | int | float]) -> str:
    """One line with its end. Texts that would be formulas get an apostrophe before them; numbers stay numbers."""
    text = io.StringIO()
    # Not lineterminator="\n": a lone carriage return would then stand unquoted, and begin another line.
    csv.writer(text).writerow(_FORMULA.sub(r"\1'\2", cell) if isinstance(cell, str) else cell for cell in cells)
    return text.getvalue().removesuffix("\r\n") + "\n"
