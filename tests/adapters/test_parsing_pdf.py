"""PDF: pages, paragraphs, bookmarks, passwords, scans, damage."""

from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from kyo_pipeline.adapters.parsing.lines import join_lines
from kyo_pipeline.adapters.parsing.pdf import parse_pdf
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.adapters.parsing.titles import find_titles

RECT = pypdf.generic.ArrayObject(pypdf.generic.NumberObject(edge) for edge in (0, 0, 50, 20))

Draw = Callable[[Canvas], None]


def write(path: Path, *pages: list[str], before: Draw | None = None, **options: object) -> str:
    """A PDF with these lines on its pages."""
    canvas = Canvas(str(path), **options)
    if before:
        before(canvas)
    for lines in pages:
        for number, line in enumerate(lines):
            canvas.drawString(50, 780 - 16 * number, line)
        canvas.showPage()
    canvas.save()
    return str(path)


def test_pages_and_their_offsets(tmp_path: Path) -> None:
    document = parse_pdf(write(tmp_path / "a.pdf", ["First page."], [], ["Third page."]))
    assert document.text == "First page.\n\n\n\nThird page."
    assert document.page_starts == (0, 13, 15)
    assert document.text[document.page_starts[2] :] == "Third page."
    assert document.empty_pages == (2,)
    assert document.pages == 3


def test_bookmarks(tmp_path: Path) -> None:
    def marks(canvas: Canvas) -> None:
        for level, name in ((0, "Leave"), (1, "Sick leave"), (1, "Not in the text")):
            canvas.bookmarkPage(name)
            canvas.addOutlineEntry(name, name, level)

    path = write(tmp_path / "a.pdf", ["About leave", "Leave", "Text.", "1.1 Sick  leave", "More."], before=marks)
    document = parse_pdf(path)
    assert [(heading.level, heading.text) for heading in document.headings] == [
        (1, "Leave"),
        (2, "Sick leave"),
    ]
    assert [document.text[heading.start :].split("\n")[0] for heading in document.headings] == [
        "Leave",
        "1.1 Sick leave",
    ]


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_an_empty_password_opens_the_file(tmp_path: Path, algorithm: str) -> None:
    writer = pypdf.PdfWriter(clone_from=write(tmp_path / "a.pdf", ["Secret text."]))
    writer.encrypt(user_password="", owner_password="owner", algorithm=algorithm)
    writer.write(tmp_path / "b.pdf")
    assert parse_pdf(str(tmp_path / "b.pdf")).text == "Secret text."


def test_a_password_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", ["Secret."], encrypt=StandardEncryption("word", canPrint=0))
    with pytest.raises(Unreadable, match="protected with a password"):
        parse_pdf(path)


@pytest.mark.parametrize(("pages", "words"), [(1, "the only page"), (12, "any of the 12 pages")])
def test_scans_are_told(tmp_path: Path, pages: int, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as refusal:
        parse_pdf(write(tmp_path / "a.pdf", *[[] for _ in range(pages)]))
    assert "OCR" in str(refusal.value)


def test_what_was_filled_into_a_form_is_read(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.drawString(50, 700, "Name:")
    canvas.acroForm.textfield(value="Ann Smith", x=100, y=700)
    canvas.save()
    assert parse_pdf(str(tmp_path / "a.pdf")).text == "Name:\n\nAnn Smith"


def test_captions_of_buttons_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", ["Form."])
    writer = pypdf.PdfWriter(clone_from=path)
    name, number, text = pypdf.generic.NameObject, pypdf.generic.NumberObject, pypdf.generic.TextStringObject
    for flags, caption in ((1 << 16, "Send"), (0, "4")):  # 4 is a tick in the font of boxes
        looks = pypdf.generic.DictionaryObject({name("/CA"): text(caption)})
        button = {name("/Subtype"): name("/Widget"), name("/FT"): name("/Btn"), name("/Ff"): number(flags)}
        writer.add_annotation(0, pypdf.generic.DictionaryObject({**button, name("/MK"): looks, name("/Rect"): RECT}))
    writer.write(path)
    assert parse_pdf(path).text == "Form.\n\nSend"


def test_an_empty_owners_password_does_not_open_what_readers_need_one_for(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=write(tmp_path / "a.pdf", ["Secret."]))
    writer.encrypt(user_password="word", owner_password="", algorithm="AES-256")
    writer.write(tmp_path / "b.pdf")
    with pytest.raises(Unreadable, match="protected with a password"):
        parse_pdf(str(tmp_path / "b.pdf"))


def test_a_page_too_small_for_words_has_none(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No text"):
        parse_pdf(write(tmp_path / "a.pdf", ["Outside."], pagesize=(4, 4)))


@pytest.mark.parametrize("damage", [lambda data: data[:9] + bytes(100), lambda data: data[:200]])
def test_damage_is_told(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = Path(write(tmp_path / "a.pdf", ["Text."]))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Unreadable, match="damaged"):
        parse_pdf(str(path))


def test_a_page_that_fails_is_empty_unless_all_do(tmp_path: Path) -> None:
    source = write(tmp_path / "a.pdf", ["One."], ["Two."])
    writer = pypdf.PdfWriter(clone_from=source)
    writer.pages[0][pypdf.generic.NameObject("/Resources")] = pypdf.generic.NumberObject(3)
    writer.write(tmp_path / "b.pdf")
    document = parse_pdf(str(tmp_path / "b.pdf"))
    assert document.text.strip().endswith("Two.")
    assert document.pages == 2


def test_without_bookmarks_titles_are_found_by_their_looks() -> None:
    body = "Every employee who has worked here for a year gets twenty-five days of leave in each year of work."
    pages = [f"Contoso Handbook\n{body}", f"Contoso Handbook\n1.2 Sick Leave\n{body}", f"Contoso Handbook\nPAY\n{body}"]
    pages.append(f"Rates of Pay\nGrade A 25\n\nTotal 2024\n{body}\n\nParental Leave and Care\n{body}")
    starts = [sum(len(page) + 2 for page in pages[:number]) for number in range(4)]
    titles = list(find_titles("\n\n".join(pages), starts))
    assert [(title.level, title.text) for title in titles] == [
        (2, "1.2 Sick Leave"),
        (1, "PAY"),
        (2, "Parental Leave and Care"),
    ]
    assert all("\n\n".join(pages)[title.start :].startswith(title.text) for title in titles)


LONG = "Every employee who has worked here for a year gets twenty-five days"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (f"{LONG}\nof leave in each calendar year.", f"{LONG} of leave in each calendar year."),
        (f"{LONG} execu-\ntive leave", f"{LONG} execu- tive leave"),  # hyphens stay
        ("soft\u00ad\nhyphen", "softhyphen"),
        (f"Leave\n{LONG}\nof leave.", f"Leave\n{LONG} of leave."),
        (f"{LONG}\n- apples\n- pears", f"{LONG}\n- apples\n- pears"),
        (
            f"{LONG}\nof leave.\n{LONG}\nmore.",
            f"{LONG} of leave.\n\n{LONG} more.",
        ),  # the short last line ends it
        (f"{LONG} and more of it.\nTips\n{LONG}", f"{LONG} and more of it.\n\nTips\n{LONG}"),  # a title follows
        ("Name\u00a0  Days\nAnn   25\nBob   20", "Name Days\nAnn 25\nBob 20"),
        ("a\n \n\n b", "a\n\nb"),
        ("", ""),
    ],
)
def test_lines_become_paragraphs(page: str, expected: str) -> None:
    assert join_lines(page) == expected
