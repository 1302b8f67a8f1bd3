import json

from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.answer_findings import NOTHING, Conflict, Findings, TextSpan, as_plain, from_plain

spans = st.lists(st.builds(TextSpan, st.integers(0, 99), st.integers(0, 99)), max_size=3).map(tuple)
conflicts = st.lists(st.builds(Conflict, st.integers(1, 9), st.integers(1, 9), st.booleans()), max_size=3).map(tuple)
words = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=2).map(tuple)


@given(st.builds(Findings, spans, spans, conflicts, st.text(max_size=9), words))
def test_findings_come_back_out_of_json_as_they_were(findings: Findings) -> None:
    assert from_plain(json.loads(json.dumps(as_plain(findings)))) == findings


def test_nothing_takes_no_room() -> None:
    assert as_plain(NOTHING) == {}
    assert from_plain({}) == NOTHING
