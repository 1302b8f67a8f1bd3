"""What the parts of the analytics view are made of: figures, charts with their numbers, tables, downloads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import streamlit as st

from kyo_app.analytics import days
from kyo_app.analytics.charts import Spec, over_days
from kyo_app.analytics.columns import Column, Row, cells, csv_text
from kyo_app.analytics.days import Count, Stretch
from kyo_app.analytics.figures import Figure
from kyo_app.components import expander, table
from kyo_pipeline.domain.analytics import DayTotals, Period

#: Two of them stand side by side on a phone, four on a desk.
_FIGURE = 164


@dataclass(frozen=True)
class Shown:
    """The days that somebody looks at, on which day."""

    period: Period
    today: date

    @property
    def said(self) -> str:
        return days.said(self.period.first, self.period.last, self.today)

    def file_name(self, what: str) -> str:
        """Plain: nothing in it that people have named."""
        return f"kyo-{what}-{self.period.first}-to-{self.period.last}.csv"


def show_figures(figures: Sequence[Figure]) -> None:
    with st.container(horizontal=True, gap="small"):
        for one in figures:
            st.metric(
                one.label,
                one.value,
                one.change or None,
                delta_color=one.more,
                help=one.note,
                border=True,
                width=_FIGURE,
                height="stretch",
            )


def show_days(title: str, counts: Mapping[str, Count], found: Sequence[DayTotals], shown: Shown) -> None:
    """A chart of counts over the days, and its numbers."""
    stretches = days.stretches(found, shown.period)
    labels = list(days.labels(stretches, shown.period, shown.today))
    unit = days.unit(shown.period)
    sums = ", ".join(f"{sum(one.sum(count) for one in stretches):,} {name.lower()}" for name, count in counts.items())
    show_heading(f"{title} a {unit}")
    show_chart(over_days(counts, stretches, labels), f"{title} a {unit}, {shown.said}: {sums}.")
    when = Column[Stretch](unit.capitalize(), lambda one: days.said(one.first, one.last, shown.today))
    show_numbers(title, [when, *(_sum_of(name, count) for name, count in counts.items())], stretches)


def show_heading(title: str) -> None:
    st.subheader(title, anchor=False)


def show_chart(spec: Spec, alt: str) -> None:
    """`alt` is what the chart says, for those who do not see it."""
    st.vega_lite_chart(None, spec, alt=alt)


def show_numbers(title: str, columns: Sequence[Column[Row]], rows: Sequence[Row]) -> None:
    """What a chart shows as a table, drawn only once somebody has opened it."""
    opened = expander("The numbers as a table", f"numbers-of-{title}")
    if opened.open:
        with opened:
            table(cells(columns, rows), f"{title}: the numbers of the chart")


def show_rows(title: str, columns: Sequence[Column[Row]], rows: Sequence[Row], shown: Shown, what: str) -> None:
    """A table with its download; `what` it is of, in the name of the file."""
    table(cells(columns, rows), f"{title}, {shown.said}")
    show_download(f"Download {title.lower()} (CSV)", columns, rows, shown.file_name(what))


def show_download(label: str, columns: Sequence[Column[Row]], rows: Sequence[Row], file_name: str) -> None:
    """The file is written once somebody asks for it."""
    st.download_button(
        label,
        lambda: csv_text(columns, rows),
        file_name,
        "text/csv",
        key=f"download-{file_name}",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


def _sum_of(name: str, count: Count) -> Column[Stretch]:
    return Column(name, lambda one: one.sum(count))
