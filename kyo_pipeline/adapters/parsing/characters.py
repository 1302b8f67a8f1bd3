"""Which characters leave a parser."""

import re

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85]")
_DROPPED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """Line ends as "\\n"; no lone surrogates, no control characters but "\\n" and "\\t"; the rest as it was."""
    return _DROPPED.sub("", _LINE_ENDS.sub("\n", text))
