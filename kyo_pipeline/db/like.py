"""Patterns for `ilike`."""


def containing(wanted: str) -> str:
    """A pattern for texts that contain `wanted` as it is: its wildcards are taken literally."""
    escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
