"""PDFs for tests: scanned pages, and pages made to do harm."""

import zlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

A4 = (595, 842)


def picture_of(*lines: str, size: tuple[int, int] = (1240, 1754)) -> Image.Image:
    """What a scanner makes of a page with these lines."""
    picture = Image.new("L", size, 255)
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((120, 150 + 70 * number), line, fill=0, font=ImageFont.load_default(size=36))
    return picture


def write_pdf(path: Path, *pages: str | Image.Image) -> Path:
    """A PDF of pages with a line of text each, or with a picture that fills them."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in pages:
        if isinstance(page, str):
            canvas.drawString(60, 700, page)
        else:
            canvas.drawImage(ImageReader(page), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return path


def write_endless_page(path: Path, *, after: Image.Image | None = None) -> Path:
    """A small file whose last page takes years to draw: a stamp of forms that draw forms that draw forms.

    The page has a picture, but no text. `after`: a page with that picture stands before it.
    """
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",  # the pages, see below
        _stream(
            b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", b"\0"
        ),
    ]
    for _ in range(9):
        resources = b"/Resources << /XObject << /F %d 0 R >> >>" % len(objects)
        objects.append(_stream(b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] " + resources, b"/F Do " * 12))
    stamp = b"/Annots [<< /Type /Annot /Subtype /Stamp /Rect [0 0 600 800] /F 4 /AP << /N %d 0 R >> >>]" % len(objects)
    pages = [_page(objects, b"/P Do", b"/P 3 0 R", stamp)]
    if after is not None:
        head = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8"
        objects.append(_stream(head % after.size, after.tobytes()))
        pages.insert(0, _page(objects, b"q 595 0 0 842 0 0 cm /P Do Q", b"/P %d 0 R" % len(objects)))
    kids = b" ".join(b"%d 0 R" % page for page in pages)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages))
    path.write_bytes(_file(objects))
    return path


def _page(objects: list[bytes], content: bytes, resources: bytes, more: bytes = b"") -> int:
    """Add a page; return its number."""
    objects.append(_stream(b"", content))
    objects.append(
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /XObject << %s >> >> %s>>"
        % (len(objects), resources, more)
    )
    return len(objects)


def _stream(entries: bytes, content: bytes) -> bytes:
    packed = zlib.compress(content)
    head = b"<< %s /Filter /FlateDecode /Length %d >>" % (entries, len(packed))
    return head + b"\nstream\n" + packed + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
        % (size, table, size, len(body))
    )
