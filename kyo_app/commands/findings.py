"""What was found about an answer, as plain text: marks in its text, and lines below it."""

from datetime import timezone

from kyo_app.commands.output import printable
from kyo_app.markup import UNSUPPORTED
from kyo_pipeline.domain.answers import Answer, Citation


def marked_text(answer: Answer) -> str:
    """The text with the words that answer between asterisks, and a remark behind each sentence without support."""
    spans = answer.findings
    marks = [(span.start, 1, "*") for span in spans.emphasis] + [(span.end, 0, "*") for span in spans.emphasis]
    marks += [(span.end, 0, f" ({UNSUPPORTED})") for span in spans.unsupported]
    text = answer.text
    for at, _, mark in sorted(marks, reverse=True):
        text = f"{text[:at]}{mark}{text[at:]}"
    return printable(text)


def remarks(answer: Answer) -> list[str]:
    """A line each for the notice, what was searched for instead, sources that differ, and the nearest documents."""
    cited = {citation.marker: citation for citation in answer.citations}
    found = answer.findings
    lines = [found.notice] if found.notice else []
    lines += [f"Looked for {meant} in place of {typed}." for typed, meant in found.corrections]
    for one in found.conflicts:
        if one.newer in cited and one.older in cited:
            newer, older = _side(cited[one.newer]), _side(cited[one.older])
            lines.append(f"These sources differ: {newer}{', newer' if one.is_dated else ''}; {older}.")
    lines += [f"Nearest document: {one.title} (owner: {one.owner})" for one in answer.nearest]
    return [printable(line) for line in lines]


def _side(citation: Citation) -> str:
    if citation.dated is None:
        return f"[{citation.marker}]"
    dated = f" of {citation.dated.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
    return f"[{citation.marker}]{dated}"
