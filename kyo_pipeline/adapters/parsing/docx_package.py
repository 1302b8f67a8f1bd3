"""The zip archive around a Word document: checked before anything is inflated, its parts parsed without entities."""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from docx.oxml.parser import parse_xml
from lxml import etree  # type: ignore[import-untyped]  # lxml has no types of its own

from kyo_pipeline.adapters.parsing.refusal import Unreadable

Element = Any

BOMB = (
    "The file would grow to an enormous size when it is opened, so it was not. Save it again from the program it was "
    "made with, or split it."
)
DAMAGED = "The Word document is damaged and cannot be opened. Open it in Word, save it again and upload that."
NOT_WORD = "This is not a Word document (.docx): the part that holds its text is missing. Save it again as .docx."

MAX_BYTES = 100 << 20
MAX_RATIO = 200
MAX_ENTRIES = 5000
_SMALL = 1 << 20

_DOCUMENT = "/officeDocument"
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    ValueError,
    NotImplementedError,
    EOFError,
    RuntimeError,
    KeyError,
)


class Package:
    """The parts of a DOCX by name. Raises `Unreadable` for whatever is no sound Word document."""

    def __init__(self, path: str) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except _ZIP_ERRORS as error:
            raise Unreadable(DAMAGED) from error
        _guard(self._archive.infolist())
        self._names = {info.filename.lower().lstrip("/"): info.filename for info in self._archive.infolist()}
        self.main = self._find(_DOCUMENT) or self._default()

    def root(self, name: str) -> Element | None:
        """The root element of a part; None when there is no such part."""
        stored = self._names.get(name.lower().lstrip("/"))
        if stored is None:
            return None
        try:
            return _parse(self._archive.read(stored))
        except _ZIP_ERRORS as error:
            raise Unreadable(DAMAGED) from error

    def related(self, kind: str) -> Iterator[str]:
        """Names of the parts that the main part refers to by a relationship whose type ends in `kind`."""
        folder, base = posixpath.split(self.main)
        yield from self._targets(f"{folder}/_rels/{base}.rels", folder, kind)

    def close(self) -> None:
        self._archive.close()

    def _find(self, kind: str) -> str | None:
        return next((name for name in self._targets("_rels/.rels", "", kind) if name.lower() in self._names), None)

    def _targets(self, rels: str, folder: str, kind: str) -> Iterator[str]:
        root = self.root(rels)
        for relation in [] if root is None else root:
            if not isinstance(relation.tag, str) or relation.get("TargetMode") == "External":
                continue
            if relation.get("Type", "").endswith(kind):
                target = unquote(relation.get("Target", ""))
                yield posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")

    def _default(self) -> str:
        if "word/document.xml" not in self._names:
            raise Unreadable(NOT_WORD)
        return "word/document.xml"


def _guard(entries: list[zipfile.ZipInfo]) -> None:
    """The directory may lie about sizes, but then zipfile stops reading at what it says and fails the checksum."""
    total = sum(entry.file_size for entry in entries)
    explosive = any(entry.file_size > max(_SMALL, MAX_RATIO * entry.compress_size) for entry in entries)
    if len(entries) > MAX_ENTRIES or total > MAX_BYTES or explosive:
        raise Unreadable(BOMB)
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable("This Word document is protected with a password. Remove the protection and upload it again.")


def _parse(content: bytes) -> Element:
    try:
        root: Element = parse_xml(content)  # python-docx's parser: no entities, no network, no huge trees
    except etree.XMLSyntaxError:
        root = _recovered(content)
    subset = root.getroottree().docinfo.internalDTD
    if subset is not None and any(re.search(r"&\w", entity.content or "") for entity in subset.iterentities()):
        raise Unreadable(BOMB)
    return root


def _recovered(content: bytes) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(DAMAGED) from error
    if root is None:
        raise Unreadable(DAMAGED)
    return root
