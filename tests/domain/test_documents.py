from itertools import pairwise, product
from typing import Literal

import pytest

from kyo_pipeline.domain.documents import STEPS, VersionStatus, progress, why_not_approve

READY, FAILED = VersionStatus.READY, VersionStatus.FAILED


@pytest.mark.parametrize(
    ("status", "own", "rule", "people", "reason"),
    [
        (READY, False, "never", 2, None),
        (READY, True, "always", 9, None),
        (READY, True, "auto", 1, None),
        (READY, True, "auto", 0, None),
        (READY, True, "auto", 2, "somebody else has to approve it"),
        (READY, True, "never", 1, "somebody else has to approve it"),
        (VersionStatus.UPLOADED, False, "auto", 2, None),
        (FAILED, False, "always", 2, "could not be read"),
        (FAILED, True, "never", 2, "could not be read"),
    ],
)
def test_why_not_approve(
    status: VersionStatus, own: bool, rule: Literal["auto", "always", "never"], people: int, reason: str | None
) -> None:
    found = why_not_approve(status=status, own_upload=own, rule=rule, people_who_may=people)
    assert found is None if reason is None else reason in (found or "")


@pytest.mark.parametrize(
    ("status", "rule", "people"), list(product(VersionStatus, ["auto", "always", "never"], range(3)))
)
def test_what_others_uploaded_is_stopped_only_by_failure(
    status: VersionStatus, rule: Literal["auto", "always", "never"], people: int
) -> None:
    found = why_not_approve(status=status, own_upload=False, rule=rule, people_who_may=people)
    assert (found is not None) == (status is FAILED)


def test_the_steps_lead_from_uploaded_to_ready_without_a_gap() -> None:
    assert STEPS[0][0] is VersionStatus.UPLOADED
    assert STEPS[-1][1] is READY
    assert all(before[1] is after[0] for before, after in pairwise(STEPS))


def test_progress_grows_with_each_step_and_a_failure_is_an_end() -> None:
    shares = [progress(STEPS[0][0]), *(progress(after) for _, after in STEPS)]
    assert shares == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert progress(FAILED) == 1.0
