"""Pieces of a document in their order, and the one text that they make."""

from collections.abc import Iterable
from dataclasses import dataclass

from kyo_pipeline.adapters.parsing.characters import clean
from kyo_pipeline.domain.parsed import LONGEST_HEADING, Heading


@dataclass(frozen=True)
class Block:
    """A paragraph or a table. `level` 1 to 9 for a heading; `tight`: belongs close to the block before it (lists)."""

    text: str
    level: int | None = None
    tight: bool = False


def assemble(blocks: Iterable[Block]) -> tuple[str, list[Heading]]:
    """The blocks with a blank line between them, or a line end between tight ones; and where the headings are."""
    pieces: list[str] = []
    headings: list[Heading] = []
    position, before = 0, None
    for block in blocks:
        text = clean(block.text).strip()
        if not text:
            continue
        gap = "" if before is None else "\n" if block.tight and before.tight else "\n\n"
        position += len(gap)
        if block.level is not None and len(text) <= LONGEST_HEADING:
            text = " ".join(text.split())
            headings.append(Heading(position, block.level, text))
        pieces += (gap, text)
        position += len(text)
        before = block
    return "".join(pieces), headings
