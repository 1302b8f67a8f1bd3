"""The whole running stack, and browsers."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docx import Document
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.e2e.browser import ADMIN_PASSWORD, Person
from tests.stack_process import RunningStack

#: Chromium as root needs the first; the rest keeps it from calling its maker.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """`kyo up` on an empty folder, the same for all modules, each of which has files and people of its own there.

    Modules that kill something, or want other settings, have another stack.
    """
    running = RunningStack(tmp_path_factory.mktemp("stack") / "home").start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, which `make test` installs."""
    program = shutil.which("chromium")
    assert program, "Chromium is not installed; `make test` does it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def admin_password(stack: RunningStack, chromium: Browser) -> str:
    """The password that the first admin chooses at the first sign-in, when there is no document yet."""
    context = _browser(chromium)
    admin = Person(context.new_page(), stack.app_url)
    admin.opens()
    expect(admin.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    admin.shows("sign-in")
    admin.signs_in("admin", stack.password or "")
    admin.chooses_password(stack.password or "", ADMIN_PASSWORD)
    admin.signs_in("admin", ADMIN_PASSWORD)
    admin.sees("No document is approved yet")
    admin.shows("ask-empty")
    admin.signs_out()
    context.close()
    return ADMIN_PASSWORD


@pytest.fixture
def somebody(stack: RunningStack, chromium: Browser) -> Iterator[Callable[..., Person]]:
    """A new person at a browser of their own, on a desk or with a phone."""
    contexts = []

    def arrive(width: int = 1280, height: int = 900) -> Person:
        contexts.append(_browser(chromium, width, height))
        return Person(contexts[-1].new_page(), stack.app_url)

    yield arrive
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def leave_policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF of two pages."""
    path = tmp_path_factory.mktemp("files") / "leave policy.pdf"
    canvas = Canvas(str(path), pagesize=A4)
    _page(canvas, "Annual leave", ["Everyone has 27 days of paid leave in a calendar year.", "Dates are agreed early."])
    _page(canvas, "Parental leave", ["Parents may take up to 14 weeks of parental leave at full pay."])
    canvas.save()
    return path


@pytest.fixture(scope="session")
def travel_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Word document with headings and a table."""
    path = tmp_path_factory.mktemp("files") / "travel rules.docx"
    document = Document()
    document.add_heading("Travel rules", 1)
    document.add_heading("Hotels", 2)
    document.add_paragraph("A hotel may cost 140 euros a night at most, breakfast included.")
    document.add_heading("Trains", 2)
    document.add_paragraph("Trains are booked through the travel desk, in second class.")
    document.save(str(path))
    return path


@pytest.fixture(scope="session")
def broken_pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "broken.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing of a PDF follows")
    return path


def _browser(chromium: Browser, width: int = 1280, height: int = 900) -> BrowserContext:
    context = chromium.new_context(viewport={"width": width, "height": height}, timezone_id="Europe/Berlin")
    context.set_default_timeout(20_000)
    return context


def _page(canvas: Canvas, title: str, lines: list[str]) -> None:
    canvas.setFont("Helvetica-Bold", 18)
    canvas.drawString(72, 770, title)
    canvas.setFont("Helvetica", 12)
    for number, line in enumerate(lines):
        canvas.drawString(72, 730 - 18 * number, line)
    canvas.showPage()
