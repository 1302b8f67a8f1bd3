"""Text files: encodings, control characters, and the headings of Markdown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.adapters.parsing.characters import clean
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.adapters.parsing.text import find_headings, parse_text

GERMAN = "Die Übernahme der Überstunden ist für alle Beschäftigten möglich, außer während der Kündigungsfrist. " * 5
SPANISH = "El año pasado la compañía contrató a más españoles. Mañana será otro día para los niños y las señoras. " * 5
RUSSIAN = "Сотрудники имеют право на ежегодный оплачиваемый отпуск продолжительностью двадцать восемь дней. " * 5
TURKISH = "Çalışanlar yılda yirmi gün izin kullanabilir. Bu süre işçinin kıdemine göre değişir ve şirket onaylar. " * 5
CHINESE = "公司的员工每年可以享受十五天的带薪年假，并且可以结转到下一年。" * 5


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-32"),
        (GERMAN, "utf-16-le"),  # without a byte order mark
        (GERMAN, "utf-16-be"),
        (GERMAN, "latin-1"),
        (GERMAN, "cp850"),
        (SPANISH, "latin-1"),  # ñ and not ń
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "iso8859-5"),
        (RUSSIAN, "utf-16"),
        (TURKISH, "iso8859-9"),
        (CHINESE, "gbk"),
        (CHINESE, "hz"),  # pure ASCII bytes
        ("日本語の文章です。" * 20, "iso2022_jp"),
        ("日本語の文章です。" * 20, "shift_jis"),
    ],
)
def test_encodings(text: str, encoding: str) -> None:
    assert parse_text(text.encode(encoding)).text == text


def test_surrogate_pairs_in_utf_8_become_the_character() -> None:
    assert parse_text(b"smile \xed\xa0\xbd\xed\xb8\x80 now").text == "smile 😀 now"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\r\nb\rc", "a\nb\nc"),
        (b"a\x00b\x07c\td", "abc\td"),
        (b"page\x0cnext", "page\nnext"),
        ("pass\u200bword \u202egnitirw\u202c".encode(), "password gnitirw"),  # nothing invisible parts a word
        ("pass\u200dword می\u200cخواهم".encode(), "password می\u200cخواهم"),  # Persian is written with joiners
        ("👩\u200d💻 1\ufe0f\u20e3".encode(), "👩\u200d💻 1\ufe0f\u20e3"),
        ("hidden\U000e0041\U000e0042 words".encode(), "hidden words"),
        ("cafe\u0301 oﬃce ﻼ".encode(), "café office لا"),  # as a question would be typed
        ("½ Ⅳ m²".encode(), "½ Ⅳ m²"),
    ],
)
def test_characters(content: bytes, expected: str) -> None:
    assert parse_text(content).text == expected


FRENCH = "Les salariés bénéficient de congés payés. À défaut d'accord, l'employeur fixe les dates après avis. " * 5
CZECH = "Žádost musí být podána včas, šéf ji může schválit. Příslušná dovolená náleží každému zaměstnanci. " * 5
HUNGARIAN = "A munkavállalónak szabadság jár. Az őszi szünet időpontját ki kell tűzni, és űrlapot kell kitölteni. " * 5
ENGLISH = "All employees must read this page and sign it before they begin their work in the office. " * 10


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "cp850"),
        (CZECH, "cp1250"),
        (CZECH, "cp852"),
        (HUNGARIAN, "iso8859-2"),
        (TURKISH, "cp857"),
        (RUSSIAN, "cp866"),
    ],
)
def test_legacy_encodings(text: str, encoding: str) -> None:
    assert parse_text(text.encode(encoding)).text == text


# What differs in them: one letter that several alphabets have in its place, signs, or nearly nothing.
SLOVENIAN = "Nastavitve okna: način prikaza."
BULGARIAN = "Аз"


@pytest.mark.parametrize(
    "content",
    [
        "Müller".encode("cp850"),
        "Don’t.".encode("mac_roman"),
        b"\xd0\xde\xfd and text",
        SLOVENIAN.encode("cp1250"),  # naèin, in French letters
        BULGARIAN.encode("cp1251"),
        "A résumé.".encode("cp1252"),
        (ENGLISH + "1½ cups, ±5°.").encode("cp437"),
        "Sissejuhatus: šabloon, võtmed ja töölaud. ".encode("iso8859-15"),  # Øabloon, in that of Latvian
    ],
)
def test_what_could_be_any_encoding_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable, match="UTF-8"):
        parse_text(content)


@pytest.mark.parametrize("text", ["ä", "naïve ½", "Müller", ENGLISH, "x" * 5000 + "č"])
def test_utf_8_is_never_in_doubt(text: str) -> None:
    assert parse_text(text.encode()).text == text


def test_a_letter_far_behind_is_looked_at() -> None:
    """Of all readings only those count that know every letter; the first ones alone would not tell."""
    text = TURKISH * 300 + "Ünlü “söz”"
    assert parse_text(text.encode("cp1254")).text == text


def test_a_few_broken_bytes_do_not_make_another_encoding_of_it() -> None:
    assert parse_text("Größe und Maße, früher".encode() + b" \xc3 \xff").text == "Größe und Maße, früher \ufffd \ufffd"


@given(st.text(st.characters()))
def test_what_comes_out_can_be_stored(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert "\r" not in cleaned
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \n\t", b"\xff\xfe"])
def test_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable, match="no text"):
        parse_text(content)


def test_binary_is_refused() -> None:
    with pytest.raises(Unreadable, match="binary"):
        parse_text(bytes(range(256)) * 4)


@given(st.binary(max_size=500))
def test_any_bytes_end_in_text_or_a_refusal(content: bytes) -> None:
    try:
        text = parse_text(content).text
    except Unreadable as refusal:
        text = str(refusal)
    assert text.strip()


MARKDOWN = """---
title: "The handbook"
---
# Leave ##

Text.

## Sick leave
#hashtag is none

```
# a comment in code
```

Pay
===

Bonus
-----

| a | b |
-----------
wrapped text that goes
on and is no title
---
"""


def test_headings_of_markdown() -> None:
    headings = list(find_headings(MARKDOWN))
    assert [(heading.level, heading.text) for heading in headings] == [
        (1, "Leave"),
        (2, "Sick leave"),
        (1, "Pay"),
        (2, "Bonus"),
    ]
    assert [MARKDOWN[heading.start :].split("\n")[0] for heading in headings] == [
        "# Leave ##",
        "## Sick leave",
        "Pay",
        "Bonus",
    ]


@pytest.mark.parametrize("text", ["# {}\n\nText", "{}\n===\n\nText"])
def test_a_long_line_is_no_heading(text: str) -> None:
    assert [heading.text for heading in find_headings(text.format("x" * 100))] == ["x" * 100]
    assert list(find_headings(text.format("x" * 300_000))) == []


def test_white_space_in_headings_is_kept() -> None:
    assert list(find_headings(f"# a{' ' * 190}b\n" * 2000))[-1].text == f"a{' ' * 190}b"
