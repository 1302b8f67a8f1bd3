"""DOCX: all that a reader sees, in order; nothing that was deleted; nothing that explodes."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.document import Document

from kyo_pipeline.adapters.parsing.docx import parse_docx
from kyo_pipeline.adapters.parsing.refusal import Unreadable

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def save(path: Path, build: Callable[[Document], object]) -> str:
    document = docx.Document()
    build(document)
    document.save(str(path))
    return str(path)


def with_body(path: Path, body: str, **parts: str) -> str:
    """A DOCX whose body is this XML; `parts` are contents of further files by name, related to the document."""
    save(path, lambda document: document.add_paragraph("BODY"))
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    xml = files["word/document.xml"].decode()
    files["word/document.xml"] = re.sub(r"<w:p>.*BODY.*?</w:p>", lambda _: body, xml, flags=re.DOTALL).encode()
    rels = files["word/_rels/document.xml.rels"].decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    for name, content in parts.items():
        files[f"word/{name}.xml"] = content.encode()
        relation = f'<Relationship Id="x{name}" Type="{kind}{name}" Target="{name}.xml"/></Relationships>'
        rels = rels.replace("</Relationships>", relation)
    files["word/_rels/document.xml.rels"] = rels.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return str(path)


def p(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_headings_paragraphs_and_lists(tmp_path: Path) -> None:
    def build(document: Document) -> None:
        document.add_heading("Leave", 1)
        document.add_paragraph("Text.")
        document.add_heading("Sick leave", 2)
        document.add_paragraph("one", style="List Bullet")
        document.add_paragraph("two", style="List Bullet")

    parsed = parse_docx(save(tmp_path / "a.docx", build))
    assert parsed.text == "Leave\n\nText.\n\nSick leave\n\none\ntwo"
    assert [(heading.level, heading.text) for heading in parsed.headings] == [(1, "Leave"), (2, "Sick leave")]
    assert all(parsed.text[h.start :].startswith(h.text) for h in parsed.headings)
    assert parsed.pages is None


def test_a_long_paragraph_is_no_heading_whatever_its_style(tmp_path: Path) -> None:
    parsed = parse_docx(save(tmp_path / "a.docx", lambda document: document.add_heading("word " * 60_000, 1)))
    assert parsed.headings == ()
    assert len(parsed.text) == 299_999


def test_tables_are_rows_with_their_header(tmp_path: Path) -> None:
    def build(document: Document) -> None:
        for _ in range(2):
            table = document.add_table(2, 2)
            for cell, text in zip(table._cells, ["Grade", "Days", "A", "25"], strict=True):
                cell.text = text
            document.add_paragraph("between")
        properties = document.tables[0].rows[0]._tr.get_or_add_trPr()
        properties.append(properties.makeelement(docx.oxml.ns.qn("w:tblHeader"), {}))

    parsed = parse_docx(save(tmp_path / "a.docx", build))
    assert parsed.text == "Grade\tDays\nGrade: A | Days: 25\n\nbetween\n\nGrade\tDays\nA\t25\n\nbetween"


def table(*rows: str, properties: str = "") -> str:
    """Cells are parted by |; a cell in *asterisks* is bold, =n| before a cell makes it n columns wide, ^ goes on."""
    lines = ""
    for row in rows:
        cells = ""
        for cell in row.split("|"):
            words, kind = cell.strip("*^"), ""
            if "=" in words:
                span, words = words.split("=")
                kind += f'<w:gridSpan w:val="{span}"/>'
            if cell.endswith("^"):
                kind += '<w:vMerge w:val="restart"/>' if words else "<w:vMerge/>"
            bold = "<w:rPr><w:b/></w:rPr>" if cell.startswith("*") else ""
            cells += f"<w:tc><w:tcPr>{kind}</w:tcPr><w:p><w:r>{bold}<w:t>{words}</w:t></w:r></w:p></w:tc>"
        lines += f"<w:tr>{cells}</w:tr>"
    return f"<w:tbl><w:tblPr>{properties}</w:tblPr>{lines}</w:tbl>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (table("*Grade*|*Days*", "A|25"), "Grade\tDays\nGrade: A | Days: 25"),
        (table("*Name*|Ann", "*Days*|25"), "Name\tAnn\nDays\t25"),  # a form: the first column is bold
        (table("*a*|*b*", "*c*|*d*"), "a\tb\nc\td"),
        (table("*Grade*|*Days*", "A^|25", "^|26"), "Grade\tDays\nGrade: A | Days: 25\nGrade: A | Days: 26"),
        (table("*Grade*|*2=Days*", "A|25|26"), "Grade\tDays\nGrade: A | Days: 25 | Days: 26"),
        (table("*Grade*|*Days*", "2=all the same"), "Grade\tDays\nGrade: all the same"),
        (table("99999=x|y", "z"), "x\ty\nz"),
        (
            table("Grade|Days", "A|25", properties='<w:tblStyle w:val="Fancy"/><w:tblLook w:val="0020"/>'),
            "Grade\tDays\nGrade: A | Days: 25",
        ),
        (table("Grade|Days", "A|25", properties='<w:tblStyle w:val="Fancy"/>'), "Grade\tDays\nA\t25"),
    ],
)
def test_tables_of_other_kinds(tmp_path: Path, body: str, expected: str) -> None:
    path = with_body(tmp_path / "a.docx", body)
    fancy = (
        f'<w:styles {W}><w:style w:type="table" w:styleId="Fancy"><w:tblStylePr w:type="firstRow"><w:rPr><w:b/></w:rPr>'
        "</w:tblStylePr></w:style></w:styles>"
    )
    assert parse_docx(replaced(path, "word/styles.xml", fancy.encode())).text == expected


def test_a_deleted_row_is_left_out(tmp_path: Path) -> None:
    body = table("kept", "gone").replace("<w:tr><w:tc>", '<w:tr><w:trPr><w:del w:id="1"/></w:trPr><w:tc>', 2)
    body = body.replace('<w:trPr><w:del w:id="1"/></w:trPr>', "", 1)
    assert parse_docx(with_body(tmp_path / "a.docx", body)).text == "kept"


def test_headers_and_footers_come_once(tmp_path: Path) -> None:
    def build(document: Document) -> None:
        document.sections[0].header.paragraphs[0].text = "Contoso"
        document.sections[0].footer.paragraphs[0].text = "Internal"
        document.add_paragraph("Text.")
        document.add_section()
        document.sections[1].header.is_linked_to_previous = False
        document.sections[1].header.paragraphs[0].text = "Contoso"

    assert parse_docx(save(tmp_path / "a.docx", build)).text == "Contoso\n\nText.\n\nInternal"


def test_what_stands_outside_plain_paragraphs(tmp_path: Path) -> None:
    box = "<w:txbxContent>" + p("in a box") + "</w:txbxContent>"
    namespaces = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    body = (
        "<w:sdt><w:sdtContent>" + p("controlled") + "</w:sdtContent></w:sdt>"
        f"<w:p><w:r><w:t>before</w:t></w:r><w:r><mc:AlternateContent {namespaces}>"
        f'<mc:Choice Requires="wps"><w:drawing>{box}</w:drawing></mc:Choice>'
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
        '<w:p><w:hyperlink><w:r><w:t xml:space="preserve">see </w:t></w:r></w:hyperlink>'
        "<w:sdt><w:sdtContent><w:r><w:t>inline</w:t></w:r></w:sdtContent></w:sdt>"
        "<w:r><w:tab/><w:t>tab</w:t></w:r></w:p>"
    )
    assert parse_docx(with_body(tmp_path / "a.docx", body)).text == (
        "controlled\n\nbefore\n\nin a box\n\nsee inline\ttab"
    )


def test_tracked_changes_are_taken_as_accepted(tmp_path: Path) -> None:
    body = (
        '<w:p><w:r><w:t xml:space="preserve">We get </w:t></w:r>'
        '<w:del w:id="1"><w:r><w:delText>20</w:delText></w:r></w:del>'
        '<w:ins w:id="2"><w:r><w:t>25</w:t></w:r></w:ins></w:p>'
        '<w:moveFrom w:id="3">' + p("moved away") + "</w:moveFrom>"
    )
    assert parse_docx(with_body(tmp_path / "a.docx", body)).text == "We get 25"


def test_notes_follow_the_paragraph_that_cites_them(tmp_path: Path) -> None:
    body = '<w:p><w:r><w:t>Cited.</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>' + p("Next.")
    notes = (
        f'<w:footnotes {W}><w:footnote w:type="separator" w:id="0">{p("SEPARATOR")}</w:footnote>'
        f'<w:footnote w:id="2">{p("The note.")}</w:footnote></w:footnotes>'
    )
    assert parse_docx(with_body(tmp_path / "a.docx", body, footnotes=notes)).text == "Cited.\n\nThe note.\n\nNext."


def replaced(path: str, name: str, content: bytes) -> str:
    with zipfile.ZipFile(path) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    files[name] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in files.items():
            archive.writestr(entry, data)
    return path


def entities(declared: str, used: str) -> bytes:
    return f"<!DOCTYPE d [{declared}]><w:document {W}><w:body>{p('x' + used)}</w:body></w:document>".encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b" " * (101 << 20), "enormous size"),
        (b"a" * (3 << 20), "enormous size"),  # 3 MB of one letter: the ratio
        (entities('<!ENTITY a "ha"><!ENTITY b "&a;&a;">', "&b;"), "enormous size"),
        (b"\x00\x01 not xml", "damaged"),
        (f"<w:document {W}/>".encode(), "text is missing"),
        (f"<w:document {W}><w:body/></w:document>".encode(), "No text"),
    ],
)
def test_refusals(tmp_path: Path, content: bytes, words: str) -> None:
    path = replaced(save(tmp_path / "a.docx", lambda d: d.add_paragraph("x")), "word/document.xml", content)
    with pytest.raises(Unreadable, match=words):
        parse_docx(path)


def test_external_entities_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    content = entities(f'<!ENTITY a SYSTEM "file://{tmp_path}/secret">', "&a;")
    path = replaced(save(tmp_path / "a.docx", lambda d: d.add_paragraph("x")), "word/document.xml", content)
    assert parse_docx(path).text == "x"


def test_no_archive_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(Unreadable, match="damaged"):
        parse_docx(str(tmp_path / "a.docx"))
