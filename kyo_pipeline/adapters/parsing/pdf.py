"""PDF files, page by page: lines joined into paragraphs, and as headings the bookmarks, else what looks like titles."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing

import pypdf
from pypdf.generic import Destination, DictionaryObject, TextStringObject

from kyo_pipeline.adapters.parsing.characters import clean
from kyo_pipeline.adapters.parsing.lines import join_lines
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.adapters.parsing.titles import find_titles
from kyo_pipeline.domain.parsed import LONGEST_HEADING, Heading, ParsedDocument

PROTECTED = "This PDF is protected with a password. Remove the protection and upload it again."
DAMAGED = "The PDF is damaged and cannot be read. Open it, print or export it to a new PDF and upload that."
TOO_MANY = "The PDF has {pages} pages; at most {most} can be read. Split it and upload the parts."
MAX_PAGES = 10_000
_GAP = "\n\n"
_MAX_BOOKMARKS = 2000
_DEEPEST = 6
_LOWEST = 10  # points; no line of words is lower
_PRESSED = 1 << 16  # the flag of buttons that are not boxes to tick
_HIDDEN = 2  # the flag of annotations that are not shown


def parse_pdf(path: str, read_picture: Callable[[int], str] | None = None) -> ParsedDocument:
    """Read a PDF. Raises `Unreadable` when it is damaged, protected, far too long, or holds no text.

    `read_picture` recognises text in the picture of a page (the first is 1); it is asked for pages without text.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it describes each font it dislikes, once a page
    reader = _open(path)
    pages = [join_lines(clean(text)) for text in _pages(reader)]
    empty = [number for number, page in enumerate(pages, 1) if not page.strip()]
    if read_picture:
        for number in empty:
            pages[number - 1] = join_lines(clean(read_picture(number)))
    if not any(page.strip() for page in pages):
        raise Unreadable(_no_text(len(pages), read_picture is not None))
    starts, position = [], 0
    for page in pages:
        starts.append(position)
        position += len(page) + len(_GAP)
    text = _GAP.join(pages)
    return ParsedDocument(
        text=text,
        page_starts=tuple(starts),
        headings=tuple(_headings(reader, pages, starts) or find_titles(text, starts)),
        empty_pages=tuple(number for number in empty if not pages[number - 1].strip()),
        ocr_pages=tuple(number for number in empty if pages[number - 1].strip()),
    )


def _open(path: str) -> pypdf.PdfReader:
    try:
        reader = pypdf.PdfReader(path, strict=False)
        locked = reader.is_encrypted and needs_password(reader, path)
        count = 0 if locked else len(reader.pages)
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(DAMAGED) from error
    if locked:
        raise Unreadable(PROTECTED)
    if count == 0:
        raise Unreadable(DAMAGED)
    if count > MAX_PAGES:
        raise Unreadable(TOO_MANY.format(pages=count, most=MAX_PAGES))
    return reader


def needs_password(reader: pypdf.PdfReader, source: str | bytes) -> bool:
    """Whether the empty password does not open it, as in every viewer.

    pypdf also takes it for the owner's, who may have left that empty although readers need one.
    """
    known = reader.decrypt("")
    return known == pypdf.PasswordType.NOT_DECRYPTED or (
        known == pypdf.PasswordType.OWNER_PASSWORD and not _opens_in_pdfium(source)
    )


def _opens_in_pdfium(source: str | bytes) -> bool:
    import pypdfium2  # rarely needed here

    try:
        pypdfium2.PdfDocument(source).close()
    except pypdfium2.PdfiumError:
        return False
    return True


def _pages(reader: pypdf.PdfReader) -> Iterator[str]:
    """The text of each page; a page that cannot be read is empty, unless none can."""
    failures = 0
    count = len(reader.pages)
    for number in range(count):
        try:
            yield _page(reader.pages[number])
        except MemoryError:
            raise
        except Exception as error:
            failures += 1
            if failures == count:
                raise Unreadable(DAMAGED) from error
            yield ""


def _page(page: pypdf.PageObject) -> str:
    """What is printed on the page, then what has been written into its form fields and text boxes."""
    if min(page.mediabox.width, page.mediabox.height) < _LOWEST:
        return ""  # what is written there is outside of the page
    text = page.extract_text()
    if text.count("\ufffd") * 3 > len(text):
        text = _text_in_pdfium(page) or text
    seen: set[str] = set()
    for reference in page.annotations or []:
        written = _written(reference.get_object())
        if written and written not in seen and written not in text:
            seen.add(written)
            text += f"\n\n{written}"
    return text


def _text_in_pdfium(page: pypdf.PageObject) -> str:
    """The text of a page whose letters pypdf does not know; "" when pdfium does not know them either."""
    import pypdfium2

    if not isinstance(page.pdf, pypdf.PdfReader) or page.page_number is None:
        return ""
    page.pdf.stream.seek(0)
    with closing(pypdfium2.PdfDocument(page.pdf.stream.read())) as document:
        text = str(document[page.page_number].get_textpage().get_text_range())
    return "" if text.count("\ufffd") * 3 > len(text) else text


def _written(annotation: object) -> str:
    if not isinstance(annotation, DictionaryObject) or int(annotation.get("/F", 0)) & _HIDDEN:
        return ""
    if annotation.get("/FT") == "/Btn":
        return _caption(annotation)
    key = {"/FreeText": "/Contents", "/Widget": "/V"}.get(str(annotation.get("/Subtype")), "")
    value = annotation[key].get_object() if key in annotation else None
    return value.strip() if isinstance(value, TextStringObject) else ""


def _caption(button: DictionaryObject) -> str:
    """What stands on a button that is pressed; that of a box to tick is a sign of a special font."""
    looks = button["/MK"].get_object() if "/MK" in button else None
    if not isinstance(looks, DictionaryObject) or not int(button.get("/Ff", 0)) & _PRESSED:
        return ""
    caption = looks.get("/CA")
    return caption.strip() if isinstance(caption, TextStringObject) else ""


def _headings(reader: pypdf.PdfReader, pages: list[str], starts: list[int]) -> list[Heading]:
    """The bookmarks whose words stand on the page that they point to, in the order of the text."""
    found: dict[int, Heading] = {}
    try:
        for level, bookmark in _bookmarks(reader.outline, 1):
            page = reader.get_destination_page_number(bookmark)
            title = " ".join(clean(str(bookmark.title or "")).split())
            offset = _locate(title, pages[page]) if page is not None and 0 <= page < len(pages) else None
            if page is not None and offset is not None:
                start = starts[page] + offset
                found.setdefault(start, Heading(start, level, title))
            if len(found) >= _MAX_BOOKMARKS:
                break
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a broken outline costs the headings, never the document
        return []
    return [found[start] for start in sorted(found)]


def _bookmarks(outline: object, level: int) -> Iterator[tuple[int, Destination]]:
    for entry in outline if isinstance(outline, list) else []:
        if isinstance(entry, list):
            yield from _bookmarks(entry, min(level + 1, _DEEPEST))
        elif isinstance(entry, Destination):
            yield level, entry


def _locate(title: str, page: str) -> int | None:
    """Offset of a title on its page where it begins a line, whatever white space is in it."""
    words = title.split()
    if not words or len(title) > LONGEST_HEADING:
        return None
    number = r"(?:(?:\d+\.)*\d+\.?\s+)?"
    match = re.search(r"^[ \t]*" + number + r"\s*".join(map(re.escape, words)), page, re.MULTILINE | re.IGNORECASE)
    if match is None:
        return None
    return match.start() + len(match.group()) - len(match.group().lstrip())


def _no_text(pages: int, looked_at_pictures: bool) -> str:
    one = pages == 1
    where = "the only page" if one else f"any of the {pages} pages"
    if looked_at_pictures:
        whose = "its picture" if one else "their pictures"
        return f"No text was found on {where}, nor by text recognition (OCR) in {whose}. Upload a document with text."
    scanned = "it is probably a scanned image" if one else "they are probably scanned images"
    return (
        f"No text was found on {where}; {scanned}. Run text recognition (OCR) on it first and upload the result, or "
        "let an operator turn on that of KYO: pip install 'know-your-organization[ocr]', then see `kyo status`."
    )
