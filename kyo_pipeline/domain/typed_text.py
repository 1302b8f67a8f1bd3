"""What people type, and what their browsers say."""

import unicodedata

from kyo_pipeline.errors import Invalid

MAX_SAID_BY_BROWSER = 300


def storable(typed: str) -> str:
    """The text without what PostgreSQL cannot hold, U+0000 and halves of surrogate pairs, trimmed."""
    return typed.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8").strip()


def composed(typed: str) -> str:
    """The text with its letters as those of documents are stored (NFC): some keyboards send a and ¨ for ä."""
    return unicodedata.normalize("NFC", typed)


def said_by_browser(text: str) -> str:
    """What a browser says about itself, or a proxy about where it is: kept to be shown, never believed."""
    return storable(text)[:MAX_SAID_BY_BROWSER]


def checked_line(typed: str, what: str, longest: int, *, may_be_empty: bool = False) -> str:
    """What was typed, trimmed; `what` begins the sentence that refuses it. Raises `Invalid`."""
    line = typed.strip()
    if not (line or may_be_empty) or len(line) > longest or not line.isprintable():
        length = f"at most {longest}" if may_be_empty else f"1 to {longest}"
        raise Invalid(f"{what} has {length} characters on one line, without control characters.")
    return line
