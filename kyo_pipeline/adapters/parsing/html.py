"""Web pages: what a reader sees without running or fetching anything. Style sheets are not applied."""

import codecs
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml has no types of its own

from kyo_pipeline.adapters.parsing.blocks import Block, assemble
from kyo_pipeline.adapters.parsing.encodings import decode
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.adapters.parsing.tables import Cell, table_text
from kyo_pipeline.domain.parsed import ParsedDocument

Element = Any

NO_TEXT = "No text was found in this web page; it may be filled by a program. Save what you see as PDF and upload that."
TOO_DEEP = "This web page is nested too deeply to be read. Save what you see as PDF and upload that."

_UNSEEN = frozenset(
    "head script style template noscript iframe object embed audio video canvas svg map datalist".split()  # noqa: SIM905  so many words are easier to read as a text
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "  # noqa: SIM905
    "footer form frameset header hgroup hr html legend li main menu nav ol optgroup option p pre search section select "
    "summary table tbody td tfoot th thead tr ul".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])"
)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_DECLARED = re.compile(
    rb"<(?:meta\b[^>]{0,500}?charset|\?xml\b[^>]{0,200}?encoding)\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE
)
_TEXTUAL = re.compile(r"(?:cp\d+|iso8859-\d+|koi8-[ru]|mac-\w+|gb\w+|big5\w*|shift_jis\w*|euc_\w+|tis-620)")
# What browsers read under these names.
_MEANT = {"iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
_HEAD = 4096
_DEEPEST = 250


def parse_html(content: bytes) -> ParsedDocument:
    """Read a web page. Raises `Unreadable` when it holds no visible text or is nested too deeply."""
    text, headings = assemble(blocks_of(_decoded(content)))
    if not text:
        raise Unreadable(NO_TEXT)
    return ParsedDocument(text=text, headings=tuple(headings))


def blocks_of(page: str) -> list[Block]:
    """The visible blocks of a page, or of a piece of one."""
    # No huge trees, nothing from the network; entities of a DTD do not exist in HTML. As bytes: lxml reads no text with
    # a declaration of its encoding.
    data = page.replace("\x00", "").encode("utf-8", errors="replace")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, recover=True)
    try:
        root = etree.fromstring(data, parser) if data.strip() else None
    except etree.XMLSyntaxError:
        root = None  # nothing but comments, say
    if any("depth" in error.message for error in parser.error_log):
        raise Unreadable(TOO_DEEP)
    walker = _Walker()
    if root is not None:
        walker.walk(root, 0)
    walker.flush()
    return walker.blocks


class _Walker:
    """Collects words until a block ends."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._words: list[str] = []
        self._mark = ""  # what stands before the next item of a list
        self._numbers: list[int | None] = []  # of the lists around this place: the next number, None without numbers
        self._tight = False

    def flush(self, level: int | None = None) -> None:
        text = "".join(self._words)
        self._words.clear()
        lines = (line.strip(" ") for line in re.sub(r" ?\n ?", "\n", re.sub(r" {2,}", " ", text)).split("\n"))
        self._add("\n".join(lines).strip(), level)

    def within(self, element: Element, depth: int) -> None:
        """What is inside an element, whatever it is itself."""
        self._inside(element, depth)
        self.flush()

    def walk(self, element: Element, depth: int) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if depth > _DEEPEST:
            raise Unreadable(TOO_DEEP)
        if tag in _UNSEEN or not tag or _is_hidden(element):
            return
        if tag == "table" and _is_data(element):
            self.flush()
            self._add(_table(element, depth))
        elif tag == "pre":
            self.flush()
            self._add("".join(_as_typed(element)).strip("\n"))
        elif tag == "li":
            self._item(element, depth)
        elif tag in ("ol", "ul", "menu", "dir"):
            self.flush()
            self._numbers.append(_first_number(element) if tag == "ol" else None)
            self._inside(element, depth)
            self.flush()
            self._numbers.pop()
        elif tag in _HEADINGS or tag in _BLOCKS:
            self.flush()
            self._inside(element, depth)
            self.flush(_HEADINGS.get(tag))
        else:
            self._phrase(element, tag, depth)

    def _add(self, text: str, level: int | None = None) -> None:
        if text:
            self.blocks.append(Block(text if level else self._mark + text, level, self._tight and level is None))
            self._mark = ""

    def _item(self, element: Element, depth: int) -> None:
        self.flush()
        outer, self._tight = self._tight, True
        self._mark = self._next_mark()
        self._inside(element, depth)
        self.flush()
        self._tight, self._mark = outer, ""

    def _next_mark(self) -> str:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return "- "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _phrase(self, element: Element, tag: str, depth: int) -> None:
        if tag in ("br", "wbr"):
            self._words.append("\n" if tag == "br" else "")
        elif tag == "img":
            self._words.append(_SPACES.sub(" ", element.get("alt") or ""))
        elif tag == "input":
            shown = element.get("type", "text").lower() in ("text", "submit", "button", "reset", "email", "tel", "url")
            self._words.append(_SPACES.sub(" ", f" {element.get('value') or ''} " if shown else ""))
        else:
            self._inside(element, depth)

    def _inside(self, element: Element, depth: int) -> None:
        self._words.append(_SPACES.sub(" ", element.text or ""))
        for child in element:
            self.walk(child, depth + 1)
            self._words.append(_SPACES.sub(" ", child.tail or ""))


def _is_hidden(element: Element) -> bool:
    if element.get("hidden") is not None and element.get("hidden") != "until-found":
        return True
    if element.tag == "dialog" and element.get("open") is None:
        return True
    return _HIDING.search((element.get("style") or "").lower()) is not None


def _as_typed(element: Element) -> Iterator[str]:
    """What is seen of preformatted text, with its blanks and lines."""
    yield element.text or ""
    for child in element:
        if child.tag == "br":
            yield "\n"
        elif isinstance(child.tag, str) and child.tag not in _UNSEEN and not _is_hidden(child):
            yield from _as_typed(child)
        yield child.tail or ""


def _first_number(numbered: Element) -> int:
    start = numbered.get("start", "1")
    return int(start) if re.fullmatch(r"-?[0-9]{1,6}", start) else 1


def _is_data(table: Element) -> bool:
    """Not a table that only puts things side by side: those hold headings, paragraphs, other tables."""
    rows = list(_table_rows(table))
    layout = table.get("role") in ("presentation", "none") or next(table.iter(*_HEADINGS, "form"), None) is not None
    nested = any(other is not table for other in table.iter("table"))
    return not layout and not nested and any(len(_cells(row)) > 1 for row in rows)


def _table_rows(table: Element) -> Iterator[Element]:
    """Its rows in the order in which they are shown: the head first, the foot last."""
    parts = [part for part in table if part.tag in ("thead", "tbody", "tfoot", "tr")]
    for part in sorted(parts, key=lambda part: {"thead": 0, "tfoot": 2}.get(part.tag, 1)):
        yield from [part] if part.tag == "tr" else part.iterchildren("tr")


def _cells(row: Element) -> list[Element]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _table(table: Element, depth: int) -> str:
    """Its caption, and its rows; those at the top with nothing but headers name the columns."""
    rows = [row for row in _table_rows(table) if not _is_hidden(row) and _cells(row)]
    headers = next((number for number, row in enumerate(rows) if not _heads(row)), len(rows))
    cells = [[_cell(cell, depth) for cell in _cells(row) if not _is_hidden(cell)] for row in rows]
    caption = next(table.iterchildren("caption"), None)
    title = "" if caption is None else _cell(caption, depth).text
    return f"{title}\n{table_text(cells, headers)}".strip("\n")


def _heads(row: Element) -> bool:
    return row.getparent().tag == "thead" or all(cell.tag == "th" for cell in _cells(row))


def _cell(cell: Element, depth: int) -> Cell:
    walker = _Walker()
    walker.within(cell, depth + 3)
    text = " ".join(block.text for block in walker.blocks)
    return Cell(text, _number(cell, "colspan"), _number(cell, "rowspan"))


def _number(cell: Element, name: str) -> int:
    value = cell.get(name) or ""
    return int(value) if re.fullmatch(r"[0-9]{1,5}", value) and int(value) > 0 else 1


def _decoded(content: bytes) -> str:
    """By its byte order mark, as UTF-8, by what the page itself says, else by its letters."""
    declared = _declared(content[:_HEAD])
    if declared and not content.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) and not _is_utf_8(content):
        try:
            return content.decode(declared)
        except UnicodeDecodeError:
            pass
    return decode(content)


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _declared(head: bytes) -> str | None:
    found = _DECLARED.search(head)
    try:
        name = codecs.lookup(found[1].decode("ascii")).name if found else ""
    except (LookupError, UnicodeDecodeError):
        return None
    return _MEANT.get(name, name) if _TEXTUAL.fullmatch(name) else None
