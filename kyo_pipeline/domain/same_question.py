"""Whether two questions ask the same in other words. A wrong yes shows a wrong answer as verified, so in doubt no.

How near their vectors are cannot tell: "in the first year" and "in the second", "enable" and "disable" lie closer
together than most paraphrases. Neither can their words without their order: "who pays for the training" and "who is
paid for training" have the same. So both are put into one form by a few rules, each of which keeps what is asked, and
then have to be the same word by word. The rules know English; of other languages each word counts.
"""

import re
import unicodedata

#: Part of each key. Another one when the rules below have changed: `kyo migrate` makes the keys anew then.
FORMAT = "2"

_I = r"(i|we)"
_BE = r"(?:am|is|are)"
_SOME = r"((?:(?!not\b|that\b|who\b)\w+ ){1,2})"
#: What has letters for names.
_LABELLED = (
    "annex|appendix|block|building|category|class|form|grade|group|hall|level|option|part|plan|room|section|team|tier|"
    "type|zone"
)
#: Where there is somebody else, or whoever asks, in the question, employees are not whoever asks.
_NOBODY_ELSE = r"(?!.*\b(?:i|me|my|we|us|our|they|them|their|employees .*\bemployees?)\b)"
_NOT_DENIED = r"(?!.*\b(?:not|no|never|nobody|nothing|none|without)\b)"
#: In this order; each is written for what the ones before it have made. Articles are gone after the first part.
_WITH_ARTICLES = (
    (r"\bcannot\b", "can not"),
    (r"\bcan't\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"^(what|when|where|who|how)'s\b", r"\1 is"),
    (r"\bi'm\b", "i am"),
    (r"^(?:(?:hello|hi|please)\b[ ,]*)+", ""),
    (r"[ ,]*\b(?:please|thanks|thank you)$", ""),
    (r"^do we have (?=an? )", "is there "),
    (r"\breserve (?=an? )", "book "),
    (r"\be-mail(?=s?\b)", "email"),
    (r"^what is the number of (?!the\b|an?\b|my\b|our\b)(?=(?:\w+ ){0,2}\w+s\b)", "how many "),
    (r"^what is the amount of\b", "how much is"),
    (r"^what is the (?:length|duration) of\b", "how long is"),
    (
        r"^(?:what (?:(?:is|are) )?)?(?:the )?(?:best )?(?:process|procedure|steps|way) (?:for (?=\w+ing\b)|to\b)",
        "how do i ",
    ),
    # What a bonus is, or what bonuses are, is not what the bonus is.
    (r"^what (is|are) (?:the|our)\b", r"what \1 the_"),
    (r"^what is an?\b", "what is a_"),
)
_IN_OTHER_WORDS = (
    (rf"\b({_LABELLED}) a\b", r"\1 a_"),  # plan A
    (r"\b(?:the|an|a)\b", " "),
    (r"^(to|from|for|with|about|at|in|on) (?=which\b|what\b|who\b|whom\b)(.*)$", r"\2 \1"),
    # Of what one may and has to do.
    (rf"^{_BE} {_SOME}(?:allowed|permitted) to\b", r"can \1"),
    (rf"^who {_BE} (?:allowed|permitted) to\b", "who can"),
    (rf"\b{_BE} {_I} (?:required|obliged) to\b", r"must \1"),
    (rf"^((?!how m).*)\bdo {_I} (?:have|need) to\b", r"\1must \2"),
    (rf"^(what|when|where|which \w+) (?:do|does) {_SOME}have to\b", r"\1 must \2"),
    (r"^who (?:has|have|needs?) to\b", "who must"),
    (rf"\b(?:may|could) (?={_I}\b)", "can "),
    (r"^who may\b", "who can"),
    # Of how, where, whom and what.
    (r"^whom\b", "who"),
    (rf"^{_NOT_DENIED}(how|where) (?:can|should) (?={_I}\b)", r"\1 do "),
    (rf"^{_NOT_DENIED}(who|what) should (?={_I}\b)", r"\1 do "),
    (rf"^{_NOBODY_ELSE}(.*\b(?:do|can|must)) employees (?=\w)", r"\1 i "),
    (r"^how to\b", "how do i"),
    (r"^where do i find\b", "where is"),
    (r"^for how (?=many\b|long\b)", "how "),
    (r"^how frequently\b", "how often"),
    (r"^how long (?:do|does) (.+) last$", r"how long is \1"),
    (r"^what (?=(?!(?:is|are|was|were|do|does|did|can|must|should|will|would|has|have|if|i|happens?)\b)\w)", "which "),
    # Of leave.
    (r"\bannual (?:leave|vacation)\b", "vacation"),
    (r"\bvacation days?\b|\bdays?(?: of)? vacation\b", "vacation"),
    (r"^how much vacation\b", "how many vacation"),
    (rf"^how many vacation (?:do {_I} (?:get|have|receive)|{_BE} {_I} entitled to)$", "how many vacation"),
    # Other words for the same, whatever the question is about.
    (r"\bhand in\b", "submit"),
    (r"\b(submit|submitting)( my)? expense (?:reports?|claims?)$", r"\1\2 expenses"),
    (r"\bask for\b", "request"),
    (r"\bhighest (?=(?:\w+ )?(?:amount|limit|price|rate|sum)\b)", "maximum "),
    (r"\bretained\b", "kept"),
    (r"\bpermitted\b", "allowed"),
    (r"\b(?:bike|bicycle)(?=s?\b)", "bicycle"),
    (r"\btelephone(?=s?\b)", "phone"),
    (r"\bprobationary period\b", "probation period"),
    (r"^how long is probation$", "how long is probation period"),
    (r"\b(?:wfh|telework)\b", "work from home"),
    (r"\borgani[sz]ation\b", "company"),
    # What somebody does, and may do.
    (r"^how do i (\w+ing)\b", lambda found: f"how do i {_of_doing(found[1])}"),
    (r"^is (\w{3,}ing)\b(.*) allowed\b", lambda found: f"can i {_of_doing(found[1])}{found[2]}"),
    (r"^what (do i do|must i do|happens) when\b", r"what \1 if"),
    (rf"\bdo {_SOME}get paid\b", r"is \1paid"),
    (r"\bbonuses\b", "bonus"),
    (r"\b(?:am|are)\b", "is"),
    (r"\bwere\b", "was"),
    (r"\bdoes\b", "do"),
    (r"\bhave\b", "has"),
)
_RULES = tuple((re.compile(pattern), other) for pattern, other in _IN_OTHER_WORDS)
_FIRST = tuple((re.compile(pattern), other) for pattern, other in _WITH_ARTICLES)

#: Words, numbers with their separators, and signs that turn a word into another one: C++, 5 %, € 5, -5, and/or.
_TOKEN = re.compile(
    r"""(?<![\w)])-(?=\d) | (?<!\w)\.(?=\d) | \d+(?:[.,:]\d+)+ | [^\W_]+(?:'[^\W\d_]+)*_?
      | [^\s?!.,;:'"()\[\]“”„‚‘«»…–—_-]""",
    re.VERBOSE,
)
_YOU_IS_I = re.compile(r"^(?!.*\b(?:i|me|my|we|us|our)\b).*\b(?:should|are) you (?!paid\b)")
_YOU = {"you": "i", "your": "my", "yours": "mine", "yourself": "myself"}
#: Ends in s, and is no more of what is left without it.
_NO_PLURAL = frozenset(
    """
    accounts always arms clothes communications contents customs damages does earnings glasses goods grounds has his
    its means minutes news operations papers premises proceeds relations resources savings series species stairs teams
    terms this times valuables was windows works yes
    """.split()  # noqa: SIM905 — so many words are easier to read as a text
)
_LONGEST_KEY = 500  # characters; a longer one is cut, and more questions have it


def folded(question: str) -> str:
    """The same for questions that differ in capitals, blanks and the marks at their end alone."""
    plain = unicodedata.normalize("NFKC", question).lower().replace("\u2019", "'")
    return " ".join(plain.split()).rstrip(" ?!.")


def key_of(question: str) -> str:
    """What to look it up by: whatever is the same question has the same key. Not the other way round: it is cut."""
    return f"{FORMAT}|{_form_of(question) or '=' + folded(question)}"[:_LONGEST_KEY]


def same_question(one: str, other: str) -> bool:
    """Whether an answer to the one answers the other: only where they are the same in their form."""
    if folded(one) == folded(other):
        return bool(folded(one))
    form = _form_of(one)
    return bool(form) and form == _form_of(other)


def _form_of(question: str) -> str:
    """The question as all are written that are the same; "" where it has no word."""
    text = folded(question)
    for pattern, meant in _FIRST:
        text = pattern.sub(meant, text)
    text = " ".join(_TOKEN.findall(text))
    if _YOU_IS_I.search(text):
        text = " ".join(_YOU.get(word, word) for word in text.split())
    for rule, other in _RULES:
        text = " ".join(rule.sub(other, text).split())
    return " ".join(_singular(word) for word in text.split())


def _singular(word: str) -> str:
    """Of a noun; of a verb without the s of the third person."""
    if len(word) < 4 or word in _NO_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "zzes")) else word[:-1]


def _of_doing(word: str) -> str:
    """Submit, of submitting; where English is less regular than this, two questions are taken for different ones."""
    stem = word.removesuffix("ing")
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    one_syllable = re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", stem)
    return f"{stem}e" if one_syllable or re.search(r"(?<!n)g$|[vcz]$", stem) else stem
