"""Which characters leave a parser."""

import re
import unicodedata

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028]")
# Control characters, lone surrogates; zero-width spaces, direction controls, byte order marks and tags, which nobody
# sees and which part a word for the search.
_DROPPED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff"
    r"\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Joiners shape letters in Persian, Hindi and others, and join emoji; between Latin, Greek or Cyrillic letters they are
# a trick.
_JOINERS = re.compile(r"(?<=[A-Za-z\u00c0-\u052f])[\u200c\u200d]+(?=[A-Za-z\u00c0-\u052f])")
# Letters as printers set them: ﬁ, and the four shapes of each Arabic letter.
_FORMS = re.compile(r"[\ufb00-\ufb06\ufb13-\ufb17\ufb50-\ufbb1\ufbd3-\ufd3d\ufd50-\ufdfb\ufe70-\ufefc]+")


def clean(text: str) -> str:
    """Text that can be stored, and in which a search finds the words that people see.

    Line ends are "\\n"; no lone surrogates, no control characters but "\\n" and "\\t", nothing invisible inside words;
    letters composed (NFC); ligatures and Arabic letter shapes as plain letters. The rest is as it was.
    """
    text = _DROPPED.sub("", _LINE_ENDS.sub("\n", text))
    if text.isascii():
        return text
    text = _FORMS.sub(lambda found: unicodedata.normalize("NFKC", found.group()), unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFC", _JOINERS.sub("", text))
