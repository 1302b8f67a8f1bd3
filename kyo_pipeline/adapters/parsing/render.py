"""Draws a page of a PDF with a quote highlighted in it, in the child."""

import io
import math
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pypdfium2
from PIL import Image, ImageChops, ImageDraw
from pypdfium2 import raw

from kyo_pipeline.adapters.parsing.frames import Message
from kyo_pipeline.adapters.parsing.ocr import read_lines
from kyo_pipeline.adapters.parsing.quotes import find_quote
from kyo_pipeline.adapters.parsing.refusal import Unreadable

NO_PAGE = "The document has no page {page}. It has {pages}."
NOT_DRAWN = "This page cannot be drawn. Read its text instead, or download the file."

_MOST_PIXELS = 6_000_000
_MOST_CHARACTERS = 200_000
_YELLOW = (255, 230, 80)
_ON_DARK = 0.15  # black text stays readable, and a dark page shows the mark as well
_MARGIN = 1

Corners = tuple[float, float, float, float]
Box = tuple[int, int, int, int]


def render(path: str, page: int, quote: str, width: int, ocr: dict[str, Any] | None) -> tuple[Message, bytes]:
    """The size of the picture, how many places in it are marked, and the picture (PNG).

    With the options of text recognition, a quote is found in a page that is a picture as well.

    Raises `Unreadable`, OSError when the file is not there.
    """
    with open(path, "rb"):  # noqa: PTH123  pdfium would report a missing file as a damaged one
        pass
    try:
        return _render(path, page, quote, width, ocr)
    except pypdfium2.PdfiumError as error:
        raise Unreadable(NOT_DRAWN) from error


def _render(path: str, number: int, quote: str, width: int, ocr: dict[str, Any] | None) -> tuple[Message, bytes]:
    with pypdfium2.PdfDocument(path) as pdf:
        if not 1 <= number <= len(pdf):
            raise Unreadable(NO_PAGE.format(page=number, pages=len(pdf)))
        pdf.init_forms()  # what was filled in is drawn as well
        page = pdf[number - 1]
        places = _places(page, quote) if quote.strip() else []
        bitmap = page.render(scale=_scale(page.get_size(), width), rev_byteorder=True)
        marks = _in_pixels(places, bitmap.get_posconv(page))
        if quote.strip() and ocr and not page.get_textpage().count_chars():
            marks = list(_in_picture(read_lines(page, ocr), quote, bitmap.width, bitmap.height))
        picture = _highlighted(bitmap.to_pil().convert("RGB"), [box for boxes in marks for box in boxes])
        png = io.BytesIO()
        picture.save(png, "PNG", compress_level=4)
    return {"width": picture.width, "height": picture.height, "marked": len(marks)}, png.getvalue()


def _scale(size: tuple[float, float], wanted: int) -> float:
    width, height = size
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise Unreadable(NOT_DRAWN)
    scale = min(wanted / width, math.sqrt(_MOST_PIXELS / (width * height)))
    if min(width, height) * scale < 1:
        raise Unreadable(NOT_DRAWN)
    return scale


def _places(page: pypdfium2.PdfPage, quote: str) -> list[list[Corners]]:
    """For each place of the quote the corners of its lines, in the units of the page.

    The order of the characters depends on how the page is turned. Some pages are right as they are shown, some before.
    """
    shown = page.get_rotation()
    found = _found(page, quote)
    if shown:
        page.set_rotation(0)
        found = max(found, _found(page, quote), key=lambda result: result[0])
        page.set_rotation(shown)
    return found[1]


def _found(page: pypdfium2.PdfPage, quote: str) -> tuple[int, list[list[Corners]]]:
    """How many characters were found, and where."""
    text = page.get_textpage()
    count = min(text.count_chars(), _MOST_CHARACTERS)
    spans = find_quote(quote, [_character(raw.FPDFText_GetUnicode(text, index)) for index in range(count)])
    places = [[text.get_rect(index) for index in range(text.count_rects(start, end - start))] for start, end in spans]
    return sum(end - start for start, end in spans), places


def _in_pixels(places: list[list[Corners]], position: pypdfium2.PdfPosConv) -> list[list[Box]]:
    marks = []
    for lines in places:
        boxes = []
        for left, bottom, right, top in lines:
            corners = [position.to_bitmap(left, top), position.to_bitmap(right, bottom)]
            (x1, x2), (y1, y2) = (sorted(values) for values in zip(*corners, strict=True))
            boxes.append((x1 - _MARGIN, y1 - _MARGIN, x2 + _MARGIN, y2 + _MARGIN))
        if boxes:
            marks.append(boxes)
    return marks


def _in_picture(lines: list[list[tuple[str, Corners]]], quote: str, width: int, height: int) -> Iterator[list[Box]]:
    """The same in what text recognition read: one box for the words of each line."""
    words = [(line, word, box) for line, found in enumerate(lines) for word, box in found]
    characters = [(character, line, box) for line, word, box in words for character in word]
    for start, end in find_quote(quote, [character for character, _, _ in characters]):
        boxes = []
        for _, group in groupby(characters[start:end], key=lambda found: found[1]):
            left, top, right, bottom = zip(*(box for _, _, box in group), strict=True)
            edges = min(left) * width, min(top) * height, max(right) * width, max(bottom) * height
            boxes.append((round(edges[0]), round(edges[1]), round(edges[2]), round(edges[3])))
        yield boxes


def _character(code: int) -> str:
    return chr(code) if code <= 0x10FFFF else ""


def _highlighted(picture: Image.Image, boxes: list[Box]) -> Image.Image:
    if not boxes:
        return picture
    mask = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(mask)
    for box in boxes:
        draw.rectangle(box, fill=255)
    yellow = Image.new("RGB", picture.size, _YELLOW)
    return Image.composite(Image.blend(ImageChops.multiply(picture, yellow), yellow, _ON_DARK), picture, mask)
