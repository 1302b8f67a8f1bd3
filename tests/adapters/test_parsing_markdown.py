"""Markdown: the text without its markup."""

import pytest

from kyo_pipeline.adapters.parsing.markdown import parse_markdown
from kyo_pipeline.adapters.parsing.refusal import Unreadable


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("One *two* **three** ~~four~~ `five`\nsix", "One two three four five six"),
        ("[link](http://x) ![picture](y.png) <https://z>", "link picture https://z"),
        ("hard  \nbreak\\\nagain", "hard\nbreak\nagain"),
        ("- one\n  - inner\n- two\n\n3. x\n4. y", "- one\n- inner\n- two\n3. x\n4. y"),
        ("> quoted\n\nText.", "quoted\n\nText."),
        ("```py\nx = 1\n  y = *2*\n```", "x = 1\n  y = *2*"),
        ("    indented", "indented"),
        ("| Grade | Days |\n|---|--:|\n| A | 25 |\n| B | |", "Grade\tDays\nGrade: A | Days: 25\nGrade: B"),
        ("a <b>bold</b> word<br>line", "a bold word\nline"),
        ("<div>block<script>x()</script></div>\n\nText.", "block\n\nText."),
        ("<!-- note -->\n\nText \\* &amp; more", "Text * & more"),
        ("---\ntitle: x\ntags: [a]\n---\nText.", "Text."),
        ("+++\ntitle = 'x'\n+++\nText.", "Text."),
        ("---\n\nA rule above.\n\n---\n\nText.", "A rule above.\n\nText."),
        ("pass\u200bword ﬁt", "password fit"),
    ],
)
def test_text(source: str, expected: str) -> None:
    assert parse_markdown(source.encode()).text == expected


def test_headings() -> None:
    parsed = parse_markdown(b"# Leave `x` ##\n\nText.\n\nPay\n===\n\n- # in a list\n\n```\n# code\n```\n")
    assert [(heading.level, heading.text) for heading in parsed.headings] == [
        (1, "Leave x"),
        (1, "Pay"),
        (1, "in a list"),
    ]
    assert all(parsed.text[heading.start :].startswith(heading.text) for heading in parsed.headings)


def test_other_encodings() -> None:
    source = "# Fériás\n\nLes salariés bénéficient de congés payés à prendre après l'été. " * 5
    assert "bénéficient" in parse_markdown(source.encode("cp1252")).text
    assert "bénéficient" in parse_markdown(source.encode("utf-16")).text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no text"),
        (b"---\na: b\n---\n", "no text"),
        (b"<!-- x -->", "no text"),
        (b"> " * 500 + b"x", "too deeply"),
        (bytes(range(256)) * 4, "binary"),
    ],
)
def test_refusals(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        parse_markdown(content)
