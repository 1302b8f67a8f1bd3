"""Web pages: what a reader sees; nothing that is hidden, run or fetched."""

import pytest

from kyo_pipeline.adapters.parsing.html import parse_html
from kyo_pipeline.adapters.parsing.refusal import Unreadable


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>One <b>bold</b> <a href='http://x'>link</a>.<p>Two<br>lines", "One bold link.\n\nTwo\nlines"),
        ("<p>a   b\n c&nbsp;d &lt;i&gt; &eacute;", "a b c\u00a0d <i> é"),
        ("<ul><li>one<li>two<ol start=3><li>x<li>y</ol></ul>", "- one\n- two\n3. x\n4. y"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<pre>a<br>  <b>b</b><script>c</script><i hidden>d</i> e<!-- f --></pre>", "a\n  b e"),
        ("<title>T</title><style>p{}</style><script>x()</script><noscript>n</noscript><p>seen<!-- no -->", "seen"),
        ("<p hidden>a</p><p style='display: none'>b</p><p style='font-size:0'>c</p><dialog>d</dialog><p>seen", "seen"),
        ("<template>a</template><svg><text>b</text></svg><iframe>c</iframe><p style='opacity:0.5'>seen", "seen"),
        ("<img alt='A chart'> shows <input value='Ann'><input type=hidden value='secret'>", "A chart shows Ann"),
        ("<p>a</p>tail", "a\n\ntail"),
    ],
)
def test_what_is_seen(page: str, expected: str) -> None:
    assert parse_html(page.encode()).text == expected


def test_headings() -> None:
    parsed = parse_html(b"<h1>Leave <i>policy</i></h1><p>Text.</p><h3>Sick\n leave</h3><p>More.</p>")
    assert [(heading.level, heading.text) for heading in parsed.headings] == [(1, "Leave policy"), (3, "Sick leave")]
    assert all(parsed.text[heading.start :].startswith(heading.text) for heading in parsed.headings)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("<tr><th>Grade<th>Days<tr><td>A<td>25", "Grade\tDays\nGrade: A | Days: 25"),
        (
            "<caption>Leave</caption><thead><tr><td>Grade<td>Days</thead><tr><td>A<td>25",
            "Leave\nGrade\tDays\nGrade: A | Days: 25",
        ),
        ("<tr><td>A<td>25<tr><td>B<td>26", "A\t25\nB\t26"),
        (
            "<tr><th>Grade<th>Days<tr><td rowspan=2>A<td>25<tr><td>26",
            "Grade\tDays\nGrade: A | Days: 25\nGrade: A | Days: 26",
        ),
        (
            "<tr><th rowspan=2>Grade<th colspan=2>Days<tr><th>new<th>old<tr><td>A<td>25<td>28",
            "Grade\tDays\nGrade\tnew\told\nGrade: A | Days new: 25 | Days old: 28",
        ),
        ("<tr><th><th>2025<tr><td>Leave<td>25", "2025\nLeave | 2025: 25"),
        ("<tr><td><h2>Side</h2><td>by side", "Side\n\nby side"),  # only puts things side by side
    ],
)
def test_tables(table: str, expected: str) -> None:
    assert parse_html(f"<table>{table}</table>".encode()).text == expected


WORDS = "Žádost o dovolenou schvaluje vedoucí"


@pytest.mark.parametrize(
    "content",
    [
        f"<p>{WORDS}".encode(),
        f"<p>{WORDS}".encode("utf-8-sig"),
        f"<p>{WORDS}".encode("utf-16"),
        f"<meta charset=iso-8859-2><p>{WORDS}".encode("iso8859-2"),
        f'<?xml version="1.0" encoding="windows-1250"?><html><p>{WORDS}</p></html>'.encode("cp1250"),
        f'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>{WORDS}'.encode(),  # it is UTF-8
    ],
)
def test_encodings(content: bytes) -> None:
    assert parse_html(content).text == WORDS


def test_western_pages_mean_what_browsers_read() -> None:
    assert parse_html("<meta charset=latin1><p>“25 €”".encode("cp1252")).text == "“25 €”"


def test_an_encoding_that_hides_markup_is_not_believed() -> None:
    assert parse_html(b"<meta charset=utf-7><p>+ADw-b+AD4-").text == "+ADw-b+AD4-"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<p> </p>", "No text"),
        (b"", "No text"),
        (b"<!-- nothing -->", "No text"),
        (b"<script>draw()</script>", "No text"),
        (b"<div>" * 1000 + b"x", "nested too deeply"),
    ],
)
def test_refusals(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        parse_html(content)


def test_entities_of_a_document_type_do_not_grow() -> None:
    laughs = '<!DOCTYPE html [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    text = parse_html(f"{laughs}<p>&b; &f; end".encode()).text
    assert text.endswith("end")
    assert "ha" not in text
