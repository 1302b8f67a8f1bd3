"""Where sentences begin and end, in any language that marks them, and which line breaks are only wrapping."""

import re

_ABBREVIATION = re.compile(
    r"""mr|mrs|ms|dr|prof|st|sr|jr|rev|gen|col|sgt|capt|lt|gov|sen|rep|hon|mme|mlle|hr|fr        # titles
      | inc|ltd|corp|dept|approx|ca|vs|e\.g|i\.e|cf                                              # words
      | z\.b|u\.a|d\.h|bzw|ggf|inkl|evtl                                                         # German
      | (?-i:[A-HJ-Z] | (?:[A-Z]\.)+[A-Z])                                                      # initials, U.S.
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Before a number only: by themselves most of these are words that end sentences.
_REFERENCE = re.compile(
    r"""nos?|nrs?|n°|arts?|abs|sect?|figs?|vols?|eds?|pp?|paras?|par|ch|app|ref|max|min|ext|tel|est|co
      | jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec
    """,
    re.VERBOSE | re.IGNORECASE,
)
_END = re.compile(
    r"""[。！？｡؟۔।]+["'”’」』）)\]»]*      # scripts whose marks need no space after them
      | (?<![.!?…])[.!?…]+["'”’)\]»]*(?=\s)  # others: the mark, closing quotes, then white space
      | \n[^\S\n]*\n\s*                # a blank line always ends a sentence
      | \n                             # a line break may
    """,
    re.VERBOSE,
)
_ITEM = re.compile(r"\s*(?:[-*•▪◦‣·–—o]\s|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]\s|[#>|]|\d+(?:\.\d+)+\s)")
_BEFORE_LAST_WORD = re.compile(r".*[\s(\[\"“'‘/]", re.DOTALL)
_WRAPPED = 45
_WRAPPED_WIDE = 20


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Character offsets (start, end) of the sentences, in order and without outer white space.

    They do not overlap, and every character that is not white space is in one of them. A heading, a list item or a
    table row is a sentence of its own; a line break inside running text is not an end.
    """
    spans: list[tuple[int, int]] = []
    start = _skip_space(text, 0)
    for match in _END.finditer(text):
        if _ends_here(text, start, match):
            _add(spans, text, start, match.end())
            start = _skip_space(text, match.end())
    _add(spans, text, start, len(text))
    return spans


def continues(line: str, following: str, wrapped: int = _WRAPPED) -> bool:
    """Whether a line break between two lines is only wrapping; lines of `wrapped` characters count as full."""
    line, following = line.rstrip(), following.strip()
    if not line or not following or _ITEM.match(following) or line.lstrip().startswith(("#", "|")):
        return False
    if line[-1] in ".!?…:。！？" or line.endswith(("|", "---", "===")):
        return False
    if is_wide(line[-1]):
        return len(line) >= _WRAPPED_WIDE
    if following[0].islower() and len(line) >= wrapped // 2:
        return True
    return len(line) >= wrapped


def is_item(line: str) -> bool:
    """Whether a line begins with a bullet, an item number, or a mark of Markdown."""
    return bool(_ITEM.match(line))


def is_wide(character: str) -> bool:
    """Whether the character belongs to a script written without spaces (Chinese, Japanese, Korean punctuation)."""
    return "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\uffef" or character >= "\U00020000"


def _ends_here(text: str, start: int, match: re.Match[str]) -> bool:
    mark = match.group()
    if "\n" in mark:
        return mark.count("\n") > 1 or not _wraps(text, match.start())
    if mark[0] not in ".!?…":
        return True
    following = _next_character(text, match.end())
    if following.islower():
        return False
    return mark[0] != "." or not _is_abbreviation(text[max(start, match.start() - 24) : match.start()], start, match)


def _is_abbreviation(before: str, start: int, match: re.Match[str]) -> bool:
    """Whether the full stop after `before` belongs to an abbreviation, an initial or the number of a list item."""
    others = _BEFORE_LAST_WORD.match(before)
    last = before[others.end() :] if others else before
    if not last or len(match.group()) > 1:
        return False
    at_the_start = start == match.start() - len(last)
    if at_the_start and len(last) <= 3 and (last.isdigit() or len(last) == 1):
        return True
    if _REFERENCE.fullmatch(last):
        return _next_character(match.string, match.end()).isdigit()
    return _ABBREVIATION.fullmatch(last) is not None


def _wraps(text: str, at: int) -> bool:
    begin = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at + 1)
    return continues(text[begin:at], text[at + 1 : end if end >= 0 else len(text)])


def _skip_space(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def _next_character(text: str, start: int) -> str:
    """The first character from `start` that is not white space, "" at the end."""
    for position in range(start, min(start + 200, len(text))):
        if not text[position].isspace():
            return text[position]
    return ""


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))
