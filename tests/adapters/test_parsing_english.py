"""English of Windows with a sign or two in it, and what only looks like that."""

from contextlib import suppress

import pytest

from kyo_pipeline.adapters.parsing.encodings import decode
from kyo_pipeline.adapters.parsing.english import english_of_windows
from kyo_pipeline.adapters.parsing.refusal import Unreadable

ENGLISH = (
    "Employees of the bakery get 27 days of annual leave a year. The canteen opens at 11:45 on weekdays. Travel is "
    "booked by the office. Receipts are kept for six months and sent to the accountant. Overtime is paid in January. "
)


@pytest.mark.parametrize(
    "end",
    [
        "It is the company’s rule.",
        "The employees’ choice counts.",
        "“Overtime” is what comes after six.",
        "They say: ‘Canteen first.’",
        "The fee is £20, or 25 €, at 20°.",
        "Monday – Friday, pages 3–5, see § 4…",
        "Send your résumé to the café, Mr Müller.",
        "• The first point\n• The second one, 3½",
        "© 2024 Bakery™, all rights reserved",
    ],
)
def test_english_of_windows_is_read(end: str) -> None:
    assert decode((ENGLISH + "\n" + end).encode("cp1252")) == ENGLISH + "\n" + end


@pytest.mark.parametrize(
    ("end", "encoding"),
    [
        ("Ask Mr Kovač about it.", "cp1250"),
        ("The office in Łódź is closed.", "cp1250"),
        ("Offices in España and Perú.", "mac-roman"),
        ("Send your résumé to the office.", "cp850"),
        ("It costs £20.", "cp437"),
        ("Ask Иван about it.", "cp1251"),
        ("Ask Mr Işık about it.", "cp1254"),
        ("Ask Mr Jānis about it.", "cp1257"),
        ("Ask Ms Šárka about it.", "iso8859-2"),
        ("It costs €20.", "iso8859-15"),
    ],
)
def test_no_letter_comes_out_wrong(end: str, encoding: str) -> None:
    content = (ENGLISH + end).encode(encoding)
    assert english_of_windows(content) is None
    with suppress(Unreadable):
        assert decode(content) == ENGLISH + end


@pytest.mark.parametrize("text", ["résumé", "Die Kantine öffnet um elf, der Müller mahlt.", ENGLISH[:40] + "é" * 20])
def test_what_is_not_mostly_english_is_for_the_guess(text: str) -> None:
    assert english_of_windows(text.encode("cp1252")) is None
