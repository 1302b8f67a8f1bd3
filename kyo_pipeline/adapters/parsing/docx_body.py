"""Walks WordprocessingML in document order and makes blocks of text of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Element = Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_LEFT_OUT = frozenset(
    {
        "del",
        "moveFrom",
        "instrText",
        "delText",
        "delInstrText",
        "rPr",
        "pPr",
        "tblPr",
        "sectPr",
        "sdtPr",
        "sdtEndPr",
    }
)
_LITERAL = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
_NOTES = {"footnoteReference": "footnote", "endnoteReference": "endnote"}


@dataclass(frozen=True)
class Block:
    """A paragraph or a table. `level` 1 to 9 for a heading; `tight`: belongs close to the block before it (lists)."""

    text: str
    level: int | None = None
    tight: bool = False


@dataclass
class Paragraph:
    """What a paragraph's runs hold: its own text, then the text boxes and notes anchored in it."""

    pieces: list[str] = field(default_factory=list)
    attached: list[Block] = field(default_factory=list)


class Walker:
    """Needs the heading level of each style id and the notes by (kind, id)."""

    def __init__(self, levels: dict[str, int], notes: dict[tuple[str, str], Element]) -> None:
        self._levels = levels
        self._notes = notes

    def blocks(self, container: Element) -> Iterator[Block]:
        """The blocks of a body, cell, text box, note, header or content control."""
        for child in container:
            tag = local(child)
            if tag == "p":
                yield from self._paragraph(child)
            elif tag == "tbl":
                yield from self._table(child)
            elif tag and tag not in _LEFT_OUT:
                yield from self.blocks(_chosen(child) if tag == "AlternateContent" else child)

    def _paragraph(self, element: Element) -> Iterator[Block]:
        paragraph = Paragraph()
        self._inline(element, paragraph)
        text = "".join(paragraph.pieces).strip()
        properties = child_of(element, "pPr")
        if text:
            yield Block(text, self._level(properties), _is_item(properties))
        yield from paragraph.attached

    def _inline(self, element: Element, paragraph: Paragraph) -> None:
        for child in element:
            tag = local(child)
            if tag == "t":
                paragraph.pieces.append(child.text or "")
            elif tag in _LITERAL:
                paragraph.pieces.append(_LITERAL[tag])
            elif tag in _NOTES:
                paragraph.attached += self._note(_NOTES[tag], attribute(child, "id"))
            elif tag == "txbxContent":
                paragraph.attached += self.blocks(child)
            elif tag == "AlternateContent":
                self._inline(_chosen(child), paragraph)
            elif tag and tag not in _LEFT_OUT:
                self._inline(child, paragraph)

    def _note(self, kind: str, number: str) -> Iterator[Block]:
        note = self._notes.pop((kind, number), None)  # popped: a note is written once, however often it is cited
        if note is not None:
            yield from self.blocks(note)

    def _table(self, table: Element) -> Iterator[Block]:
        rows = [[self._cell(cell) for cell in _cells(row)] for row in _within(table, "tr")]
        first = next(iter(_within(table, "tr")), None)
        header = rows[0] if rows and _is_header(first, rows) else None
        lines = [_line(row, header if position else None) for position, row in enumerate(rows)]
        text = "\n".join(line for line in lines if line)
        if text:
            yield Block(text)

    def _cell(self, cell: Element) -> str:
        return " ".join(" ".join(block.text.split()) for block in self.blocks(cell))

    def _level(self, properties: Element | None) -> int | None:
        if properties is None:
            return None
        outline = child_of(properties, "outlineLvl")
        if outline is not None and attribute(outline, "val").isdigit():
            level = int(attribute(outline, "val")) + 1
            return level if level <= 9 else None
        style = child_of(properties, "pStyle")
        return None if style is None else self._levels.get(attribute(style, "val"))


def local(element: Element) -> str:
    """The tag without its namespace; "" for comments and entities."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    return str(element.get(W + name) or element.get(_STRICT + name) or "")


def child_of(element: Element, tag: str) -> Element | None:
    return next((child for child in element if local(child) == tag), None)


def _chosen(alternatives: Element) -> Element:
    """The same content stands in a Choice and again in the Fallback: the first that is there."""
    return alternatives[0] if len(alternatives) else alternatives


def _cells(row: Element) -> Iterator[Element]:
    return _within(row, "tc")


def _within(element: Element, tag: str) -> Iterator[Element]:
    """Children of that tag, also inside content controls and custom XML, but not those of nested tables."""
    for child in element:
        if local(child) == tag:
            yield child
        elif local(child) in ("sdt", "sdtContent", "customXml", "ins", "smartTag"):
            yield from _within(child, tag)


def _is_item(properties: Element | None) -> bool:
    if properties is None:
        return False
    style = child_of(properties, "pStyle")
    return child_of(properties, "numPr") is not None or (style is not None and "List" in attribute(style, "val"))


def _is_header(row: Element | None, rows: list[list[str]]) -> bool:
    """Word marks a row that is repeated on every page; only those are surely headers."""
    properties = None if row is None else child_of(row, "trPr")
    marked = properties is not None and child_of(properties, "tblHeader") is not None
    return marked and len(rows) > 1 and len(rows[0]) > 1 and all(rows[0]) and max(map(len, rows[0])) <= 60


def _line(row: list[str], header: list[str] | None) -> str:
    """A row for people: `Header: value | Header: value`, or the cells with tabs between them."""
    if header and len(header) == len(row):
        return " | ".join(f"{name}: {value}" for name, value in zip(header, row, strict=True) if value)
    return "\t".join(row).strip("\t")
