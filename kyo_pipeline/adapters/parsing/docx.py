"""Word documents: everything that a reader sees, also what stands outside the plain paragraphs.

python-docx reads the XML. Its documents are not used: they forget text boxes, content controls, notes and tracked
changes, and refuse templates, macro documents and files with a picture missing.
"""

import re
from collections.abc import Iterator

from kyo_pipeline.adapters.parsing.blocks import Block, assemble
from kyo_pipeline.adapters.parsing.docx_body import Element, Walker, attribute, child_of, local, number, sets_apart
from kyo_pipeline.adapters.parsing.docx_package import NOT_WORD, Package
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.domain.parsed import ParsedDocument

NO_TEXT = (
    "No text was found in this Word document; it may hold only pictures. Put the text in as text and upload it again."
)
_SEPARATORS = ("separator", "continuationSeparator", "continuationNotice")


def parse_docx(path: str) -> ParsedDocument:
    """Read a DOCX. Raises `Unreadable` when it is damaged, protected, dangerous, or holds no text."""
    package = Package(path)
    try:
        return _read(package)
    finally:
        package.close()


def _read(package: Package) -> ParsedDocument:
    root = package.root(package.main)
    body = None if root is None else child_of(root, "body")
    if body is None:
        raise Unreadable(NOT_WORD)
    walker = Walker(_levels(package), _notes(package), set(_headed(package)))
    blocks = list(walker.blocks(body))
    if not any(block.text.strip() for block in blocks):
        raise Unreadable(NO_TEXT)
    headers, footers = list(_edges(package, walker, "/header")), list(_edges(package, walker, "/footer"))
    text, headings = assemble([*headers, *blocks, *footers])
    return ParsedDocument(text=text, headings=tuple(headings))


def _edges(package: Package, walker: Walker, kind: str) -> Iterator[Block]:
    """The lines of all headers (or footers), each once: sections repeat them."""
    seen: set[str] = set()
    for name in package.related(kind):
        root = package.root(name)
        for block in [] if root is None else walker.blocks(root):
            if block.text not in seen:
                seen.add(block.text)
                yield Block(block.text)


def _notes(package: Package) -> dict[tuple[str, str], Element]:
    """Footnotes and endnotes by (kind, id), without the separators that Word keeps among them."""
    notes: dict[tuple[str, str], Element] = {}
    for kind in ("footnote", "endnote"):
        for name in package.related(f"/{kind}s"):
            root = package.root(name)
            for note in [] if root is None else root:
                if local(note) == kind and attribute(note, "type") not in _SEPARATORS:
                    notes[kind, attribute(note, "id")] = note
    return notes


def _headed(package: Package) -> Iterator[str]:
    """The ids of the table styles that set the first row apart."""
    for name in package.related("/styles"):
        root = package.root(name)
        for style in [] if root is None else root:
            parts = [part for part in style if local(part) == "tblStylePr" and attribute(part, "type") == "firstRow"]
            if any(sets_apart(part) for part in parts):
                yield attribute(style, "styleId")


def _levels(package: Package) -> dict[str, int]:
    """Heading level by style id: from its outline level or its name, else from the style that it is based on."""
    own: dict[str, int] = {}
    parents: dict[str, str] = {}
    for name in package.related("/styles"):
        root = package.root(name)
        for style in [] if root is None else root:
            if local(style) == "style" and attribute(style, "type") in ("paragraph", ""):
                _add_style(style, own, parents)
    return {style: level for style in {*own, *parents} if (level := _inherited(style, own, parents))}


def _add_style(style: Element, own: dict[str, int], parents: dict[str, str]) -> None:
    identity = attribute(style, "styleId")
    properties, name, parent = child_of(style, "pPr"), child_of(style, "name"), child_of(style, "basedOn")
    outline = None if properties is None else child_of(properties, "outlineLvl")
    words = "" if name is None else attribute(name, "val").lower()
    if outline is not None and (level := number(outline)) is not None:
        own[identity] = level + 1
    elif re.fullmatch(r"heading [1-9]", words):
        own[identity] = int(words[8:])
    elif words == "title":
        own[identity] = 1
    if parent is not None:
        parents[identity] = attribute(parent, "val")


def _inherited(style: str, own: dict[str, int], parents: dict[str, str]) -> int | None:
    for _ in range(20):  # styles may be based on each other in a circle
        if style in own:
            return own[style] if own[style] <= 9 else None  # outline level 9 means body text
        if style not in parents:
            return None
        style = parents[style]
    return None
