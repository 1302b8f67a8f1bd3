"""The nights, as managers see them and admins accept them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import quality
from tests.app.pages import Visit, buttons, click, titles, words
from tests.nights import add_night

Sql = Callable[..., list[Any]]


def metrics(page: AppTest) -> dict[str, tuple[str, str]]:
    return {one.label: (one.value, one.delta) for one in page.metric}


def nights(page: AppTest) -> list[dict[str, str]]:
    found: list[dict[str, str]] = page.table[-1].value.to_dict("records")
    return found


def points(chart: Any) -> list[tuple[str, float]]:
    """Measure and value of each point that is drawn."""
    found = convert_arrow_bytes_to_pandas_df(chart.proto.data.data)
    return list(zip(found["Measure"], found["Value"], strict=True))


def test_before_the_first_night_it_says_what_is_needed(visit: Visit, manager: Actor) -> None:
    page = visit("quality", manager)
    assert not page.exception
    assert "Nothing has been measured yet" in words(page)
    assert not page.metric


def test_the_last_night_beside_the_one_before(visit: Visit, manager: Actor, sql: Sql, kyo: Kyo) -> None:
    add_night(sql, 0.8, days_ago=1, now=kyo.now())
    add_night(sql, 0.9, now=kyo.now())
    page = visit("quality", manager)
    assert not page.exception
    assert metrics(page)["Found well"] == ("90.0\u00a0%", "+10.0 points")
    assert metrics(page)["Search time"][0] == "–"
    assert "on 40 questions with an answer and 2 without one" in words(page)
    assert [row["Found well"] for row in nights(page)] == ["90.0\u00a0%", "80.0\u00a0%"]
    assert not page.warning


def test_shares_and_search_times_are_drawn_on_axes_of_their_own(
    visit: Visit, manager: Actor, sql: Sql, kyo: Kyo
) -> None:
    add_night(sql, 0.8, days_ago=2, now=kyo.now())
    add_night(sql, 0.8, days_ago=1, now=kyo.now(), times=(20.0, 80.0))
    add_night(sql, 0.9, now=kyo.now(), times=(30.0, 1234.0))
    page = visit("quality", manager)
    assert not page.exception
    shares, times = page.get("vega_lite_chart")
    assert points(shares) == [("Found well", 0.9), ("Found well", 0.8), ("Found well", 0.8)]
    half, most = json.loads(times.proto.spec)["encoding"]["color"]["scale"]["domain"]
    # A night without times has no point.
    assert points(times) == [(half, 30.0), (most, 1234.0), (half, 20.0), (most, 80.0)]
    assert [(row["Half within"], row["95\u00a0% within"]) for row in nights(page)] == [
        ("30\u00a0ms", "1,234\u00a0ms"),
        ("20\u00a0ms", "80\u00a0ms"),
        ("–", "–"),
    ]


def test_where_no_night_has_times_none_are_drawn(visit: Visit, manager: Actor, sql: Sql, kyo: Kyo) -> None:
    add_night(sql, 0.8, now=kyo.now())
    assert len(visit("quality", manager).get("vega_lite_chart")) == 1


def test_what_became_worse_is_said_and_accepted_by_admins_alone(
    visit: Visit, kyo: Kyo, manager: Actor, admin: Actor, sql: Sql
) -> None:
    add_night(sql, 0.5, worse=True, now=kyo.now())
    page = visit("quality", manager)
    assert "Answers became worse" in words(page)
    assert "- Found well: 90.0\u00a0%, now 50.0\u00a0%, on 40 questions, since " in words(page)
    assert "Accept as normal" not in buttons(page)
    page = visit("quality", admin)
    assert nights(page)[0][""].endswith("Worse")
    page = click(page, "Accept as normal")
    assert not page.exception
    assert "Answers became worse" not in words(page)
    assert nights(page)[0][""] == "Accepted"
    assert not quality.history(kyo, admin)[0].has_dropped


@pytest.mark.usefixtures("kyo")
def test_it_is_not_for_everybody(visit: Visit, employee: Actor) -> None:
    assert titles(visit("quality", employee)) == ["Not for your role"]
