"""Documents from one version to the next, and as they look themselves. Pictures are kept in `tests/e2e/output/`."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.e2e.browser import PIPELINE_MS, Person
from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

FILE_PASSWORD = "open sesame"


def garage_rules(path: Path, stands: int, password: str | None = None) -> Path:
    """A PDF of two pages, of which the second says how many stands for bicycles there are."""
    canvas = Canvas(str(path), pagesize=A4, encrypt=password)
    for heading, lines in (
        ("Cars", ["Cars are parked on level 2.", "The garage is locked at 22:00 by the porter."]),
        ("Bicycles", [f"The garage has {stands} stands for bicycles on level 1.", "Each stand has a number."]),
    ):
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(72, 770, heading)
        canvas.setFont("Helvetica", 12)
        for number, line in enumerate(lines):
            canvas.drawString(72, 730 - 18 * number, line)
        canvas.showPage()
    canvas.save()
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="module")
def rules(stack: RunningStack, admin_password: str, home: Path) -> Path:
    """A document that answers questions."""
    assert admin_password, "who has seen that there was no document"
    return put(stack, garage_rules(home / "garage rules.pdf", 27))


def put(stack: RunningStack, path: Path) -> Path:
    done = stack.kyo("ingest", path, "--approve", "--wait")
    assert done.returncode == 0, done.stderr
    return path


def test_an_old_answer_stays_true_when_its_document_is_replaced(
    stack: RunningStack, somebody: Callable[..., Person], admin_password: str, rules: Path
) -> None:
    admin = somebody()
    admin.opens()
    admin.signs_in("admin", admin_password)
    admin.asks("How many stands for bicycles does the garage have?")
    admin.sees(re.compile("The garage has 27 stands for bicycles"))

    before = rules.read_bytes()
    put(stack, garage_rules(rules, 29))
    admin.goes_to("History")
    admin.page.get_by_role("button", name="Open", exact=True).first.click()
    admin.sees("newer version 2")
    admin.page.get_by_test_id("stExpander").filter(has_text="garage rules").first.locator("summary").click()
    admin.sees("newer version 2: passage changed")
    admin.shows("answer-of-an-older-version")

    admin.follows("Open in the document", "Page 2 of 2")
    picture = admin.page.get_by_role("img", name="Page 2 of garage rules, with the passage marked.")
    expect(picture).to_be_visible(timeout=20_000)
    admin.sees("This passage is not in it as it was.")
    admin.shows("source-older-version", whole=True)
    with admin.page.expect_download() as download:
        admin.page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "garage rules.pdf"
    assert Path(download.value.path()).read_bytes() == before

    admin.presses("Open version 2")
    expect(admin.page.get_by_role("img", name="Page 1 of garage rules")).to_be_visible(timeout=20_000)
    admin.page.get_by_role("button", name="Page 2").click()
    expect(admin.page.get_by_role("img", name="Page 2 of garage rules")).to_be_visible(timeout=20_000)
    admin.page.get_by_text("Text of this page").click()
    admin.sees(re.compile("The garage has 29 stands for bicycles"))
    admin.page.set_viewport_size({"width": 390, "height": 844})
    admin.shows("phone-source", whole=True)


def test_a_locked_file_is_opened_with_its_password(
    somebody: Callable[..., Person], admin_password: str, rules: Path, home: Path
) -> None:
    assert rules.exists(), "the other document that this one is much like"
    locked = garage_rules(home / "locked.pdf", 31, FILE_PASSWORD)
    admin = somebody()
    admin.opens("documents")
    admin.signs_in("admin", admin_password)
    admin.uploads(locked)
    admin.sees("This file is protected with a password.")
    password = admin.page.get_by_label("Password of this file")
    password.fill("not this one")
    admin.presses("Unlock")
    admin.sees("That password does not open this file")
    admin.shows("locked-file")
    password.fill(FILE_PASSWORD)
    admin.presses("Unlock")
    admin.sees_of_upload(locked, re.compile(r"[1-9] passages? · waiting for approval"), PIPELINE_MS)
    admin.sees(re.compile("% the same"))
    admin.shows("much-the-same")
    expect(admin.page.get_by_label("Password of this file")).to_have_count(0)
