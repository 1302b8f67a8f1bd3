"""How figures of use are written, compared and drawn."""

import csv
import io
import re
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from kyo_app import main
from kyo_app.analytics import charts, days, figures, tables
from kyo_app.analytics.columns import cells, csv_text, written
from kyo_app.analytics.figures import BETTER, NEITHER, WORSE, Figure, Part
from kyo_app.markup import inert_line
from kyo_app.wording import REASONS
from kyo_pipeline.domain.analytics import DayTotals, DocumentUse, IngestionTotals, Period, StageLatency, Totals
from kyo_pipeline.domain.feedback import Reason
from tests.app.pages import ODD

TODAY = date(2026, 11, 30)  # a Monday


def use(title: str) -> DocumentUse:
    return DocumentUse(UUID(int=7), title, "General", 3, 4, 1)


def every_day(period: Period, questions: int = 1) -> list[DayTotals]:
    return [
        DayTotals(period.first + timedelta(days=number), Totals(questions=questions, answered=questions))
        for number in range(period.days)
    ]


# Days -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "first"), [(1, TODAY), (7, date(2026, 11, 24)), (365, date(2025, 12, 1))])
def test_today_is_the_last_of_the_last_days(number: int, first: date) -> None:
    assert days.last_days(number, TODAY) == Period(first, TODAY)


@pytest.mark.parametrize(
    ("number", "unit", "bars"),
    [
        (1, "day", 1),
        (30, "day", 30),
        (92, "day", 92),
        (93, "week", 15),  # from a Sunday to a Monday
        (365, "week", 53),
        (742, "week", 107),
        (743, "month", 25),
        (1830, "month", 61),
    ],
)
def test_a_chart_has_as_many_bars_as_a_phone_can_show_and_counts_every_day(number: int, unit: str, bars: int) -> None:
    period = days.last_days(number, TODAY)
    found = days.stretches(every_day(period), period)
    assert days.unit(period) == unit
    assert len(found) == bars
    assert sum(one.sum(lambda totals: totals.questions) for one in found) == number
    assert (found[0].first, found[-1].last) == (period.first, TODAY)
    labels = list(days.labels(found, period, TODAY))
    assert len(set(labels)) == len(labels) == bars


def test_weeks_begin_on_monday() -> None:
    period = days.last_days(100, TODAY)
    found = days.stretches(every_day(period), period)
    assert {one.first.weekday() for one in found[1:]} == {0}
    assert {one.last.weekday() for one in found[:-1]} == {6}


@pytest.mark.parametrize(
    ("period", "labels"),
    [
        (Period(date(2026, 11, 29), TODAY), ["29 Nov", "30 Nov"]),
        (Period(date(2025, 12, 31), date(2026, 1, 1)), ["31 Dec 2025", "1 Jan 2026"]),
        (Period(date(2025, 3, 1), date(2025, 3, 1)), ["1 Mar 2025"]),
    ],
)
def test_years_are_told_where_they_are_needed(period: Period, labels: list[str]) -> None:
    found = days.stretches(every_day(period), period)
    assert list(days.labels(found, period, TODAY)) == labels


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (TODAY, TODAY, "30 Nov"),
        (date(2026, 11, 1), TODAY, "1 Nov – 30 Nov"),
        (date(2025, 11, 1), TODAY, "1 Nov 2025 – 30 Nov"),
    ],
)
def test_days_are_said(first: date, last: date, said: str) -> None:
    assert days.said(first, last, TODAY) == said


# Figures --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "before", "value", "change"),
    [
        (0, 0, "0", ""),
        (5, 0, "5", "+5"),
        (0, 5, "0", "-5"),
        (1234, 1234, "1,234", ""),
        (12345, 1234, "12,345", "+11,111"),
        (1234, 12345, "1,234", "-11,111"),
    ],
)
def test_an_amount_and_its_change(now: int, before: int, value: str, change: str) -> None:
    found = figures.amount("Questions", now, before, "All.", WORSE)
    assert (found.value, found.change) == (value, change)
    assert found.note == f"All. In the period before: {before:,}."


@pytest.mark.parametrize(
    ("now", "before", "value", "change"),
    [
        ((3, 4), (1, 2), "75 %", "+25.0 points"),
        ((1, 4), (2, 4), "25 %", "-25.0 points"),
        ((1, 2), (2, 4), "50 %", ""),
        ((1002, 2000), (1000, 2000), "50 %", "+0.1 points"),
        ((10001, 20000), (10000, 20000), "50 %", ""),  # rounds to nothing
        ((0, 0), (1, 2), "–", ""),
        ((1, 2), (0, 0), "50 %", ""),
        ((0, 0), (0, 0), "–", ""),
    ],
)
def test_a_share_and_its_change(now: tuple[int, int], before: tuple[int, int], value: str, change: str) -> None:
    found = figures.share("Answered", "questions", Part(*now), Part(*before), BETTER)
    assert (found.value, found.change) == (value, change)
    assert f"{now[0]:,} of {now[1]:,} questions" in found.note
    assert f"before: {before[0]:,} of {before[1]:,}" in found.note


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part(0, 9), "0 %"),
        (Part(1, 1000), "under 1 %"),
        (Part(1, 200), "under 1 %"),
        (Part(1, 199), "1 %"),
        (Part(1, 3), "33 %"),
        (Part(198, 200), "99 %"),
        (Part(199, 200), "over 99 %"),
        (Part(9, 9), "100 %"),
        (Part(0, 0), "–"),
    ],
)
def test_little_is_not_nothing_and_nearly_all_is_not_all(part: Part, said: str) -> None:
    assert part.percent == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0 ms"), (0.0042, "4 ms"), (1.234, "1.2 s"), (12.4, "12 s"), (90, "2 min"), (7200, "2 h")],
)
def test_seconds(value: float, said: str) -> None:
    assert figures.seconds(value) == said


def by_label(found: list[Figure]) -> dict[str, Figure]:
    return {one.label: one for one in found}


def test_more_of_what_is_bad_is_worse() -> None:
    before = Totals(questions=10, people=2, answered=8, not_found=1, failed=1, liked=3, disliked=1)
    now = Totals(questions=20, people=3, answered=10, not_found=6, failed=4, liked=3, disliked=3)
    found = by_label(figures.of_use(now, before))
    assert {one.label: (one.value, one.change, one.more) for one in found.values()} == {
        "Questions": ("20", "+10", NEITHER),
        "People": ("3", "+1", NEITHER),
        "Answered": ("50 %", "-30.0 points", BETTER),
        "Not found": ("30 %", "+20.0 points", WORSE),
        "Failed": ("20 %", "+10.0 points", WORSE),
        "Helpful": ("50 %", "-25.0 points", BETTER),
    }
    assert found["Not found"].note == "6 of 20 questions. In the period before: 1 of 10."
    assert found["Helpful"].note == "3 of 6 answers with a thumb. In the period before: 3 of 4."


def test_of_oneself_nobody_counts_people() -> None:
    assert "People" not in by_label(figures.of_own(Totals(questions=1, people=1), Totals()))


def test_thumbs_down_are_worse_and_thumbs_up_better() -> None:
    now, before = Totals(answered=8, not_found=2, liked=3, disliked=2), Totals(answered=8, liked=1, disliked=1)
    found = figures.of_feedback(now, before)
    assert [(one.label, one.value, one.change, one.more) for one in found] == [
        ("Helpful", "60 %", "+10.0 points", BETTER),
        ("Thumbs up", "3", "+2", BETTER),
        ("Thumbs down", "2", "+1", WORSE),
        ("With a thumb", "50 %", "+25.0 points", NEITHER),
    ]


@pytest.mark.parametrize(
    ("now", "before", "refusals", "labels"),
    [
        (Totals(), Totals(), False, ["From cache"]),
        (Totals(), Totals(), True, ["From cache", "Refused"]),
        (Totals(prompt_tokens=9), Totals(), False, ["From cache", "Tokens"]),
        (Totals(), Totals(prompt_tokens=9), False, ["From cache", "Tokens"]),
        (Totals(cost=0.0), Totals(cost=0.0), False, ["From cache", "Cost"]),
    ],
)
def test_what_it_took_is_told_where_it_is_known(now: Totals, before: Totals, refusals: bool, labels: list[str]) -> None:
    assert [one.label for one in figures.of_effort(now, before, refusals=refusals)] == labels


def test_costs_in_the_currency_of_the_prices() -> None:
    found = by_label(figures.of_effort(Totals(cost=1234.5), Totals(cost=1234.0), refusals=False))["Cost"]
    assert (found.value, found.change, found.more) == ("1,234.50", "+0.50", WORSE)


@pytest.mark.parametrize(
    ("files", "values"),
    [
        (IngestionTotals(), ["0", "–", "–", "–"]),
        (IngestionTotals(1000, 800, 3, 14.2, 93.0), ["1,000", "80 %", "under 1 %", "14 s"]),
        (IngestionTotals(2, 0, 0), ["2", "0 %", "0 %", "–"]),
    ],
)
def test_files(files: IngestionTotals, values: list[str]) -> None:
    assert [one.value for one in figures.of_ingestion(files)] == values


# Tables ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"), [(1234567, "1,234,567"), (1234.5, "1,234.500"), (ODD, inert_line(ODD, 160))]
)
def test_values_on_the_page(value: str | int | float, said: str) -> None:
    assert written(value) == said


def test_a_title_is_a_link_to_its_document_and_nothing_else() -> None:
    [row] = cells(tables.MOST_USED, [use("](http://e.x) <b>" + ODD)])
    shown = row["Document"]
    assert shown.endswith(f"](/documents?document={UUID(int=7)})")
    assert shown.removeprefix("[").startswith(inert_line("](http://e.x) <b>" + ODD, 90))


def test_a_file_for_a_spreadsheet_has_plain_numbers_and_no_formulas() -> None:
    text = csv_text(tables.MOST_USED, [use('=HYPERLINK("http://e.x")'), use("Überstunden, \n„neu“")])
    assert text.startswith("\ufeff")
    header, first, second = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert header == ["Document", "Collection", "Questions", "Quotes", "Thumbs down"]
    assert first == ['\'=HYPERLINK("http://e.x")', "General", "3", "4", "1"]
    assert second[0] == "Überstunden, \n„neu“"


def test_the_file_of_days_has_every_day_and_costs_only_where_they_are_known() -> None:
    day = DayTotals(TODAY, Totals(1234, 2, 1000, 200, 30, 4, 5, 6, 7, 8, 9000, 10, 0.125))
    priced = csv_text(tables.of_days(priced=True, refusals=True), [day]).removeprefix("\ufeff").splitlines()
    assert dict(zip(priced[0].split(","), priced[1].split(","), strict=True)) == {
        "Day": "2026-11-30",
        "Questions": "1234",
        "Answered": "1000",
        "Not found": "200",
        "Failed": "30",
        "Stopped": "4",
        "From cache": "5",
        "Thumbs up": "6",
        "Thumbs down": "7",
        "People": "2",
        "Tokens read": "9000",
        "Tokens written": "10",
        "Cost": "0.125",
        "Refused": "8",
    }
    plain = csv_text(tables.of_days(priced=False, refusals=False), [day]).splitlines()[0]
    assert "Cost" not in plain
    assert "Refused" not in plain


def test_of_oneself_no_file_counts_people_or_refusals() -> None:
    assert {"People", "Refused"}.isdisjoint(column.name for column in tables.OWN_DAYS)


def test_a_reason_that_nobody_knows_yet_is_told_all_the_same() -> None:
    assert tables.reason_name("too_long") == "Too long"
    assert [tables.reason_name(one.value) for one in Reason] == [REASONS[one] for one in Reason]  # as in the form


# Charts ---------------------------------------------------------------------------------------------------------------


def test_a_chart_draws_each_count_of_each_stretch_and_leaves_out_nothing_but_nothing() -> None:
    period = days.last_days(2, TODAY)
    two = [DayTotals(period.first, Totals()), DayTotals(TODAY, Totals(answered=2, not_found=1))]
    spec = charts.over_days(charts.OUTCOMES, days.stretches(two, period), ["29 Nov", "30 Nov"])
    assert spec["data"]["values"] == [
        {"When": "30 Nov", "What": "Answered", "Number": 2},
        {"When": "30 Nov", "What": "Not found", "Number": 1},
    ]
    assert spec["encoding"]["x"]["scale"] == {"domain": ["29 Nov", "30 Nov"]}
    assert spec["encoding"]["color"]["scale"] == {"domain": list(charts.OUTCOMES)}  # colours are the theme's


def test_times_are_drawn_in_seconds() -> None:
    spec = charts.latencies([StageLatency("total", 3, 820.0, 4200.0), StageLatency("new_stage", 1, 1.0, 2.0)])
    assert [tuple(one.values()) for one in spec["data"]["values"]] == [
        ("All together", "Half within", 0.82),
        ("All together", "95 % within", 4.2),
        ("New stage", "Half within", 0.001),
        ("New stage", "95 % within", 0.002),
    ]


def test_files_are_drawn_by_what_became_of_them() -> None:
    files = IngestionTotals(files=9, ready=5, failed=1)
    assert charts.ingested(files) == {"Ready": 5, "Under way": 3, "Failed": 1}
    assert sum(one["Number"] for one in charts.ingestion(files)["data"]["values"]) == 9


def _luminance(color: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("theme", "words"), [("light", charts.WORDS_ON_LIGHT), ("dark", charts.WORDS_ON_DARK)])
def test_bars_and_words_of_charts_are_seen_in_both_themes(theme: str, words: str) -> None:
    config = (Path(main.__file__).parent / ".streamlit" / "config.toml").read_text()
    part = config.split(f"[theme.{theme}]")[1].split("\n[")[0]
    background = re.findall(r'^backgroundColor = "(#\w{6})"', part, re.MULTILINE)[0]
    colors = re.findall(r"#\w{6}", re.findall(r"^chartCategoricalColors = (.*)$", part, re.MULTILINE)[0])
    assert len(colors) >= len(charts.OUTCOMES)
    assert min(_contrast(color, background) for color in colors) >= 3
    assert _contrast(words, background) >= 4.5
