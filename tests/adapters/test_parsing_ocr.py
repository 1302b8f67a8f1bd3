"""Text recognition: pages that are pictures are read, within limits, and what cannot be read stays empty."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from kyo_pipeline.adapters.parsing import ocr
from kyo_pipeline.adapters.parsing.ocr import PictureReader, find_recognition
from kyo_pipeline.adapters.parsing.pool import ParserPool
from kyo_pipeline.adapters.parsing.process import ParserProcess
from kyo_pipeline.domain.media_types import PDF
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.domain.sources import PageImage
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings
from tests.pdfs import picture_of, write_endless_page, write_pdf

FOX = "The quick brown fox jumps over the lazy dog."
LEAVE = "Every employee gets twenty-five days of leave."


@pytest.fixture(scope="module")
def options() -> dict[str, object]:
    found = find_recognition(Settings())
    if found.options is None:
        pytest.skip(f"text recognition is {found.state}")
    return found.options


@pytest.fixture
def pool(options: dict[str, object]) -> Iterator[ParserPool]:  # noqa: ARG001  skips where there is no engine
    pool = ParserPool(Settings())
    yield pool
    pool.close()


def read(pool: ParserPool, path: Path) -> ParsedDocument | str:
    [(_, result, _)] = pool.parse_many([(path, PDF)])
    return result


def test_scanned_pages_are_read(pool: ParserPool, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", "A page of text.", picture_of(FOX, LEAVE), "", picture_of())
    document = read(pool, path)
    assert isinstance(document, ParsedDocument)
    assert document.text.split("\n\n")[0] == "A page of text."
    page = document.text[document.page_starts[1] : document.page_starts[2]]
    assert " ".join(page.split()) == f"{FOX} {LEAVE}"
    assert (document.ocr_pages, document.empty_pages, document.pages) == ((2,), (3, 4), 4)


def test_a_file_of_scans_alone(pool: ParserPool, tmp_path: Path) -> None:
    document = read(pool, write_pdf(tmp_path / "a.pdf", picture_of(LEAVE), picture_of(FOX)))
    assert isinstance(document, ParsedDocument)
    assert (document.text, document.ocr_pages) == (f"{LEAVE}\n\n{FOX}", (1, 2))


@pytest.mark.parametrize(
    "picture", [picture_of(), Image.effect_noise((900, 1200), 90), Image.linear_gradient("L").resize((900, 1200))]
)
def test_pictures_without_words_give_none(pool: ParserPool, tmp_path: Path, picture: Image.Image) -> None:
    result = read(pool, write_pdf(tmp_path / "a.pdf", picture))
    assert result == (
        "No text was found on the only page, nor by text recognition (OCR) in its picture. Upload a document with text."
    )


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    pool = ParserPool(Settings(KYO_OCR="off"))
    refusal = read(pool, write_pdf(tmp_path / "a.pdf", picture_of(FOX)))
    assert "probably a scanned image" in str(refusal)
    assert "know-your-organization[ocr]" in str(refusal)
    assert pool.recognition == "off (KYO_OCR)"
    document = read(pool, write_pdf(tmp_path / "b.pdf", "Text.", picture_of(FOX), picture_of(LEAVE)))
    assert isinstance(document, ParsedDocument)
    assert (document.empty_pages, document.ocr_pages) == ((2, 3), ())
    pool.close()


def test_the_engine_is_loaded_for_pictures_only(pool: ParserPool, tmp_path: Path) -> None:
    def loads() -> bool:
        [child] = pool._idle
        return "tesserocr" in Path(f"/proc/{child.pid}/maps").read_text()

    read(pool, write_pdf(tmp_path / "a.pdf", "Text.", ""))
    assert not loads()
    read(pool, write_pdf(tmp_path / "b.pdf", picture_of(FOX)))
    assert loads()


def test_no_more_pages_than_allowed(options: dict[str, object], tmp_path: Path) -> None:  # noqa: ARG001  skips
    pool = ParserPool(Settings(KYO_OCR_MAX_PAGES=2))
    document = read(pool, write_pdf(tmp_path / "a.pdf", picture_of(FOX), "", picture_of(FOX), picture_of(FOX)))
    assert isinstance(document, ParsedDocument)
    assert (document.ocr_pages, document.empty_pages) == ((1, 3), (2, 4))
    pool.close()


@pytest.mark.parametrize("limit", [{"page_seconds": 0.001}, {"file_seconds": 0}])
def test_no_more_time_than_allowed(options: dict[str, object], tmp_path: Path, limit: dict[str, float]) -> None:
    path = write_pdf(tmp_path / "a.pdf", picture_of(*[LEAVE] * 20))
    reader = PictureReader(str(path), options | limit, {}, lambda *_: None)
    assert reader.read(1) == ""
    reader.close()


def test_what_is_known_is_not_read_again(options: dict[str, object], tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    path = write_pdf(tmp_path / "a.pdf", picture_of(LEAVE), picture_of(FOX))
    reader = PictureReader(str(path), options, {1: "Known."}, lambda *said: told.append(said))
    assert [reader.read(1), reader.read(2).strip()] == ["Known.", FOX]
    assert [(page, text.strip()) for page, text in told] == [(2, ""), (2, FOX)]
    reader.close()


def test_a_page_that_hangs_stays_empty_and_the_others_are_read(
    options: dict[str, object],  # noqa: ARG001  skips
    tmp_path: Path,
) -> None:
    pool = ParserPool(Settings(KYO_PARSE_TIMEOUT_SECONDS=20, KYO_OCR_SECONDS_PER_PAGE=1))
    document = read(pool, write_endless_page(tmp_path / "a.pdf", after=picture_of(FOX)))
    assert isinstance(document, ParsedDocument)
    assert (document.text.strip(), document.ocr_pages, document.empty_pages) == (FOX, (1,), (2,))
    pool.close()


def test_a_page_that_ends_the_child_each_time_stays_empty(
    pool: ParserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a picture that takes too much memory does. The page before it is not read again."""
    begun: list[int] = []
    note = ParserProcess._note

    def kill_at_the_second(child: ParserProcess, page: int, text: str) -> None:
        note(child, page, text)
        if child.page is not None:
            begun.append(page)
        if child.page == 2:
            os.kill(child.pid, signal.SIGKILL)

    monkeypatch.setattr(ParserProcess, "_note", kill_at_the_second)
    document = read(pool, write_pdf(tmp_path / "a.pdf", picture_of(FOX), picture_of(FOX), picture_of(LEAVE)))
    assert isinstance(document, ParsedDocument)
    assert (document.ocr_pages, document.empty_pages) == ((1, 3), (2,))
    assert begun == [1, 2, 2, 3]


def test_after_a_few_bad_pages_no_more_are_tried(
    pool: ParserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = ParserProcess._note

    def kill(child: ParserProcess, page: int, text: str) -> None:
        note(child, page, text)
        os.kill(child.pid, signal.SIGKILL)

    monkeypatch.setattr(ParserProcess, "_note", kill)
    document = read(pool, write_pdf(tmp_path / "a.pdf", "Text.", *[picture_of(FOX, size=(300, 400))] * 5))
    assert isinstance(document, ParsedDocument)
    assert (document.ocr_pages, document.empty_pages) == ((), (2, 3, 4, 5, 6))


def test_a_quote_is_shown_in_a_scanned_page(pool: ParserPool, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", picture_of(FOX, LEAVE, FOX))
    result = pool.render_page(path, 1, "twenty-five days of leave")
    assert isinstance(result, PageImage)
    assert result.marked == 1
    picture = Image.open(io.BytesIO(result.png))
    marked = [
        (x / picture.width, y / picture.height)
        for x in range(0, picture.width, 3)
        for y in range(0, picture.height, 3)
        if picture.getpixel((x, y))[2] < picture.getpixel((x, y))[0] - 80
    ]
    across, down = zip(*marked, strict=True)
    assert min(across) > 0.3  # “Every employee gets” stands before it
    assert (min(down), max(down)) == (pytest.approx(228 / 1754, abs=0.015), pytest.approx(258 / 1754, abs=0.015))


def test_leaving_ends_the_reading(pool: ParserPool, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", *[picture_of(*[LEAVE] * 20)] * 30)
    threading.Timer(1, pool.close).start()
    with pytest.raises(Unavailable, match="stopped"):
        read(pool, path)


@pytest.mark.parametrize(
    ("settings", "data", "engine", "state"),
    [
        ({}, ["eng"], True, "on (eng)"),
        ({"KYO_OCR_LANGUAGES": "eng, deu"}, ["eng", "deu"], True, "on (eng, deu)"),
        ({"KYO_OCR_LANGUAGES": "eng+deu"}, ["eng"], True, "off: no language data for deu in {folder}"),
        ({}, [], True, "off: no language data of tesseract, such as the package tesseract-ocr-eng"),
        ({}, ["eng"], False, "off: needs the extra `ocr`: pip install 'know-your-organization[ocr]'"),
        ({"KYO_OCR": "off"}, ["eng"], True, "off (KYO_OCR)"),
    ],
)
def test_what_it_needs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    data: list[str],
    engine: bool,
    state: str,
) -> None:
    for language in data:
        (tmp_path / f"{language}.traineddata").touch()
    monkeypatch.setattr(ocr, "find_spec", lambda _: engine or None)
    found = find_recognition(Settings(KYO_OCR_DATA=tmp_path, **settings))
    assert found.state == state.format(folder=tmp_path)
    assert (found.options is not None) == found.state.startswith("on")
