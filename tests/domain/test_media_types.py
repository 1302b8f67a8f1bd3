"""What a file is, whatever it is called."""

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.media_types import (
    DOCX,
    HTML,
    MARKDOWN,
    PDF,
    TEXT,
    identify,
    may_be_locked,
    safe_file_name,
    suffixes,
)
from kyo_pipeline.errors import Invalid, PasswordNeeded

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.pdf", b"%PDF-1.7\n...", PDF),
        ("a.pdf", b"junk before\n%PDF-1.4", PDF),
        ("a.txt", b"%PDF-1.4", PDF),  # the content decides
        ("a.docx", archive("[Content_Types].xml", "word/document.xml"), DOCX),
        ("a.docm", archive("[Content_Types].xml", "word/document.xml"), DOCX),
        ("a.txt", "Grüße".encode(), TEXT),
        ("a.txt", "Grüße".encode("latin-1"), TEXT),
        ("a.txt", "Grüße".encode("utf-16"), TEXT),
        ("a.txt", "Good morning".encode("utf-16-le"), TEXT),
        ("a.txt", b"BMW and MZ are makers of vehicles", TEXT),  # begins like a bitmap
        ("README", b"text without a suffix", TEXT),
        ("a.txt", b"<html><p>Hello", TEXT),
    ],
)
def test_the_content_decides(name: str, content: bytes, expected: str) -> None:
    assert identify(name, content) == expected


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pdf", b"", "empty"),
        ("a.pdf", b"<html>Not found", "not a PDF, it is a web page"),
        ("a.docx", b"just text", "not a Word document (.docx), it is plain text"),
        ("a.doc", OLE + "WordDocument".encode("utf-16-le"), "old Word document"),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "protected with a password"),
        ("a.docx", b"PK\x03\x04 cut off", "damaged"),
        ("a.xlsx", archive("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
        ("a.pptx", archive("[Content_Types].xml", "ppt/presentation.xml"), "a PowerPoint"),
        ("a.odt", archive("mimetype", "content.xml"), "an OpenDocument"),
        ("a.zip", archive("a.txt"), "a zip archive"),
        ("a.rtf", b"{\\rtf1 hello}", "Rich Text"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture (PNG)"),
        ("a.exe", b"MZ" + bytes(100), "a Windows program"),
        ("a.txt", bytes(range(32)) * 20, "a binary file"),
        ("a.txt", bytes(10), "empty"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, content: bytes, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        identify(name, content)
    assert words in refusal.value.message
    assert refusal.value.message.endswith(".")


EVERY = ("pdf", "docx", "txt", "md", "html")
PAGE = b"<!DOCTYPE html><p>Hello"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.md", b"# Leave", MARKDOWN),
        ("a.markdown", b"# Leave", MARKDOWN),
        ("a.html", PAGE, HTML),
        ("a.htm", b"<p>a piece of a page", HTML),
        ("a.html", "<p>Grüße".encode("utf-16"), HTML),
        ("a.txt", PAGE, HTML),  # what begins as a page is one, when pages are allowed
        ("README", b"<?xml version='1.0'?>\n<!-- by hand -->\n<html>", HTML),
        ("a.md", b"<html>", HTML),
        ("a.md", b"<b>Bold</b> text", MARKDOWN),
        ("a.html", b"%PDF-1.4", PDF),
        ("a.txt", b"# Leave", TEXT),
    ],
)
def test_kinds_of_text(name: str, content: bytes, expected: str) -> None:
    assert identify(name, content, EVERY) == expected


@pytest.mark.parametrize(
    ("name", "content", "allowed", "words"),
    [
        ("a.md", b"# Leave", ("txt", "html"), "“a.md” is Markdown, which cannot be used here. Accepted are: TXT, HTML"),
        ("a.html", PAGE, ("txt", "md"), "is a web page (HTML), which cannot be used here. Accepted are: TXT, MD."),
        ("a.csv", b"a,b", ("pdf", "txt"), ".csv are not accepted, only PDF, TXT. If it is plain text, let its name"),
        ("a.csv", b"a,b", ("pdf",), "is plain text, which cannot be used here. Accepted are: PDF. Save it"),
        ("a.txt", b"Text", ("md", "html"), "plain text, which cannot be used here. Accepted are: MD, HTML"),
        ("a.csv", PAGE, EVERY, ".csv are not accepted"),
        ("a.pdf", PAGE, EVERY, "not a PDF, it is a web page (HTML)"),
        ("a.html", b"\x89PNG\r\n\x1a\n" + bytes(50), EVERY, "not a web page (HTML), it is a picture (PNG)"),
    ],
)
def test_kinds_of_text_that_are_not_taken(name: str, content: bytes, allowed: tuple[str, ...], words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        identify(name, content, allowed)
    assert words in refusal.value.message


def test_the_endings_of_file_names() -> None:
    assert suffixes(("pdf", "md", "html")) == ("pdf", "md", "markdown", "html", "htm")


def test_only_allowed_types_are_taken() -> None:
    with pytest.raises(Invalid, match="Accepted are: PDF"):
        identify("a.txt", b"hello", allowed=("pdf",))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Leave policy.pdf", "Leave policy.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.docx", "a.docx"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),  # shown as invoiceexe.pdf otherwise
        ("a\x00b\n.txt", "ab.txt"),
        ("..", "unnamed"),
        ("", "unnamed"),
        (".pdf", "file.pdf"),
        ("休暇規程.pdf", "休暇規程.pdf"),
        ("x" * 300 + ".docx", "x" * 195 + ".docx"),
    ],
)
def test_file_names_become_safe(name: str, expected: str) -> None:
    assert safe_file_name(name) == expected


@given(st.text(max_size=400))
def test_a_safe_name_is_short_and_never_empty(name: str) -> None:
    safe = safe_file_name(name)
    assert 1 <= len(safe) <= 200
    assert not set(safe) & set("/\\\x00\n")
    assert safe_file_name(safe) == safe


@given(st.binary(max_size=300))
def test_any_bytes_are_identified_or_refused(content: bytes) -> None:
    with suppress(Invalid):
        assert identify("a", content) in (PDF, DOCX, TEXT)


@pytest.mark.parametrize("name", ["notes.md", "table.csv", "page.html"])
def test_text_of_another_type_is_not_taken_for_plain_text(name: str) -> None:
    with pytest.raises(Invalid, match=r"not accepted|cannot be used"):
        identify(name, b"Some words.")


LOCKED_OFFICE = OLE + "EncryptedPackage".encode("utf-16-le")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"%PDF-1.7 trailer << /Encrypt 5 0 R >>", True),
        (b"junk\n%PDF-1.7 << /Type /XRef /Encrypt 5 0 R >>", True),
        (b"%PDF-1.7 << /EncryptMetadata false >>", False),
        (b"%PDF-1.7 trailer << /Root 1 0 R >>", False),
        (LOCKED_OFFICE, True),
        (OLE + "WordDocument".encode("utf-16-le"), False),
        (b"How to /Encrypt a file", False),
        (b"", False),
    ],
)
def test_what_may_need_a_password(content: bytes, expected: bool) -> None:
    assert may_be_locked(content) is expected


def test_a_locked_office_document_asks_for_its_password_whatever_it_is_called() -> None:
    for name in ("a.docx", "a.pdf", "a"):
        with pytest.raises(PasswordNeeded) as raised:
            identify(name, LOCKED_OFFICE)
        assert not raised.value.wrong
