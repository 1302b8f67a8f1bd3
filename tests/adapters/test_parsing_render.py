"""Pages as pictures: the quote is yellow where it stands, and a hostile page ends in a sentence."""

import io
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from kyo_pipeline.adapters.parsing.pool import NOT_DRAWN, ParserPool
from kyo_pipeline.adapters.parsing.worker import NO_FILE
from kyo_pipeline.domain.sources import PageImage
from kyo_pipeline.settings import Settings
from tests.pdfs import write_endless_page

A4 = (595, 842)
QUOTE = "gets twenty-five days of leave in each calendar year"


@pytest.fixture(scope="module")
def pool() -> Iterator[ParserPool]:
    pool = ParserPool(Settings())
    yield pool
    pool.close()


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    """Two pages; the quote is broken into two lines on the first."""
    path = tmp_path / "a.pdf"
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(60, 700, "Every employee gets twenty-")
    canvas.drawString(60, 680, "five days of leave in each calendar year.")
    canvas.showPage()
    canvas.drawString(60, 400, "The second page.")
    canvas.save()
    return path


def changed(pdf: Path, **boxes: object) -> Path:
    """The same with other attributes of its first page."""
    writer = pypdf.PdfWriter(clone_from=pdf)
    page = writer.pages[0]
    for name, value in boxes.items():
        setattr(page, name, pypdf.generic.RectangleObject(value) if isinstance(value, tuple) else value)
    path = pdf.with_name("changed.pdf")
    writer.write(path)
    return path


def drawn(pool: ParserPool, path: Path, page: int, quote: str, width: int = 1000) -> tuple[PageImage, Image.Image]:
    result = pool.render_page(path, page, quote, width)
    assert isinstance(result, PageImage)
    picture = Image.open(io.BytesIO(result.png))
    assert (picture.format, picture.size) == ("PNG", (result.width, result.height))
    return result, picture


def yellow(picture: Image.Image) -> tuple[float, float, float, float] | None:
    """Where the yellow begins and ends, as shares of width and height: left, top, right, bottom."""
    red, _, blue = picture.split()
    mask = Image.merge("RGB", (red, red, blue)).convert("RGB").point(lambda value: value)
    pixels = mask.load()
    points = [
        (x, y)
        for x in range(0, picture.width, 2)
        for y in range(0, picture.height, 2)
        if pixels[x, y][0] > 200 and pixels[x, y][2] < 150
    ]
    if not points:
        return None
    across, down = [x / picture.width for x, _ in points], [y / picture.height for _, y in points]
    return min(across), min(down), max(across), max(down)


def test_the_quote_is_yellow_where_it_stands(pool: ParserPool, pdf: Path) -> None:
    result, picture = drawn(pool, pdf, 1, QUOTE)
    assert (result.width, result.height, result.marked) == (1000, 1416, 1)
    left, top, right, bottom = yellow(picture) or (0, 0, 0, 0)
    assert left == pytest.approx(60 / 595, abs=0.01)
    assert right < 0.55
    assert top == pytest.approx(1 - 712 / 842, abs=0.01)
    assert bottom == pytest.approx(1 - 677 / 842, abs=0.01)


@pytest.mark.parametrize("quote", ["Something that is not said on this page", "", "  \n"])
def test_without_the_quote_nothing_is_yellow(pool: ParserPool, pdf: Path, quote: str) -> None:
    result, picture = drawn(pool, pdf, 1, quote)
    assert (result.marked, yellow(picture)) == (0, None)


def test_other_pages_and_widths(pool: ParserPool, pdf: Path) -> None:
    result, picture = drawn(pool, pdf, 2, "The second page", 300)
    assert (result.width, result.marked) == (300, 1)
    assert (yellow(picture) or (0, 0, 0, 0))[1] == pytest.approx(1 - 412 / 842, abs=0.02)


@pytest.mark.parametrize("page", [0, 3, -1])
def test_pages_that_are_not_there(pool: ParserPool, pdf: Path, page: int) -> None:
    assert pool.render_page(pdf, page, "") == f"The document has no page {page}. It has 2."


def test_a_turned_page(pool: ParserPool, pdf: Path) -> None:
    result, picture = drawn(pool, changed(pdf, rotation=90), 1, QUOTE)
    assert (result.width > result.height, result.marked) == (True, 1)
    left, top, right, bottom = yellow(picture) or (0, 0, 0, 0)
    assert (left, right) == (pytest.approx(677 / 842, abs=0.01), pytest.approx(712 / 842, abs=0.01))
    assert (top, bottom < 0.55) == (pytest.approx(60 / 595, abs=0.01), True)


def test_a_cropped_page(pool: ParserPool, pdf: Path) -> None:
    result, picture = drawn(pool, changed(pdf, cropbox=(50, 600, 350, 800)), 1, QUOTE)
    assert (result.width, result.height, result.marked) == (1000, 667, 1)
    left, top, _, bottom = yellow(picture) or (0, 0, 0, 0)
    assert (left, top) == (pytest.approx(10 / 300, abs=0.02), pytest.approx((800 - 712) / 200, abs=0.03))
    assert bottom == pytest.approx((800 - 677) / 200, abs=0.03)


@pytest.mark.parametrize("box", [(0, 0, 14_400, 14_400), (0, 0, 20, 14_000), (0, 0, 14_000, 20), (0, 0, 1e9, 1e9)])
def test_huge_pages_make_no_huge_pictures(pool: ParserPool, pdf: Path, box: tuple[float, ...]) -> None:
    result = pool.render_page(changed(pdf, mediabox=box, cropbox=box), 1, QUOTE)
    assert isinstance(result, str) or result.width * result.height <= 6_100_000


def test_what_was_filled_in_is_drawn_and_found(pool: ParserPool, tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "form.pdf"), pagesize=A4)
    canvas.drawString(60, 700, "Name:")
    canvas.acroForm.textfield(value="Ann Smith", x=100, y=690, fillColor=None)
    canvas.save()
    _, empty = drawn(pool, tmp_path / "form.pdf", 1, "")
    dark = sum(empty.convert("L").crop((180, 200, 400, 300)).histogram()[:100])
    assert dark > 100


def test_a_page_that_takes_years_ends_in_a_sentence(tmp_path: Path) -> None:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=1))
    assert pool.render_page(write_endless_page(tmp_path / "a.pdf"), 1, "") == NOT_DRAWN
    pool.close()


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n" + bytes(200), b"PK\x03\x04", b"%PDF-1.4\n%%EOF"])
def test_what_is_no_pdf_ends_in_a_sentence(pool: ParserPool, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pdf").write_bytes(content)
    assert "cannot be drawn" in str(pool.render_page(tmp_path / "a.pdf", 1, ""))


def test_a_missing_file(pool: ParserPool, tmp_path: Path) -> None:
    assert pool.render_page(tmp_path / "none.pdf", 1, "") == NO_FILE
