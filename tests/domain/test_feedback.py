from uuid import UUID

import pytest

from kyo_pipeline.domain.feedback import MAX_COMMENT_LENGTH, Opinion, Reason
from kyo_pipeline.domain.feedback_items import MAX_NOTE_LENGTH, Decision, Resolution
from kyo_pipeline.errors import Invalid

DOCUMENT = UUID(int=7)


@pytest.mark.parametrize(
    "opinion",
    [
        Opinion(1),
        Opinion(1, "x" * MAX_COMMENT_LENGTH),
        Opinion(-1),
        Opinion(-1, "Why?", Reason.WRONG_SOURCE, DOCUMENT),
        Opinion(-1, correct_document_id=DOCUMENT),
    ],
)
def test_an_opinion_that_can_be_had(opinion: Opinion) -> None:
    assert opinion.checked() is opinion


@pytest.mark.parametrize(
    ("opinion", "says"),
    [
        (Opinion(0), "A rating is 1"),
        (Opinion(2), "A rating is 1"),
        (Opinion(1, "x" * (MAX_COMMENT_LENGTH + 1)), "characters at most"),
        (Opinion(1, reason=Reason.OTHER), "did not help"),
        (Opinion(1, correct_document_id=DOCUMENT), "did not help"),
    ],
)
def test_an_opinion_that_cannot(opinion: Opinion, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        opinion.checked()


@pytest.mark.parametrize(
    "decision",
    [
        Decision(Resolution.CONFIRMED),
        Decision(Resolution.CORRECTED, "", [DOCUMENT]),
        Decision(Resolution.CORRECTED, "See there.", [DOCUMENT], "Thirty"),
        Decision(Resolution.DOCUMENT_UPDATED),
        Decision(Resolution.DISMISSED, "x" * MAX_NOTE_LENGTH),
    ],
)
def test_a_decision_that_can_be_made(decision: Decision) -> None:
    assert decision.checked() is decision


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (Decision(Resolution.CONFIRMED, "x" * (MAX_NOTE_LENGTH + 1)), "characters at most"),
        (Decision(Resolution.DISMISSED), "why there is nothing to do"),
        (Decision(Resolution.CORRECTED), "Choose the document"),
        (Decision(Resolution.CONFIRMED, "", [DOCUMENT]), "Only a correction"),
        (Decision(Resolution.DOCUMENT_UPDATED, "", (), "Thirty"), "Only a correction"),
    ],
)
def test_a_decision_that_cannot(decision: Decision, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        decision.checked()
