"""What tests of views ask of a page."""

from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

Visit = Callable[..., AppTest]

#: A name that would be seen as something else in a page that takes names for Markdown or HTML.
ODD = "<b>x</b> [y](http://e.x) :smile: $a$"

#: What people, and others, type into fields.
HOSTILE = {
    "empty": "",
    "blank": "  \t ",
    "huge": "x" * (1 << 20),
    "nul": "a\x00b",
    "emoji": "😀",
    "sql": "'; drop table users; --",
    "html": "<img src=x onerror=alert(1)>",
    "turned": "erin\u202etxt.exe",
}


def words(page: AppTest) -> str:
    """All that the page says."""
    kinds = (page.title, page.subheader, page.markdown, page.caption, page.text)
    notes = (page.error, page.info, page.warning, page.success)
    return "\n".join(str(element.value) for kind in (*kinds, *notes) for element in kind)


def button(page: AppTest, label: str) -> Any:
    return next(found for found in page.button if found.label == label)


def buttons(page: AppTest) -> list[str]:
    return [found.label for found in page.button]


def click(page: AppTest, label: str) -> AppTest:
    clicked: AppTest = button(page, label).click().run()
    return clicked


def field(page: AppTest, label: str) -> Any:
    """The text input with this label; the last, where the page has the same in the form of another."""
    return [found for found in page.text_input if found.label == label][-1]


def box(page: AppTest, label: str) -> Any:
    return [found for found in page.selectbox if found.label == label][-1]


def fill(page: AppTest, **texts: str) -> None:
    """By label, blanks as underscores."""
    for label, text in texts.items():
        field(page, label.replace("_", " ")).set_value(text)


def titles(page: AppTest) -> list[str]:
    return [title.value for title in page.title]
