"""Walks WordprocessingML in document order and makes blocks of text of it."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from kyo_pipeline.adapters.parsing.blocks import Block
from kyo_pipeline.adapters.parsing.tables import Cell, table_text

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
_OFF = ("0", "false", "off", "none")
_NOTES = {"footnoteReference": "footnote", "endnoteReference": "endnote"}


@dataclass
class Paragraph:
    """What a paragraph's runs hold: its own text, then the text boxes and notes anchored in it."""

    pieces: list[str] = field(default_factory=list)
    attached: list[Block] = field(default_factory=list)


class Walker:
    """Needs the heading level of each style id, the notes by (kind, id), and the table styles with a header row."""

    def __init__(self, levels: dict[str, int], notes: dict[tuple[str, str], Element], headed: AbstractSet[str]) -> None:
        self._levels = levels
        self._notes = notes
        self._headed = headed

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
        rows = list(_within(table, "tr"))
        cells = [[self._cell(cell) for cell in _within(row, "tc")] for row in rows if not _is_deleted(row)]
        text = table_text(_merged(cells), self._headers(table, rows))
        if text:
            yield Block(text)

    def _cell(self, cell: Element) -> Cell | None:
        """None: what stands above reaches into this cell."""
        properties = child_of(cell, "tcPr")
        merged = None if properties is None else child_of(properties, "vMerge")
        span = None if properties is None else child_of(properties, "gridSpan")
        text = " ".join(block.text for block in self.blocks(cell))
        across = 1 if span is None else number(span) or 1
        starts = merged is None or attribute(merged, "val") == "restart"
        return Cell(text, across) if starts or text else None

    def _headers(self, table: Element, rows: Sequence[Element]) -> int:
        """Rows that Word repeats on every page; else the first, when it is set apart from the second."""
        marked = next((number for number, row in enumerate(rows) if not _is_repeated(row)), len(rows))
        if marked or len(rows) < 2:
            return marked
        properties = child_of(table, "tblPr")
        style = None if properties is None else child_of(properties, "tblStyle")
        look = None if properties is None else child_of(properties, "tblLook")
        styled = style is not None and attribute(style, "val") in self._headed and _shows_first_row(look)
        return int(styled or (_is_set_apart(rows[0]) and not _is_set_apart(rows[1])))

    def _level(self, properties: Element | None) -> int | None:
        if properties is None:
            return None
        outline = child_of(properties, "outlineLvl")
        if outline is not None and (level := number(outline)) is not None:
            return level + 1 if level < 9 else None
        style = child_of(properties, "pStyle")
        return None if style is None else self._levels.get(attribute(style, "val"))


def local(element: Element) -> str:
    """The tag without its namespace; "" for comments and entities."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    return str(element.get(W + name) or element.get(_STRICT + name) or "")


def number(element: Element) -> int | None:
    value = attribute(element, "val")
    return int(value) if re.fullmatch(r"[0-9]{1,6}", value) else None


def child_of(element: Element, tag: str) -> Element | None:
    return next((child for child in element if local(child) == tag), None)


def _chosen(alternatives: Element) -> Element:
    """The same content stands in a Choice and again in the Fallback: the first that is there."""
    return alternatives[0] if len(alternatives) else alternatives


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


def _merged(rows: Sequence[Sequence[Cell | None]]) -> list[list[Cell]]:
    """With the text of a cell that reaches over several rows in each of them."""
    lines: list[list[Cell]] = []
    above: dict[int, Cell] = {}
    for row in rows:
        line: list[Cell] = []
        column, current = 0, {}
        for cell in row:
            known = cell or above.get(column) or Cell("")
            current[column] = known
            line.append(known)
            column += known.across
        above = current
        lines.append(line)
    return lines


def _is_deleted(row: Element) -> bool:
    properties = child_of(row, "trPr")
    return properties is not None and child_of(properties, "del") is not None


def _is_repeated(row: Element) -> bool:
    properties = child_of(row, "trPr")
    mark = None if properties is None else child_of(properties, "tblHeader")
    return mark is not None and attribute(mark, "val") not in _OFF


def _shows_first_row(look: Element | None) -> bool:
    if look is None:
        return False
    flag, bits = attribute(look, "firstRow"), attribute(look, "val")
    return (
        flag not in _OFF if flag else re.fullmatch(r"[0-9A-Fa-f]{1,4}", bits) is not None and bool(int(bits, 16) & 32)
    )


def sets_apart(properties: Element) -> bool:
    """Whether something in it makes text bold."""
    return any(local(child) == "b" and attribute(child, "val") not in _OFF for child in properties.iter())


def _is_set_apart(row: Element) -> bool:
    """All of its text is bold."""
    runs = [run for run in row.iter() if local(run) == "r" and any(local(child) == "t" for child in run)]
    return bool(runs) and all((kind := child_of(run, "rPr")) is not None and sets_apart(kind) for run in runs)
