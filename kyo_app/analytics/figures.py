"""Figures of a period beside those of the period before: how they are written, and whether a change is a good one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kyo_app import wording
from kyo_pipeline.domain.analytics import IngestionTotals, Totals

#: What it means that there is more of something, in Streamlit's names for the colours of a change.
More = Literal["normal", "inverse", "off"]
BETTER: More = "normal"
WORSE: More = "inverse"
NEITHER: More = "off"

_NONE = "–"


@dataclass(frozen=True)
class Figure:
    """As it is shown; the note says what is counted, of how many, and what it was before.

    `change` begins with its sign; it is empty where nothing changed, or where there is nothing to compare with.
    """

    label: str
    value: str
    note: str
    change: str = ""
    more: More = NEITHER


@dataclass(frozen=True)
class Part:
    """Some of many."""

    some: int
    many: int

    @property
    def share(self) -> float:
        return self.some / self.many if self.many else 0.0

    @property
    def percent(self) -> str:
        """Rounded, but little of something is not nothing, and nearly all is not all of it; a dash of nothing."""
        if not self.many:
            return _NONE
        rounded = f"{self.share * 100:.0f} %"
        if self.some and rounded == "0 %":
            return "under 1 %"
        return "over 99 %" if self.some < self.many and rounded == "100 %" else rounded


def amount(
    label: str,
    now: float,
    before: float,
    note: str,
    more: More = NEITHER,
    said: Callable[[float], str] = "{:,.0f}".format,
) -> Figure:
    """How many there are of something."""
    note = f"{note} In the period before: {said(before)}."
    if said(now) == said(before):
        return Figure(label, said(now), note)
    return Figure(label, said(now), note, f"{'-' if now < before else '+'}{said(abs(now - before))}", more)


def share(label: str, nouns: str, now: Part, before: Part | None = None, more: More = NEITHER) -> Figure:
    """A part of a whole; the note says of how many, which `nouns` names, such as "questions"."""
    note = f"{now.some:,} of {now.many:,} {nouns}."
    if before is None:
        return Figure(label, now.percent, note)
    note = f"{note} In the period before: {before.some:,} of {before.many:,}."
    if not now.many or not before.many:
        return Figure(label, now.percent, note)
    points = f"{100 * (now.share - before.share):+.1f}"
    return Figure(label, now.percent, note, "" if float(points) == 0 else f"{points} points", more)


def seconds(value: float) -> str:
    """Short times in milliseconds, long ones in minutes and hours."""
    if value >= 60:
        return wording.duration(value)
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def of_use(now: Totals, before: Totals) -> list[Figure]:
    """What was asked, by how many, and what became of it."""
    return [
        amount("Questions", now.questions, before.questions, "Everything that was asked, follow-ups too."),
        amount("People", now.people, before.people, "People who asked at least one question."),
        *of_outcomes(now, before),
        helpful(now, before),
    ]


def of_own(now: Totals, before: Totals) -> list[Figure]:
    """What somebody asked themselves."""
    return [
        amount("Questions", now.questions, before.questions, "Everything that you asked, follow-ups too."),
        *of_outcomes(now, before),
        helpful(now, before),
    ]


def of_outcomes(now: Totals, before: Totals) -> list[Figure]:
    def among_questions(label: str, count: Callable[[Totals], int], more: More) -> Figure:
        parts = [Part(count(one), one.questions) for one in (now, before)]
        return share(label, "questions", parts[0], parts[1], more)

    return [
        among_questions("Answered", lambda one: one.answered, BETTER),
        among_questions("Not found", lambda one: one.not_found, WORSE),
        among_questions("Failed", lambda one: one.failed, WORSE),
    ]


def helpful(now: Totals, before: Totals) -> Figure:
    return share("Helpful", "answers with a thumb", _liked(now), _liked(before), BETTER)


def of_feedback(now: Totals, before: Totals) -> list[Figure]:
    return [
        helpful(now, before),
        amount("Thumbs up", now.liked, before.liked, "Answers that somebody found helpful.", BETTER),
        amount("Thumbs down", now.disliked, before.disliked, "Answers that somebody did not find helpful.", WORSE),
        share("With a thumb", "answers, “not found” included", _thumbed(now), _thumbed(before)),
    ]


def of_effort(now: Totals, before: Totals, *, refusals: bool) -> list[Figure]:
    """What it took. Tokens and costs only where there are any; `refusals` for those to whom they are told."""
    nouns = "answers had been written before, for the same question"
    figures = [share("From cache", nouns, Part(now.cached, now.answered), Part(before.cached, before.answered))]
    if now.prompt_tokens or before.prompt_tokens:
        note = f"{now.prompt_tokens:,} read and {now.completion_tokens:,} written by the language model."
        figures.append(amount("Tokens", _tokens(now), _tokens(before), note))
    if now.cost is not None:
        note = "By the prices in the settings, in their currency."
        figures.append(amount("Cost", now.cost, before.cost or 0.0, note, WORSE, wording.money))
    if refusals:
        note = "What limits and permissions have refused, of everybody."
        figures.append(amount("Refused", now.refused, before.refused, note))
    return figures


def of_ingestion(files: IngestionTotals) -> list[Figure]:
    """Of the files that were uploaded in the period."""
    return [
        Figure("Files", f"{files.files:,}", "Files that were uploaded, new versions too."),
        share("Ready", "files", Part(files.ready, files.files)),
        share("Failed", "files", Part(files.failed, files.files)),
        _until_ready(files.seconds_p50, files.seconds_p95),
    ]


def rated(totals: Totals) -> int:
    return totals.liked + totals.disliked


def _until_ready(half: float | None, nearly_all: float | None) -> Figure:
    if half is None or nearly_all is None:
        return Figure("Until ready", _NONE, "None of them has become ready.")
    note = f"Half of the files took no longer than this, and 95 % no longer than {seconds(nearly_all)}."
    return Figure("Until ready", seconds(half), note)


def _liked(totals: Totals) -> Part:
    return Part(totals.liked, rated(totals))


def _thumbed(totals: Totals) -> Part:
    return Part(rated(totals), totals.answered + totals.not_found)


def _tokens(totals: Totals) -> int:
    return totals.prompt_tokens + totals.completion_tokens
