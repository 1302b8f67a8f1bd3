"""Text recognition (OCR) on pages that are pictures, with tesseract: the extra `ocr` and its language data.

tesserocr, not pytesseract: it is the library itself, so that no program is run and no file is written, the limits of
the child hold for it, and nothing of it is left when the child is killed.
"""

import ctypes
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the parent must not load the engine, nor a child before it has a picture to read
    import pypdfium2

    from kyo_pipeline.settings import Settings

#: Where Debian, other systems and Homebrew put the language data.
_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
Box = tuple[float, float, float, float]

_DPI = 200
_MOST_PIXELS = 12_000_000
_LEAST_CONFIDENCE = 50  # of 100; what tesseract makes of photographs and drawings stays below


@dataclass(frozen=True)
class Recognition:
    """Whether pictures of text are read. `options` go to the child, None when they are not; `state` says why."""

    options: dict[str, Any] | None
    state: str


def find_recognition(settings: "Settings") -> Recognition:
    """Look for the engine and its data without loading them."""
    if settings.KYO_OCR == "off":
        return Recognition(None, "off (KYO_OCR)")
    if find_spec("tesserocr") is None:
        return Recognition(None, "off: needs the extra `ocr`: pip install 'know-your-organization[ocr]'")
    folders = [settings.KYO_OCR_DATA] if settings.KYO_OCR_DATA else [Path(folder) for folder in _FOLDERS]
    folder = next((folder for folder in folders if any(folder.glob("*.traineddata"))), None)
    if folder is None:
        return Recognition(None, "off: no language data of tesseract, such as the package tesseract-ocr-eng")
    lacking = [name for name in settings.KYO_OCR_LANGUAGES if not (folder / f"{name}.traineddata").is_file()]
    if lacking:
        return Recognition(None, f"off: no language data for {', '.join(lacking)} in {folder}")
    options = {
        "folder": str(folder),
        "languages": "+".join(settings.KYO_OCR_LANGUAGES),
        "page_seconds": settings.KYO_OCR_SECONDS_PER_PAGE,
        "file_seconds": settings.KYO_OCR_SECONDS_PER_FILE,
        "pages": settings.KYO_OCR_MAX_PAGES,
    }
    return Recognition(options, f"on ({', '.join(settings.KYO_OCR_LANGUAGES)})")


class PictureReader:
    """Reads pages of one PDF, in the child. `known` are pages that another child has read before it came to its end."""

    def __init__(
        self, path: str, options: dict[str, Any], known: dict[int, str], tell: Callable[[int, str], None]
    ) -> None:
        self._path = path
        self._options = options
        self._known = known
        self._tell = tell
        self._pages_left = int(options["pages"]) - len(known)
        self._end = time.monotonic() + float(options["file_seconds"])
        self._pdf: pypdfium2.PdfDocument | None = None
        self._engine: Any = None

    def read(self, page: int) -> str:
        """What is written in the picture on a page (the first is 1); nothing when that cannot be found out."""
        if page in self._known:
            return self._known[page]
        if self._pages_left <= 0 or time.monotonic() > self._end:
            return ""
        self._tell(page, "")  # for the case that this page is the end of this process
        try:
            text = self._recognise(page)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001  a page that cannot be read stays an empty page
            text = ""
        self._tell(page, text)
        return text

    def close(self) -> None:
        if self._engine is not None:
            self._engine.End()
        if self._pdf is not None:
            self._pdf.close()

    def _recognise(self, number: int) -> str:
        from pypdfium2 import PdfDocument, raw

        self._pdf = self._pdf or PdfDocument(self._path)
        page = self._pdf[number - 1]
        try:
            if next(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]), None) is None:
                return ""
            self._pages_left -= 1
            self._engine = self._engine or _start(self._options)
            return str(self._engine.GetUTF8Text()) if _look(self._engine, page, self._options) else ""
        finally:
            page.close()


def read_lines(page: "pypdfium2.PdfPage", options: dict[str, Any]) -> list[list[tuple[str, Box]]]:
    """The words of each line in the picture of a page, and where they are, as shares of its width and height."""
    from tesserocr import RIL, iterate_level

    with _start(options) as engine:
        if not _look(engine, page, options):
            return []
        width, height = engine.GetThresholdedImage().size
        lines: list[list[tuple[str, Box]]] = []
        for word in iterate_level(engine.GetIterator(), RIL.WORD):
            left, top, right, bottom = word.BoundingBox(RIL.WORD)
            if word.IsAtBeginningOf(RIL.TEXTLINE) or not lines:
                lines.append([])
            lines[-1].append((word.GetUTF8Text(RIL.WORD), (left / width, top / height, right / width, bottom / height)))
        return lines


def _start(options: dict[str, Any]) -> Any:
    from tesserocr import PyTessBaseAPI

    return PyTessBaseAPI(path=options["folder"], lang=options["languages"])


def _look(engine: Any, page: "pypdfium2.PdfPage", options: dict[str, Any]) -> bool:
    """Let the engine read the page; False when it took too long, or what it saw is hardly text."""
    width, height = page.get_size()
    scale = min(_DPI / 72, math.sqrt(_MOST_PIXELS / (width * height)))
    picture = page.render(scale=scale, grayscale=True)
    pixels = ctypes.string_at(picture.buffer, picture.stride * picture.height)
    engine.SetImageBytes(pixels, picture.width, picture.height, 1, picture.stride)
    engine.SetSourceResolution(max(round(scale * 72), 70))
    in_time = engine.Recognize(int(options["page_seconds"] * 1000))
    return bool(in_time and engine.MeanTextConf() >= _LEAST_CONFIDENCE)
