"""What people do with KYO, on the real stack, in a real browser. Pictures are kept in `tests/e2e/output/`."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import PIPELINE_MS, Person
from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

PASSWORD = "another long enough phrase"


def test_from_an_uploaded_file_to_a_cited_answer(
    somebody: Callable[..., Person],
    admin_password: str,
    leave_policy: Path,
    travel_rules: Path,
    broken_pdf: Path,
) -> None:
    admin = somebody()
    admin.opens()
    admin.signs_in("admin", admin_password)
    admin.goes_to("Documents")
    admin.uploads(leave_policy, travel_rules, broken_pdf)
    for file in (leave_policy, travel_rules):
        admin.sees_of_upload(file, re.compile(r"[1-9] passages? · waiting for approval"), PIPELINE_MS)
    admin.sees_of_upload(broken_pdf, "The PDF is damaged and cannot be read.", PIPELINE_MS)
    expect(admin.page.get_by_role("progressbar")).to_have_count(0, timeout=PIPELINE_MS)
    admin.shows("documents")

    admin.goes_to("Approvals")
    admin.shows("approvals")
    for title in ("leave policy", "travel rules"):
        card = admin.page.get_by_test_id("stVerticalBlock").filter(has_text=title).last
        card.get_by_role("button", name="Approve").click()
        admin.sees(f"Approved: {title}")

    admin.goes_to("Documents")
    row = admin.page.get_by_test_id("stExpander").filter(has_text="leave policy").first
    row.locator("summary").first.click()
    admin.unfolds(row, "Who may read it", "Everyone who may read General")
    admin.shows("sharing")
    admin.goes_to("Approvals")
    admin.page.wait_for_timeout(
        1000
    )  # what the page before asks for when it is left may empty this one, a moment later
    expect(admin.page.get_by_role("heading", name="Approvals")).to_be_visible()

    admin.goes_to("Ask")
    admin.asks("How many days of paid leave does everyone have?")
    admin.sees(re.compile("Everyone has 27 days of paid leave"))
    source = admin.page.get_by_test_id("stExpander").filter(has_text="leave policy").first
    source.locator("summary").click()
    admin.sees("current version")
    admin.sees("Version 1 · p. 1")
    admin.page.get_by_test_id("stFeedbackButton").first.click()
    admin.sees("your feedback is saved")
    admin.shows("ask")

    admin.asks("What is the colour of the moon's cheese?")
    admin.sees("Not found.")
    admin.shows("not-found")

    admin.goes_to("History")
    admin.sees("How many days of paid leave does everyone have?")
    admin.shows("history")

    complaints: list[str] = []
    admin.page.on("console", lambda message: complaints.append(message.text))
    admin.goes_to("Analytics")
    expect(admin.page.get_by_test_id("stVegaLiteChart").first.locator(".mark-rect path").first).to_be_visible()
    with admin.page.expect_download() as download:
        admin.presses("Download days (CSV)")
    assert re.fullmatch(r"kyo-days-[-\d]+-to-[-\d]+\.csv", download.value.suggested_filename)
    admin.shows("analytics", whole=True)
    assert [text for text in complaints if "Content Security Policy" in text] == []
    admin.signs_out()
    admin.opens("documents")
    expect(admin.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_one_uploads_another_approves(stack: RunningStack, somebody: Callable[..., Person], tmp_path: Path) -> None:
    for name, role in (("emil", "employee"), ("mara", "manager")):
        added = stack.kyo("users", "add", name, "--name", name.title(), "--role", role, "--json")
        assert added.returncode == 0, added.stderr
        one_time = re.search(r'"one_time_password": "([^"]+)"', added.stdout)
        assert one_time is not None
        newcomer = somebody()
        newcomer.opens()
        newcomer.signs_in(name, one_time[1])
        newcomer.chooses_password(one_time[1], PASSWORD)

    emil = somebody(width=390, height=844)
    emil.opens()
    emil.signs_in("emil", PASSWORD)
    notice = tmp_path / "canteen.txt"
    notice.write_text("Canteen\n\nThe canteen opens at 11:45 and closes at 14:15 on working days.\n")
    emil.goes_to("Documents")
    emil.uploads(notice)
    emil.sees_of_upload(notice, "1 passage · waiting for approval", PIPELINE_MS)
    emil.shows("phone-documents")
    emil.opens("approvals")
    expect(emil.page.get_by_role("heading", name="Not for your role")).to_be_visible()
    emil.sees("You are signed in as employee, and this page is for other roles.")
    expect(emil.page.get_by_role("button", name="Approve")).to_have_count(0)
    emil.opens()
    emil.asks("When does the canteen open?")
    emil.sees("Not found.")

    mara = somebody()
    mara.opens("approvals")
    mara.signs_in("mara", PASSWORD)
    card = mara.page.get_by_test_id("stVerticalBlock").filter(has_text="canteen").last
    card.get_by_role("button", name="Approve").click()
    mara.sees("Approved: canteen")

    emil.asks("At what time does the canteen open?")
    emil.sees(re.compile("opens at 11:45"))
    emil.shows("phone-ask")

    emil.asks("And when does it close?")
    emil.sees("Searched for:")
    emil.sees(re.compile("closes at 14:15"))
    emil.shows("phone-follow-up")
    emil.page.get_by_role("button", name="Share").last.click()
    emil.presses("Share this answer")
    link = emil.page.get_by_test_id("stCode").inner_text().strip()
    emil.shows("phone-share")
    mara.page.goto(link)
    mara.sees("Shared by Emil")
    mara.sees(re.compile("closes at 14:15"))
    mara.shows("shared-answer")
    emil.presses("Stop sharing")
    emil.sees("opens for nobody any more")
    mara.page.goto(link)
    mara.sees("There is no such answer, or it is not for you.")
