"""Laws of `inert`: whatever somebody wrote is shown as they wrote it, and is nothing but characters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kyo_app.markup import UNSUPPORTED, answer_markdown, badge, changed, highlighted, inert, inert_line
from kyo_pipeline.domain.answer_findings import TextSpan
from kyo_pipeline.domain.diffs import Change, Line, Span

_HOSTILE = [
    "![i](http://e.x/leak.png)", "[l](http://e.x)", "[l]: http://e.x", "<img src=x onerror=alert(1)>", "<!-- c -->",
    "&lt;b&gt;", "&#60;", "http://evil.example/a?b=c", "HTTPS://X.org", "www.evil.com", "a@b.co", "mailto:a@b.co",
    ":smile:", ":material/home:", ":streamlit:", ":red[x]", ":blue-badge[x]", "::leaf[x]", ":::note", "$x^2$", "$$y$$",
    "**b**", "__i__", "*i*", "~~s~~", "`c`", "```\ncode\n```", "# h", "- li", "+ li", "1. li", "1) li", "> q", "---",
    "===", "| a | b |\n|---|---|\n| 1 | 2 |", "    indented", "\tTab", " -> ", " <-> ", " -- ", " >= ", " ~= ", "[^1]",
    "\\", "\u202e", "\x00", "\r\n", "\n", "\n\n", "  \n", "[1]", "[1, 2]", "\u2028", "\ufeff", "[ ] task", "😀",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(_HOSTILE), st.text(max_size=6)), max_size=8).map("".join)

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u2060]"
)
_TAGS = re.compile("[\U000e0000-\U000e007f]")
#: What Streamlit's front end looks for in text whose escapes are gone.
_REWRITTEN = [
    re.compile(r"(https?://|www(?=\.))[-.\w]+", re.IGNORECASE),
    re.compile(r"[-.\w+]+@[-\w]+(?:\.[-\w]+)+"),
    re.compile(r":\+1:|:-1:|:[\w-]+:"),
    re.compile(r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)"),
]


def _inline(markdown: str) -> list[Token]:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [part for token in tokens for part in [token, *(token.children or [])]]


def _kinds(markdown: str) -> set[str]:
    return {token.type for token in _inline(markdown)} - {"inline", "paragraph_open", "paragraph_close"}


def _shown(markdown: str) -> str:
    parts = (t.content if t.type == "text" else "\n" for t in _inline(markdown) if t.type != "inline")
    return "".join(parts)


def _essence(text: str) -> str:
    """Without blanks and invisible characters: these may differ."""
    return "".join(_TAGS.sub("", _INVISIBLE.sub("", text)).split())


@given(texts)
def test_inert_text_is_nothing_but_text(text: str) -> None:
    assert _kinds(inert(text)) <= {"text", "softbreak", "hardbreak"}
    assert _kinds(inert_line(text)) <= {"text"}


@given(texts)
def test_inert_text_is_shown_as_it_was_written(text: str) -> None:
    assert _essence(_shown(inert(text))) == _essence(text)
    assert _essence(_shown(inert_line(text, limit=10_000))) == _essence(text)


@given(texts)
def test_nothing_in_it_is_rewritten_by_the_front_end(text: str) -> None:
    shown = _shown(inert(text))
    assert not any(pattern.search(shown) for pattern in _REWRITTEN)


@given(texts)
def test_nothing_turns_the_direction_of_our_own_words(text: str) -> None:
    assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", inert(text))


def test_lines_and_paragraphs_stay() -> None:
    assert inert("one\ntwo\r\n\n\n  three") == "one  \ntwo\n\n\u00a0\u00a0three"


def test_half_a_surrogate_pair_does_not_break_the_page() -> None:
    assert inert("\ud800") == "\ufffd"


@given(texts, st.integers(2, 40))
def test_a_line_is_one_line_of_limited_length(text: str, limit: int) -> None:
    line = inert_line(text, limit)
    assert "\n" not in line
    assert len(re.sub(r"\\(?=[!-/:-@\[-`{-~])|\u2060", "", line)) <= limit


@given(texts, texts, texts)
def test_exactly_the_quote_is_marked(before: str, quote: str, after: str) -> None:
    shown = highlighted(before, quote, after)
    marks = re.findall(r":yellow-background\[((?:\\.|[^\]\\])*)\]", shown)
    assert _essence("".join(re.sub(r"\\(.)", r"\1", mark) for mark in marks)) == _essence(quote)
    rest = re.sub(r":yellow-background\[((?:\\.|[^\]\\])*)\]", r"\1", shown)
    assert _kinds(rest) <= {"text", "softbreak", "hardbreak"}
    assert _essence(_shown(rest)) == _essence(before + quote + after)


def test_a_quote_over_paragraphs_is_marked_in_each() -> None:
    assert highlighted("a ", "b\n\nc", " d").count(":yellow-background[") == 2


def test_lines_that_a_margin_broke_are_joined() -> None:
    line = "This line was broken by the right margin of the page where"
    assert highlighted(f"{line}\nit was printed.\nNext", "", "") == f"{line} it was printed\\.  \nNext"


_DIRECTIVE = re.compile(r":(red|green)-background\[((?:\\.|[^\]\\])*)\]")


@given(st.lists(st.builds(Span, st.sampled_from(Change), texts), max_size=6).map(tuple))
def test_what_changed_is_marked_and_is_nothing_but_text(spans: tuple[Span, ...]) -> None:
    shown = changed(Line(spans))
    assert "\n" not in shown
    marks = {"strong_open", "strong_close", "s_open", "s_close"}
    assert _kinds(_DIRECTIVE.sub(r"\2", shown)) <= {"text"} | marks
    bare = _DIRECTIVE.sub(lambda match: match[2][2:-2], shown)
    assert _essence(_shown(bare)) == _essence("".join(span.text for span in spans))
    for color, change in (("red", Change.REMOVED), ("green", Change.ADDED)):
        marked = "".join(match[2][2:-2] for match in _DIRECTIVE.finditer(shown) if match[1] == color)
        expected = "".join(span.text for span in spans if span.change is change)
        assert _essence(re.sub(r"\\(.)", r"\1", marked)) == _essence(expected)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(Change.SAME, "a hotel")], "a hotel"),
        (
            [(Change.SAME, "a "), (Change.REMOVED, "red one"), (Change.SAME, ".")],
            "a \u2060:red-background[~~red one~~]\\.",
        ),
        ([(Change.SAME, "a"), (Change.ADDED, " new ")], "a \u2060:green-background[**new**]"),
        ([(Change.ADDED, "  \u202e ")], ""),
        ([(Change.REMOVED, "a\nb")], "\u2060:red-background[~~a b~~]"),
    ],
)
def test_what_a_changed_line_looks_like(spans: list[tuple[Change, str]], expected: str) -> None:
    assert changed(Line(tuple(Span(*span) for span in spans))) == expected


@given(texts)
def test_an_answer_keeps_lists_and_bold_words_only(text: str) -> None:
    allowed = {"text", "softbreak", "hardbreak", "strong_open", "strong_close"}
    lists = {f"{kind}_{end}" for kind in ("bullet_list", "ordered_list", "list_item") for end in ("open", "close")}
    assert _kinds(re.sub(r":green-badge\[\d+\]", "", answer_markdown(text))) <= allowed | lists


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thirty days [1].", f"Thirty days {badge('1', 'green')}\\."),
        ("So [1, 12]", f"So {badge('1', 'green')}{badge('12', 'green')}"),
        ("- **Leave**: 30 [2]\n- none", f"- \u2060**Leave**\u2060\\: 30 {badge('2', 'green')}  \n- none"),
        ("2) second", "2. second"),
        ("## Title", "**Title**"),
        ("[x](http://e.x)", "\\[x\\]\\(http\\:\u2060\\/\\/e\\.x\\)"),
    ],
)
def test_what_an_answer_looks_like(text: str, expected: str) -> None:
    assert answer_markdown(text) == expected


spans = st.lists(
    st.builds(lambda a, b: TextSpan(min(a, b), max(a, b)), st.integers(0, 60), st.integers(0, 60)), max_size=4
)
_BACKGROUND = re.compile(r":orange-background\[((?:\\.|[^\]\\])*)\]")
_SAID = f" :orange-badge[{UNSUPPORTED}] "


@given(texts, spans, spans)
def test_marks_at_any_offset_let_nothing_else_through(
    text: str, bold: list[TextSpan], doubtful: list[TextSpan]
) -> None:
    allowed = {"text", "softbreak", "hardbreak", "strong_open", "strong_close"}
    lists = {f"{kind}_{end}" for kind in ("bullet_list", "ordered_list", "list_item") for end in ("open", "close")}
    shown = answer_markdown(text, bold, doubtful)
    bare = _BACKGROUND.sub(r"\1", re.sub(r":green-badge\[\d+\]", "", shown.replace(_SAID.strip(), "")))
    assert _kinds(bare) <= allowed | lists
    assert not any(pattern.search(_shown(bare)) for pattern in _REWRITTEN)
    assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)


@given(texts, spans, spans)
def test_marks_change_nothing_of_what_is_said(text: str, bold: list[TextSpan], doubtful: list[TextSpan]) -> None:
    def said(markdown: str) -> str:
        return _essence(_shown(_BACKGROUND.sub(r"\1", markdown.replace(_SAID.strip(), ""))))

    assert said(answer_markdown(text, bold, doubtful)) == said(answer_markdown(text))


@given(st.text(alphabet="ab c$*_.[", min_size=1, max_size=30).filter(lambda text: "[" not in text[1:]), st.data())
def test_exactly_the_span_is_bold(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    line = f"x{text}x".replace("**", "ab")
    shown = _inline(answer_markdown(line, [TextSpan(start + 1, end + 1)]))
    depth, bold = 0, ""
    for token in shown:
        depth += {"strong_open": 1, "strong_close": -1}.get(token.type, 0)
        bold += token.content if depth and token.type == "text" else ""
    assert _essence(bold) == _essence(line[start + 1 : end + 1])


@pytest.mark.parametrize(
    ("text", "bold", "doubtful", "expected"),
    [
        ("It is 30 days [1].", (6, 13), (), f"It is **30 days** {badge('1', 'green')}\\."),
        ("(30 days)", (1, 8), (), "\\(J**30 days**J\\)"),
        ("B [1]. C", (), (0, 6), f":orange-background[B] {badge('1', 'green')}J:orange-background[\\.]{_SAID} C"),
        ("A [1] B", (), (0, 5), f":orange-background[A] {badge('1', 'green')}{_SAID} B"),
        ("- so\n- or", (), (2, 9), f"- :orange-background[so]  \n- :orange-background[or]{_SAID}".rstrip()),
        ("so\r\nor", (4, 6), (), "so  \n**or**"),
        ("a **b** c", (), (2, 7), f"a J:orange-background[**b**]J{_SAID} c"),
        ("# So", (), (2, 4), f"**So**{_SAID}".rstrip()),
        ("US$5", (2, 4), (), "USJ**J\\$5**"),
    ],
)  # fmt: skip
def test_what_marks_look_like(text: str, bold: tuple[int, ...], doubtful: tuple[int, ...], expected: str) -> None:
    shown = answer_markdown(text, [TextSpan(*bold)] if bold else [], [TextSpan(*doubtful)] if doubtful else [])
    assert shown == expected.replace("J", "\u2060")
