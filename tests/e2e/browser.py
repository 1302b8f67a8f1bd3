"""A person at a browser, in the words of the app."""

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

OUTPUT = Path(__file__).parent / "output"

#: Files go through Dagster meanwhile.
PIPELINE_MS = 60_000

ADMIN_PASSWORD = "correct horse battery staple"

#: Below this the sidebar is closed until somebody opens it.
PHONE_WIDTH = 768


@dataclass
class Person:
    """Somebody with a page of their own."""

    page: Page
    url: str

    def opens(self, path: str = "") -> None:
        self.page.goto(f"{self.url}/{path}")

    def signs_in(self, username: str, password: str) -> None:
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def chooses_password(self, one_time: str, password: str) -> None:
        expect(self.page.get_by_role("heading", name="Choose a password")).to_be_visible()
        self.page.get_by_label("One-time password").fill(one_time)
        self.page.get_by_label("New password", exact=True).fill(password)
        self.page.get_by_label("New password again").fill(password)
        self.page.get_by_role("button", name="Save password").click()
        expect(self.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def invites(self, name: str, username: str, email: str) -> str:
        """As an admin, on the view of people; returns the link."""
        self.presses("Add somebody")
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("User name", exact=True).fill(username)
        self.page.get_by_label("E-mail").fill(email)
        self.presses("Add")
        self.sees(f"Send this link to {name}.")
        return self.page.get_by_test_id("stCode").inner_text().strip()

    def goes_to(self, view: str) -> None:
        self._opens_sidebar()
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=view).click()
        expect(self.page).to_have_title(re.compile(view))
        self._closes_sidebar()

    def follows(self, link: str, text: str) -> None:
        """To where `text` is to be seen. Once more if need be: Streamlit loses a click while it is still drawing."""
        self.page.get_by_role("link", name=link).click()
        try:
            self.sees(text, timeout_ms=7_000)
        except AssertionError:
            self.page.get_by_role("link", name=link).click()
            self.sees(text)

    def unfolds(self, part: Locator, label: str, text: str) -> None:
        """What is folded in under `label`, so that `text` is to be seen. Once more if need be, as with `follows`."""
        part.get_by_text(label).click()
        try:
            self.sees(text, timeout_ms=7_000)
        except AssertionError:
            part.get_by_text(label).click()
            self.sees(text)

    def uploads(self, *files: Path) -> None:
        self.page.locator("input[type=file]").set_input_files(files)
        for file in files:
            expect(self.page.get_by_test_id("stFileUploader").get_by_text(file.name)).to_be_visible()
        self.page.get_by_role("button", name="Send for approval").click()

    def asks(self, question: str) -> None:
        box = self.page.get_by_placeholder("Ask about your organisation")
        box.fill(question)
        box.press("Enter")

    def sees(self, text: str | re.Pattern[str], timeout_ms: int = 15_000) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=timeout_ms)

    def sees_of_upload(self, file: Path, text: str | re.Pattern[str], timeout_ms: int) -> None:
        """In the line of this file among those that were just sent, and in no other."""
        line = self.page.get_by_test_id("stMarkdown").filter(has=self.page.get_by_text(file.name, exact=True))
        expect(line.filter(has_text=text)).to_have_count(1, timeout=timeout_ms)

    def signs_out(self) -> None:
        self._opens_sidebar()
        self.page.get_by_role("button", name="Sign out").click()
        expect(self.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible(timeout=15_000)

    def _opens_sidebar(self) -> None:
        if self._has_phone():
            self.page.get_by_test_id("stExpandSidebarButton").click()

    def _closes_sidebar(self) -> None:
        if self._has_phone() and not self.page.get_by_test_id("stExpandSidebarButton").is_visible():
            self.page.get_by_test_id("stSidebarCollapseButton").click()

    def _has_phone(self) -> bool:
        size = self.page.viewport_size
        return size is not None and size["width"] < PHONE_WIDTH

    def shows(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture for people to look at; the whole page is as high as what scrolls in it."""
        OUTPUT.mkdir(exist_ok=True)
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0)
        size = self.page.viewport_size
        if whole and size is not None:
            height = self.page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
            self.page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
        self.page.screenshot(path=OUTPUT / f"{name}.png")
        if whole and size is not None:
            self.page.set_viewport_size(size)
