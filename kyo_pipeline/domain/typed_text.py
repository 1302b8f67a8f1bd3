"""What people type."""


def storable(typed: str) -> str:
    """The text without what PostgreSQL cannot hold, U+0000 and halves of surrogate pairs, trimmed."""
    return typed.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8").strip()
