"""What a file is, decided by its content, and a name for it that is safe to show and to store."""

import io
import re
import unicodedata
import zipfile
from collections.abc import Sequence

from kyo_pipeline.errors import Invalid, PasswordNeeded, UnsupportedType

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TEXT = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"

_MEDIA_TYPES = {"pdf": PDF, "docx": DOCX, "txt": TEXT, "md": MARKDOWN, "html": HTML}
_KINDS = {
    "pdf": "a PDF",
    "docx": "a Word document (.docx)",
    "txt": "plain text",
    "md": "Markdown",
    "html": "a web page (HTML)",
}
_SUFFIXES = {"md": ("md", "markdown"), "html": ("html", "htm")}
_PAGE = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?(?:<!doctype html|<html)",
    re.IGNORECASE | re.DOTALL,
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"{\\rtf", "a Rich Text document (.rtf)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\x00", "a picture (TIFF)"),
    (b"MM\x00*", "a picture (TIFF)"),
    (b"BM", "a picture (BMP)"),
    (b"RIFF", "a picture, sound or film (RIFF)"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\x1f\x8b", "a compressed archive (gzip)"),
    (b"BZh", "a compressed archive (bzip2)"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed archive (7z)"),
    (b"Rar!", "a compressed archive (RAR)"),
    (b"\xfd7zXZ", "a compressed archive (xz)"),
    (b"%!PS", "a PostScript file"),
    (b"SQLite format 3", "a database"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound or film file"),
)
_LOCKED = "protected with a password"
_LOCKED_PACKAGE = "EncryptedPackage".encode("utf-16-le")  # what Office documents with a password hold
_LOCKED_PDF = re.compile(rb"/Encrypt\b")
_SHORT_SIGNATURES = (b"BM", b"MZ", b"BZh", b"ID3")
_ZIP_FOLDERS = (("xl/", "an Excel workbook"), ("ppt/", "a PowerPoint presentation"))
_SAMPLE = 65536
_NAME_LENGTH = 200
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def identify(file_name: str, content: bytes, allowed: Sequence[str] = ("pdf", "docx", "txt")) -> str:
    """The media type of a whole file; `allowed` are names out of pdf, docx, txt, md, html.

    The content decides; among kinds of text the suffix does, and what begins as a web page is one where html is
    allowed, else the text that it is. Of a zip archive only the directory is read. Raises `Invalid` that says what the
    file is and what to do, `PasswordNeeded` for an Office document that is still locked.
    """
    kind, description = _kind(content)
    if description == _LOCKED:
        raise PasswordNeeded("This Office document is protected with a password. Upload it again with its password.")
    suffix = _suffix(file_name)
    says = _kind_of(suffix)
    if kind == "txt":
        kind = _text_kind(content, suffix, says, allowed)
        description = _KINDS["html"] if _PAGE.match(content) else _KINDS[kind]
    claimed = says if says != kind else None
    if claimed in ("pdf", "docx"):
        raise UnsupportedType(_refusal(file_name, claimed, description, allowed))
    if kind == "txt" and "txt" in allowed and (says or suffix) not in ("", "txt"):
        raise UnsupportedType(
            f"Files of type .{suffix} are not accepted, only {_named(allowed)}. "
            "If it is plain text, let its name end in .txt."
        )
    if kind is None or kind not in allowed:
        raise UnsupportedType(_refusal(file_name, claimed, description, allowed))
    return _MEDIA_TYPES[kind]


def suffixes(allowed: Sequence[str]) -> tuple[str, ...]:
    """The endings of file names, without the point, that these kinds of file have."""
    return tuple(suffix for kind in allowed for suffix in _SUFFIXES.get(kind, (kind,)))


def may_be_locked(content: bytes) -> bool:
    """Whether a file looks like a PDF or Office document with a password: some look so that have none."""
    if content.startswith(_OLE):
        return _LOCKED_PACKAGE in content
    return b"%PDF-" in content[:1024] and _LOCKED_PDF.search(content) is not None


def safe_file_name(name: str) -> str:
    """The base name without control or direction characters, of 1 to 200 characters; the suffix is kept."""
    base = unicodedata.normalize("NFC", re.split(r"[\\/]", name)[-1])  # some systems take ä apart in names
    kept = "".join(c for c in base if unicodedata.category(c) not in _UNSEEN or c == "\u200d")
    kept = re.sub(r"\s+", " ", kept).strip(" .")
    if base.startswith(".") and "." not in kept and kept:
        kept = f"file.{kept}"
    if len(kept) > _NAME_LENGTH:
        stem, dot, suffix = kept.rpartition(".")
        tail = dot + suffix if dot and len(suffix) <= 10 else ""
        kept = (stem if tail else kept)[: _NAME_LENGTH - len(tail)].rstrip(" .") + tail
    return kept or "unnamed"


def _kind(content: bytes) -> tuple[str | None, str]:
    """One of pdf, docx, txt, or None; and what to call it."""
    if not content.strip(b"\x00"):
        raise Invalid("The file is empty. Check it on your computer and upload it again.")
    if b"%PDF-" in content[:1024]:
        return "pdf", _KINDS["pdf"]
    if content.startswith(_OLE):
        return None, _ole_kind(content)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(content)
    found = _signature(content)
    if found:
        return None, found
    if looks_binary(content):
        return None, "a binary file of an unknown kind"
    return "txt", _KINDS["txt"]


def _kind_of(suffix: str) -> str | None:
    return next((kind for kind in _KINDS if suffix in _SUFFIXES.get(kind, (kind,))), None)


def _text_kind(content: bytes, suffix: str, says: str | None, allowed: Sequence[str]) -> str:
    if "html" in allowed and (says in ("txt", "md", "html") or not suffix) and _PAGE.match(content):
        return "html"
    return says if says in ("md", "html") else "txt"


def looks_binary(content: bytes) -> bool:
    """Whether the first 64 KB hold more control bytes than any encoding of text would have."""
    sample = content[:_SAMPLE]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")) or is_utf16(sample):
        return False
    controls = sum(sample.count(bytes([code])) for code in range(32) if code not in (9, 10, 11, 12, 13, 27))
    return controls > max(8, len(sample) // 20)


def is_utf16(sample: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` when every other byte is nearly always zero, as in western text without a mark."""
    half = len(sample) // 2
    if half < 4:
        return None
    even, odd = sample[::2].count(0) / half, sample[1::2].count(0) / half
    if odd > 0.7 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 and odd < 0.05 else None


def _signature(content: bytes) -> str | None:
    for mark, description in _SIGNATURES:
        # Two or three letters also begin words, so those count only for content that is binary as a whole.
        if content.startswith(mark) and (mark not in _SHORT_SIGNATURES or looks_binary(content)):
            return description
    return None


def _ole_kind(content: bytes) -> str:
    if _LOCKED_PACKAGE in content:
        return _LOCKED
    if "WordDocument".encode("utf-16-le") in content:
        return "an old Word document (.doc)"
    if "Workbook".encode("utf-16-le") in content:
        return "an old Excel workbook (.xls)"
    return "an old Office document"


def _zip_kind(content: bytes) -> tuple[str | None, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name.lower().lstrip("/") for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, UnicodeDecodeError):
        return None, "a damaged archive"
    if any(name == "[content_types].xml" for name in names):
        for folder, description in _ZIP_FOLDERS:
            if any(name.startswith(folder) for name in names):
                return None, description
        return "docx", _KINDS["docx"]
    if "mimetype" in names and "content.xml" in names:
        return None, "an OpenDocument file"
    return None, "a zip archive"


def _suffix(file_name: str) -> str:
    return file_name.rpartition(".")[2].lower() if "." in file_name else ""


def _refusal(file_name: str, claimed: str | None, description: str, allowed: Sequence[str]) -> str:
    accepted = f"Accepted are: {_named(allowed)}. Save it as one of them."
    if description == "a damaged archive":
        return "The file is damaged: it begins like a Word document, but cannot be opened. Save it again and upload it."
    if description.startswith("an old Word document"):
        return f"This is {description}. Open it in Word, save it as .docx and upload that."
    name = safe_file_name(file_name)
    if claimed:
        return f"“{name}” is not {_KINDS[claimed]}, it is {description}. {accepted}"
    return f"“{name}” is {description}, which cannot be used here. {accepted}"


def _named(allowed: Sequence[str]) -> str:
    return ", ".join(kind.upper() for kind in allowed)
