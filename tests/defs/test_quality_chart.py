"""The nights as the Dagster UI shows them."""

import base64
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from kyo_pipeline.defs.quality_chart import chart, origins, picture, table
from kyo_pipeline.domain.quality import Conditions, Drop, Figures, QualityRun

NOW = datetime(2026, 11, 30, 3, 30, tzinfo=timezone.utc)
FIGURES = Figures(112, 18, 0.5, 0.8, 0.7, 0.1, None, 12.3, 45.6)
CONDITIONS = Conditions(4, "bge", 0.5, 0.7, "v1/500/50", "vector", 5, "off", 120, 4000)
DROP = Drop("nDCG@10", 0.8, 0.5, 112, NOW, "nDCG@10 fell.")
NEWEST = QualityRun(2, NOW, CONDITIONS, FIGURES, {"cases": FIGURES}, 0, 7, 112, (DROP,))
BEFORE = replace(NEWEST, id=1, at=NOW - timedelta(days=1), figures=replace(FIGURES, ndcg_at_10=1.0), drops=())
SVG = {"svg": "http://www.w3.org/2000/svg"}


def test_a_night_is_a_row_and_a_worse_one_is_marked() -> None:
    head, _, newest, before = table([NEWEST, BEFORE]).splitlines()
    assert head.startswith("| Night | Questions | nDCG@10 |")
    assert newest == ("| 2026-11-30 03:30 ▼ | 112 + 18 | 0.500 | 0.800 | 0.700 | 0.100 | – | 12.3 | 45.6 | 4 | 120 |")
    assert before.startswith("| 2026-11-29 03:30 | 112 + 18 | 1.000 |")
    assert len({line.count("|") for line in table([NEWEST, BEFORE]).splitlines()}) == 1


def test_kinds_of_questions_have_rows_of_their_own() -> None:
    lines = origins(NEWEST).splitlines()
    assert lines[-1].startswith("| cases | 112 + 18 | 0.500 |")
    assert len({line.count("|") for line in lines}) == 1


def test_the_picture_runs_from_left_to_right_in_time_and_up() -> None:
    drawn = ET.fromstring(chart([NEWEST, BEFORE]))  # noqa: S314 — our own
    lines = drawn.findall("svg:polyline", SVG)
    assert len(lines) == 3 + 2  # nobody has asked what has no answer; below, how long it took
    (x1, y1), (x2, y2) = (point.split(",") for point in lines[0].attrib["points"].split())
    assert float(x1) < float(x2)
    assert float(y1) < float(y2)  # it fell
    assert "nDCG@10 0.50" in (drawn.findtext("svg:title", namespaces=SVG) or "")


@pytest.mark.parametrize(
    ("p50", "p95", "axis"),
    [(0.0, 0.4, ["0", "0.5", "1"]), (12.3, 45.6, ["0", "25", "50"]), (900.0, 1000.1, ["0", "1,000", "2,000"])],
)
def test_times_are_drawn_on_an_axis_of_their_own(p50: float, p95: float, axis: list[str]) -> None:
    drawn = ET.fromstring(chart([replace(NEWEST, figures=replace(FIGURES, p50_ms=p50, p95_ms=p95))]))  # noqa: S314
    labels = [text for text in drawn.findall("svg:text", SVG) if text.get("text-anchor") == "end"]
    assert [text.text for text in labels][5:8] == axis  # below the five of the shares
    *shares, half, most = (float(dot.attrib["cy"]) for dot in drawn.findall("svg:circle", SVG))
    assert max(shares) < most
    ends = [float(text.attrib["y"]) - 4 for text in labels[5:8]]
    assert ends[2] <= most < half <= ends[0]  # up is longer
    said = drawn.findtext("svg:title", namespaces=SVG) or ""
    assert f"search p50, ms {p50}; search p95, ms {p95}." in said


def test_nights_without_times_draw_none() -> None:
    untimed = replace(NEWEST, figures=replace(FIGURES, p50_ms=None, p95_ms=None))
    assert len(ET.fromstring(chart([untimed])).findall("svg:polyline", SVG)) == 3  # noqa: S314 — our own


def test_it_is_an_image_without_a_file() -> None:
    shown = picture([NEWEST])
    assert shown.startswith("![The last 1 nights; the newest: nDCG@10 0.50;")
    image = base64.b64decode(shown.split("base64,")[1].rstrip(")"))
    assert ET.fromstring(image).tag.endswith("svg")  # noqa: S314 — our own


def test_of_no_night_there_is_a_picture_all_the_same() -> None:
    assert ET.fromstring(chart([])).findtext("svg:title", namespaces=SVG) == "No night has been measured."  # noqa: S314
