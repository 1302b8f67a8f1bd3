"""Markdown by the rules of CommonMark, with tables: the text without its markup."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from kyo_pipeline.adapters.parsing.blocks import Block, assemble
from kyo_pipeline.adapters.parsing.characters import clean
from kyo_pipeline.adapters.parsing.encodings import decode
from kyo_pipeline.adapters.parsing.html import blocks_of
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.adapters.parsing.tables import Cell, table_text
from kyo_pipeline.domain.media_types import looks_binary
from kyo_pipeline.domain.parsed import ParsedDocument

NO_TEXT = "The file holds no text. Check it on your computer and upload it again."
TOO_DEEP = (
    "The lists or quotations of this file are nested too deeply to be read. Make them flatter and upload it again."
)

_FRONT_MATTER = re.compile(
    r"\A(---|\+\+\+)[ \t]*\n(?=[ \t]*[\w\"'#-]+[^\n]*[:=])(?:.*\n)*?(?:\1|\.\.\.)[ \t]*(?:\n|\Z)"
)
_DEEPEST = 60


def parse_markdown(content: bytes) -> ParsedDocument:
    """Read a Markdown file. Raises `Unreadable` when it is binary, holds no text, or is nested too deeply."""
    if looks_binary(content):
        raise Unreadable("This is not a Markdown file: it holds binary data. Upload it as PDF, DOCX or plain text.")
    source = _FRONT_MATTER.sub("", clean(decode(content)), count=1)
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
    tokens = parser.parse(source)
    if any(token.level >= _DEEPEST - 2 for token in tokens):
        raise Unreadable(TOO_DEEP)  # the parser leaves out what is deeper still
    text, headings = assemble(_Reader(tokens).blocks())
    if not text:
        raise Unreadable(NO_TEXT)
    return ParsedDocument(text=text, headings=tuple(headings))


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = iter(tokens)
        self._lists: list[int | None] = []  # of the lists around this place: the next number, None without numbers
        self._mark = ""

    def blocks(self) -> Iterator[Block]:
        level: int | None = None
        for token in self._tokens:
            if token.type == "heading_open":
                level = int(token.tag[1:])
            elif token.type == "inline":
                yield from self._block(_plain(token.children or []), level)
                level = None
            elif token.type in ("fence", "code_block"):
                yield from self._block(token.content.strip("\n"))
            elif token.type == "html_block":
                yield from blocks_of(token.content)
            elif token.type == "table_open":
                yield from self._block(self._table())
            else:
                self._follow_lists(token)

    def _block(self, text: str, level: int | None = None) -> Iterator[Block]:
        if text.strip():
            yield Block(text if level else self._mark + text, level, bool(self._lists) and level is None)
            self._mark = ""

    def _follow_lists(self, token: Token) -> None:
        if token.type == "ordered_list_open":
            self._lists.append(int(token.attrs.get("start", 1)))
        elif token.type == "bullet_list_open":
            self._lists.append(None)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            self._lists.pop()
        elif token.type == "list_item_open":
            number = self._lists[-1]
            self._mark = "- " if number is None else f"{number}. "
            self._lists[-1] = None if number is None else number + 1

    def _table(self) -> str:
        rows: list[list[Cell]] = []
        for token in self._tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(Cell(_plain(token.children or [])))
        return table_text(rows, headers=1)


def _plain(tokens: Sequence[Token]) -> str:
    """Links and pictures as their words, code as it is."""
    return "".join(_word(token) for token in tokens).strip()


def _word(token: Token) -> str:
    if token.type in ("text", "code_inline"):
        return token.content
    if token.type == "image":
        return _plain(token.children or [])
    if token.type == "html_inline":
        return "\n" if re.match(r"<br\b", token.content, re.IGNORECASE) else ""
    return {"softbreak": " ", "hardbreak": "\n"}.get(token.type, "")
