"""The view of a document itself: pages as pictures, texts in stretches, a passage marked, who sees what of it."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.parsed import Heading, ParsedDocument
from kyo_pipeline.domain.sources import PageImage
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, library, reprocessing, reviewing
from tests.app.pages import HOSTILE, ODD, Visit, buttons, click, titles, words
from tests.fakes import PlainTextParser

PAGES = [
    "Employees of the bakery get 27 days of annual leave a year.",
    "Travel: second class on trains.",
    "Canteen: opens at 11:45.",
]


class PagedParser(PlainTextParser):
    """Form feeds are between pages, lines that begin with # are headings; draws white pages, or says why not."""

    refusal = ""
    marked = 1

    def __init__(self) -> None:
        self.drawn: list[tuple[int, str]] = []

    def parse_many(self, files):  # type: ignore[no-untyped-def]  # as in PlainTextParser
        for index, (path, kind) in enumerate(files):
            text = path.read_text(encoding="utf-8").removeprefix("%PDF-1.7")
            starts = (0, *(found.end() for found in re.finditer("\f", text))) if kind.endswith("pdf") else ()
            headings = tuple(Heading(found.start(), 1, found[0]) for found in re.finditer(r"(?m)^# .*", text))
            yield index, ParsedDocument(text, starts, headings, ocr_pages=(2,) if starts else ()), 0.001

    def render_page(self, path: Path, page: int, quote: str, width: int = 1000) -> PageImage | str:  # noqa: ARG002 — the port's signature
        self.drawn.append((page, quote))
        if self.refusal:
            return self.refusal
        png = io.BytesIO()
        Image.new("RGB", (10, 14), "white").save(png, "png")
        return PageImage(png.getvalue(), 10, 14, self.marked if quote else 0)


@pytest.fixture(autouse=True)
def parser(kyo: Kyo, pipeline: Kyo) -> PagedParser:
    parser = PagedParser()
    for bundle in (kyo, pipeline):
        object.__setattr__(bundle, "parser", parser)
    return parser


@pytest.fixture
def put(kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Callable[[], None]) -> Callable[..., UUID]:
    """A version of a file that answers questions, as soon as it is there."""

    def put_in(name: str, text: str) -> UUID:
        content = f"%PDF-1.7{text}" if name.endswith(".pdf") else text
        version_id = library.upload(kyo, employee, name, content.encode()).document.latest.id
        run_pipeline()
        reviewing.approve(kyo, manager, version_id)
        return version_id

    return put_in


@pytest.fixture
def reader(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.EMPLOYEE)


def images(page: AppTest) -> list[str]:
    """What is read out in the place of each picture."""
    return [image.alt for element in page.get("image") for image in element.proto.imgs]


def downloads(page: AppTest) -> list[str]:
    return [element.proto.url for element in page.get("link_button")]


def opened(visit: Visit, actor: Actor, version_id: UUID, text: str = "", quote: str = "") -> AppTest:
    start = text.find(quote) if quote else 0
    query = {"start": str(start), "end": str(start + len(quote))} if quote else {}
    return visit("source", actor, version=str(version_id), **query)


# Pages ----------------------------------------------------------------------------------------------------------------


def test_a_passage_of_a_pdf_is_marked_on_its_page(
    visit: Visit, put: Callable[..., UUID], reader: Actor, parser: PagedParser
) -> None:
    text = "\f".join(PAGES)
    page = opened(visit, reader, put("house rules.pdf", text), text, "second class")
    assert titles(page) == ["house rules"]
    assert "**Page 2 of 3**" in words(page)
    assert parser.drawn == [(2, "second class")]
    assert images(page) == ["Page 2 of house rules, with the passage marked. Its text follows below."]
    assert "Travel" in words(page), "the text is there for those who cannot see the picture"
    assert "Canteen" not in words(page)
    assert ":green-badge[current version]" in words(page)
    assert ":violet-badge[OCR]" in words(page)


def test_the_pages_are_turned_and_the_way_back_is_there(
    visit: Visit, put: Callable[..., UUID], reader: Actor, parser: PagedParser
) -> None:
    text = "\f".join(PAGES)
    page = opened(visit, reader, put("rules.pdf", text), text, "second class")
    page.pagination[0].set_value(3).run()
    assert "**Page 3 of 3**" in words(page)
    assert "Canteen" in words(page)
    assert images(page) == ["Page 3 of rules. Its text follows below."]
    click(page, "Back to the passage")
    assert "**Page 2 of 3**" in words(page)
    assert parser.drawn[-1] == (2, "second class")
    assert "Back to the passage" not in [found.label for found in page.button]


def test_without_a_passage_it_begins_with_the_first_page(visit: Visit, put: Callable[..., UUID], reader: Actor) -> None:
    page = opened(visit, reader, put("rules.pdf", "\f".join(PAGES)))
    assert "**Page 1 of 3**" in words(page)
    assert ":violet-badge[OCR]" not in words(page)


def test_a_page_that_cannot_be_drawn_is_shown_as_text(
    visit: Visit, put: Callable[..., UUID], reader: Actor, parser: PagedParser
) -> None:
    parser.refusal = "This page is too <large>."
    text = "\f".join(PAGES)
    page = opened(visit, reader, put("rules.pdf", text), text, "second class")
    assert not images(page)
    assert "This page is too" in words(page)
    assert "<large>" not in words(page)
    assert ":yellow-background[second class]" in words(page)


def test_a_passage_that_is_not_found_in_the_picture_is_marked_in_the_text(
    visit: Visit, put: Callable[..., UUID], reader: Actor, parser: PagedParser
) -> None:
    parser.marked = 0
    text = "\f".join(PAGES)
    page = opened(visit, reader, put("rules.pdf", text), text, "second class")
    assert "could not be marked in the picture" in words(page)
    assert ":yellow-background[second class]" in words(page)


def test_a_page_without_text_says_so(visit: Visit, put: Callable[..., UUID], reader: Actor) -> None:
    page = opened(visit, reader, put("scan.pdf", "A cover with words.\f\fThe end."))
    page.pagination[0].set_value(2).run()
    assert "No text was found here." in words(page)


# Texts ----------------------------------------------------------------------------------------------------------------


def test_a_text_is_shown_with_its_passage_and_its_headings(
    visit: Visit, put: Callable[..., UUID], reader: Actor
) -> None:
    text = f"# Trains\n\nSecond class.\n\n# {ODD}\n\nAt 140 euros at most."
    page = opened(visit, reader, put("travel.txt", text), text, "140 euros")
    assert ":yellow-background[140 euros]" in words(page)
    assert f"### \\# {inert_line(ODD)}" in words(page)
    assert not page.pagination
    assert "Read on" not in [found.label for found in page.button]


def test_the_cells_of_a_table_stand_apart(visit: Visit, put: Callable[..., UUID], reader: Actor) -> None:
    page = opened(visit, reader, put("rates.txt", "Country\tEuros a day\nFrance\t48"))
    assert "France\u200348" in words(page)


def test_a_long_text_is_read_on_and_back(visit: Visit, put: Callable[..., UUID], reader: Actor) -> None:
    rules = [f"Rule {number} of the house says that door number {number} is shut." for number in range(600)]
    page = opened(visit, reader, put("long.txt", "\n\n".join(rules)))
    seen = words(page)
    while "Read on" in [found.label for found in page.button]:
        seen += words(click(page, "Read on"))
    assert all(f"Rule {number} of" in seen for number in range(600))
    assert "100 % of the text" in words(page)
    click(page, "Previous")
    assert rules[-1] not in words(page)


def test_a_passage_deep_in_a_long_text_is_where_it_opens(visit: Visit, put: Callable[..., UUID], reader: Actor) -> None:
    text = "\n\n".join(f"Rule {number} of the house says that door number {number} is shut." for number in range(600))
    page = opened(visit, reader, put("long.txt", text), text, "door number 555 is shut")
    assert ":yellow-background[door number 555 is shut]" in words(page)
    assert "Rule 1 of" not in words(page)
    click(page, "Previous")
    click(page, "Back to the passage")
    assert ":yellow-background[door number 555 is shut]" in words(page)


@pytest.mark.parametrize(("name", "what"), [("long.txt", "part"), ("long.pdf", "page")])
def test_what_stands_before_a_passage_does_not_push_it_out_of_sight(
    visit: Visit, put: Callable[..., UUID], reader: Actor, parser: PagedParser, name: str, what: str
) -> None:
    parser.refusal = "This page cannot be drawn."
    rules = [f"# Rule {number}\n\nDoor number {number} of the house is shut." for number in range(100)]
    text = "\n\n".join(rules)
    version = put(name, text)
    page = opened(visit, reader, version, text, "Door number 90 ")
    assert 0 < words(page).index(":yellow-background[Door number 90") - words(page).index("Rule 8") < 1000
    assert "Rule 1\n" not in words(page)
    assert "Rule 99\n" in words(page)
    click(page, f"Show from the beginning of this {what}")
    assert ":yellow-background[Door number 90" in words(page)
    assert "Rule 1\n" in words(page)
    assert f"Show from the beginning of this {what}" not in buttons(page)
    assert "Rule 1\n" in words(opened(visit, reader, version)), "without a passage"


# Versions -------------------------------------------------------------------------------------------------------------


def test_an_older_version_says_what_became_of_its_passage_and_leads_to_the_newer_one(
    visit: Visit, put: Callable[..., UUID], kyo: Kyo, employee: Actor, manager: Actor
) -> None:
    text = "Everybody has 27 days of leave. The office is shut on Sundays."
    old = put("leave.txt", text)
    put("leave.txt", text.replace("27", "29"))
    for actor in (employee, manager):
        page = opened(visit, actor, old, text, "The office is shut")
        assert "newer version 2: passage unchanged" in words(page)
        page = opened(visit, actor, old, text, "27 days of leave")
        assert "newer version 2: passage changed" in words(page)
        assert "Version 2 answers questions now. This passage is not in it as it was." in words(page)
        click(page, "Open version 2")
        assert ":green-badge[current version]" in words(page)
        assert "29 days" in words(page)
    [document] = library.list_documents(kyo, employee).documents
    curating.archive(kyo, manager, document.id)
    assert "No version of this document answers questions now." in words(opened(visit, manager, old))


def test_another_reading_of_the_same_file_is_no_news(
    visit: Visit, put: Callable[..., UUID], kyo: Kyo, admin: Actor, manager: Actor, run_pipeline: Callable[[], None]
) -> None:
    text = "Everybody has 27 days of leave."
    old = put("leave.txt", text)
    assert reprocessing.reprocess(kyo, admin, everything=True).again == 1
    run_pipeline()
    for quote in ("27 days", ""):
        page = opened(visit, manager, old, text, quote)
        assert ":green-badge[current version]" in words(page)
        assert "ersion 2" not in words(page)


def test_of_an_old_version_a_reader_sees_the_page_that_an_answer_of_theirs_quotes(
    visit: Visit, put: Callable[..., UUID], kyo: Kyo, reader: Actor, person: Callable[[Role], Actor]
) -> None:
    old = put("rules.pdf", "\f".join(PAGES))
    [citation, *_] = asking.ask(kyo, reader, "How many days of annual leave do employees of the bakery get?").citations
    put("rules.pdf", "\f".join(PAGES).replace("27", "29"))
    query = {"version": str(old), "start": str(citation.start), "end": str(citation.end)}
    page = visit("source", reader, **query)
    assert "**Page 1 of 3**" in words(page)
    assert images(page)
    page.pagination[0].set_value(3).run()
    assert not page.exception
    assert "only the pages that an answer of yours has quoted" in words(page)
    assert "Canteen" not in words(page)
    assert "**Page 1 of 3**" in words(page), "it turns back"
    other = visit("source", person(Role.EMPLOYEE), **query)
    assert "There is no such version" in words(other)
    assert not images(other)


def test_of_an_old_reading_a_reader_finds_the_way_to_the_one_that_can_be_read_whole(
    visit: Visit, put: Callable[..., UUID], kyo: Kyo, reader: Actor, admin: Actor, run_pipeline: Callable[[], None]
) -> None:
    old = put("rules.pdf", "\f".join(PAGES))
    [citation, *_] = asking.ask(kyo, reader, "How many days of annual leave do employees of the bakery get?").citations
    assert reprocessing.reprocess(kyo, admin, everything=True).again == 1
    run_pipeline()
    page = visit("source", reader, version=str(old), start=str(citation.start), end=str(citation.end))
    assert "Open the whole document" not in buttons(page)
    page.pagination[0].set_value(3).run()
    assert "only the pages that an answer of yours has quoted" in words(page)
    click(page, "Open the whole document")
    page.pagination[0].set_value(3).run()
    assert not page.exception
    assert "Canteen" in words(page)


def test_what_has_not_been_read_yet_says_so(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    version = library.upload(kyo, employee, "new.txt", b"Not read yet.").document.latest
    assert "has not been read yet" in words(opened(visit, employee, version.id))


# Downloads and refusals -----------------------------------------------------------------------------------------------


def test_the_file_is_offered_to_those_who_may_take_it(
    visit: Visit, put: Callable[..., UUID], reader: Actor, manager: Actor, sql: Callable[..., object]
) -> None:
    version = put("leave.txt", "Everybody has 27 days of leave.")
    assert downloads(opened(visit, reader, version)) == [f"/files/{version}"]
    sql("update collections set downloadable = false")
    assert downloads(opened(visit, reader, version)) == []
    assert downloads(opened(visit, manager, version)) == [f"/files/{version}"]


def test_it_is_not_in_the_navigation_and_explains_itself_without_a_version(visit: Visit, reader: Actor) -> None:
    assert "No document was chosen" in words(visit("source", reader))


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", ["version", "start", "end"])
def test_nothing_in_the_address_breaks_it(
    visit: Visit, put: Callable[..., UUID], reader: Actor, name: str, kind: str
) -> None:
    query = {"version": str(put("leave.txt", "Everybody has 27 days.")), "start": "2", "end": "9"}
    page = visit("source", reader, **query | {name: HOSTILE[kind][:100_000]})
    assert not page.exception
    assert HOSTILE["html"] not in words(page)
    if name == "version":
        assert len(page.error) == 1
    else:
        assert titles(page) == ["leave"]


@pytest.mark.parametrize(("start", "end"), [("9", "2"), ("-1", "5"), ("5", "99999999"), ("1e3", "2"), ("١", "٩")])
def test_odd_places_mark_what_is_there_or_nothing(
    visit: Visit, put: Callable[..., UUID], reader: Actor, start: str, end: str
) -> None:
    version = put("leave.txt", "Everybody has 27 days.")
    page = visit("source", reader, version=str(version), start=start, end=end)
    assert not page.exception
    assert titles(page) == ["leave"]
    assert "27 days" in words(page)


def test_names_of_others_are_inert(visit: Visit, put: Callable[..., UUID], reader: Actor) -> None:
    page = opened(visit, reader, put("x [y](http:e.x) :smile:.txt", "Words."))
    assert titles(page) == [inert_line("x [y](http:e.x) :smile:")]
