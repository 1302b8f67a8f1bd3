import re
from dataclasses import replace

import pytest

from kyo_pipeline.domain.answer_findings import NOTHING, UNCHECKED, Findings, TextSpan
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.doubt import NEAR, AnswerFacts, kind_of
from kyo_pipeline.domain.gaps import GapKind
from kyo_pipeline.settings import PROJECT_ROOT

GOOD = AnswerFacts(Outcome.ANSWERED, None, 0.6, 0.35, NOTHING)
UNSUPPORTED = Findings(unsupported=(TextSpan(0, 5),))


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (GOOD, None),
        (replace(GOOD, outcome=Outcome.NOT_FOUND), GapKind.NOT_FOUND),
        (replace(GOOD, outcome=Outcome.NOT_FOUND, rating=1), GapKind.NOT_FOUND),  # it was honest, and is missing
        (replace(GOOD, outcome=Outcome.NOT_FOUND, rating=-1), GapKind.NOT_FOUND),
        (replace(GOOD, rating=-1), GapKind.DISLIKED),
        (replace(GOOD, rating=-1, findings=UNSUPPORTED), GapKind.DISLIKED),
        (replace(GOOD, findings=UNSUPPORTED), GapKind.DOUBTFUL),
        (replace(GOOD, findings=UNSUPPORTED, rating=1), None),  # its reader knows better
        (replace(GOOD, findings=Findings(notice=UNCHECKED)), GapKind.DOUBTFUL),
        (replace(GOOD, findings=Findings(notice="The model was slow.")), None),
        (replace(GOOD, similarity=0.2), GapKind.DOUBTFUL),
        (replace(GOOD, similarity=0.41), GapKind.DOUBTFUL),  # 0.35 and a tenth of what is above it: 0.415
        (replace(GOOD, similarity=0.42), None),
        (replace(GOOD, similarity=0.41, rating=1), None),
        (replace(GOOD, similarity=None), None),  # from before it was noted
        (replace(GOOD, threshold=None), None),
        *((replace(GOOD, outcome=one, rating=-1), None) for one in (Outcome.STOPPED, Outcome.FAILED, Outcome.ERASED)),
    ],
)
def test_what_is_wrong_with_an_answer(facts: AnswerFacts, kind: GapKind | None) -> None:
    assert kind_of(facts) is kind


def test_the_database_leaves_out_nothing_that_the_rule_would_keep() -> None:
    statement = (PROJECT_ROOT / "sql" / "functions" / "gap_candidates.sql").read_text(encoding="utf-8")
    [share] = re.findall(r"similarity_threshold \+ ([\d.]+) \*", statement)
    assert float(share) >= NEAR
