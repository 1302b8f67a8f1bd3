"""A judgement as people see it."""

import base64
import xml.etree.ElementTree as ET
from dataclasses import replace

from kyo_pipeline.domain.comparison import chart, picture, table
from kyo_pipeline.domain.embedding_sets import Verdict
from kyo_pipeline.domain.judging import Judgement, SideScores

JUDGEMENT = Judgement(
    questions=121,
    unanswerable=40,
    left_out=3,
    sources={"liked": 12, "KYO_EVAL_DIR": 109},
    active=SideScores(0.71, 0.8, 0.05, 0.2, 10.25, 20),
    candidate=SideScores(0.52, 0.85, 0.05, 0.25, 12, 41.5),
    overlap=0.638,
    margin=0.02,
    verdict=Verdict.WORSE,
    reasons=("nDCG@10 fell from 0.71 to 0.52, more than the margin of 0.02 allows.",),
)
NOTHING = replace(
    JUDGEMENT,
    questions=0,
    unanswerable=0,
    left_out=0,
    sources={},
    active=SideScores(None, None, None, None, None, None),
    candidate=SideScores(None, None, None, None, None, None),
    overlap=None,
)
SVG = "{http://www.w3.org/2000/svg}"


def test_the_table_stands_side_by_side() -> None:
    assert table(JUDGEMENT).split("\n\n")[0].splitlines() == [
        "| Measure | Active | Candidate | Change |",
        "| --- | ---: | ---: | ---: |",
        "| nDCG@10 | 0.710 | 0.520 | −0.190 |",
        "| recall@10 | 0.800 | 0.850 | +0.050 |",
        "| refused wrongly | 0.050 | 0.050 | +0.000 |",
        "| answered wrongly | 0.200 | 0.250 | +0.050 |",
        "| median, ms | 10.2 | 12.0 | +1.8 |",
        "| 95th percentile, ms | 20.0 | 41.5 | +21.5 |",
    ]


def test_what_to_make_of_it_follows() -> None:
    notes = table(JUDGEMENT).split("\n\n")[1].splitlines()
    assert notes[:4] == [
        "- nDCG@10 fell from 0.71 to 0.52, more than the margin of 0.02 allows.",
        "- Questions with an answer: 121 (12 with an answer that people found helpful, 109 from KYO_EVAL_DIR); without "
        "one: 40.",
        "- Left out, since none of the documents with the answer is here: 3.",
        "- Of the ten best that the active set finds, 64% are among the candidate's.",
    ]
    assert "favours" in notes[4]
    assert "favours" not in table(replace(JUDGEMENT, sources={"KYO_EVAL_DIR": 121}))


def test_what_was_not_asked_is_left_empty() -> None:
    assert "| nDCG@10 | – | – | – |" in table(NOTHING)
    assert "Questions with an answer: 0; without one: 0." in table(NOTHING)
    assert "none asked" in chart(NOTHING)


def test_the_chart_has_two_bars_for_each_measure() -> None:
    image = ET.fromstring(chart(JUDGEMENT))  # noqa: S314 — our own
    bars = [
        bar for bar in image.iter(f"{SVG}rect") if bar.get("fill") in ("#8c959f", "#0969da") and bar.get("x") == "150"
    ]
    assert [float(bar.get("width") or 0) for bar in bars[1:]] == [241.4, 176.8, 272.0, 289.0, 17.0, 17.0, 68.0, 85.0]
    words = [one.text for one in image.iter(f"{SVG}text")]
    assert {"nDCG@10", "recall@10", "refused wrongly", "answered wrongly", "0.710", "0.520"} <= set(words)


def test_the_picture_needs_no_file() -> None:
    head, _, encoded = picture(JUDGEMENT).removesuffix(")").partition("](data:image/svg+xml;base64,")
    assert head.startswith("![The active set and the candidate: nDCG@10 0.71 and 0.52;")
    assert base64.b64decode(encoded).decode() == chart(JUDGEMENT)
