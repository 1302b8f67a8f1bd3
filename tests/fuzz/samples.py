"""Small sound files to begin with, and what must be true of whatever a parser makes of a broken one."""

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
from reportlab.pdfgen.canvas import Canvas

from kyo_pipeline.adapters.parsing.docx import parse_docx
from kyo_pipeline.adapters.parsing.html import parse_html
from kyo_pipeline.adapters.parsing.markdown import parse_markdown
from kyo_pipeline.adapters.parsing.pdf import parse_pdf
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.adapters.parsing.text import parse_text
from kyo_pipeline.domain.parsed import ParsedDocument

Parse = Callable[[bytes], ParsedDocument]

TEXT = "# Urlaub\n\nDie Übernahme der Überstunden – “möglich”.\nPay\n===\n休暇 ﬁ e\u0301".encode()
MARKDOWN = (
    b"---\ntitle: x\n---\n# Leave\n\n- one\n  1. two\n\n| a | b |\n|---|---|\n| 1 | `2` |\n\n> *q* [l](x) ![i](y)\n\n"
    b"```\ncode\n```\n<div>html</div>\n"
)
HTML = (
    b'<!doctype html><meta charset="iso-8859-1"><h1>Leave</h1><p>Text<br>&eacute; <a href=x>l</a><ul><li>one'
    b"<ol start=3><li>two</ol></ul><table><caption>c</caption><tr><th>a<th colspan=2>b<tr><td rowspan=2>1<td>2<td>3"
    b'<tr><td>4</table><pre> code </pre><div style="display:none">x</div>'
)


def pdf() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pageCompression=0)
    canvas.bookmarkPage("a")
    canvas.addOutlineEntry("Leave", "a", 0)
    canvas.drawString(50, 700, "Leave is 25 days.")
    canvas.acroForm.textfield(value="Ann", x=100, y=600)
    canvas.showPage()
    canvas.drawString(50, 700, "Second page.")
    canvas.save()
    return buffer.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.add_heading("Leave", 1)
    document.add_paragraph("Text.", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ["Grade", "Days", "A", "25"], strict=True):
        cell.text = text
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def from_file(parse: Callable[[str], ParsedDocument]) -> Parse:
    def read(content: bytes) -> ParsedDocument:
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(content)
            return parse(file.name)

    return read


PARSERS: dict[str, tuple[Parse, Callable[[], bytes]]] = {
    "text": (parse_text, lambda: TEXT),
    "markdown": (parse_markdown, lambda: MARKDOWN),
    "html": (parse_html, lambda: HTML),
    "pdf": (from_file(parse_pdf), pdf),
    "docx": (from_file(parse_docx), word),
}


def check(name: str, content: bytes) -> None:
    """Text that can be stored, with offsets that fit it; or a refusal that is a sentence."""
    try:
        document = PARSERS[name][0](content)
    except Unreadable as refusal:
        if not str(refusal).endswith("."):
            raise
        return
    text = document.text
    text.encode("utf-8")
    assert text.strip()
    assert "\x00" not in text
    assert "\r" not in text
    starts = [heading.start for heading in document.headings]
    assert starts == sorted(starts)
    assert all(0 <= start < len(text) for start in starts)
    assert all(heading.text.strip() and 1 <= heading.level <= 9 for heading in document.headings)
    assert list(document.page_starts) == sorted(document.page_starts)
    assert all(0 <= start <= len(text) for start in document.page_starts)
    assert set(document.empty_pages) <= set(range(1, len(document.page_starts) + 1))
