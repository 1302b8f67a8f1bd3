"""A gap keeps its id as long as something is left of it, and what somebody has worked on keeps its questions."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.gap_matching import Plan, plan

A, B, C = (UUID(int=1000 + number) for number in range(3))


def q(*numbers: int) -> frozenset[UUID]:
    return frozenset(UUID(int=number) for number in numbers)


def members(**gaps: frozenset[UUID]) -> dict[UUID, UUID]:
    ids = {"a": A, "b": B, "c": C}
    return {question: ids[name] for name, questions in gaps.items() for question in questions}


def test_what_was_there_keeps_its_gap_and_what_is_new_gets_one() -> None:
    made = plan([q(1, 2, 3), q(4)], members(a=q(1, 2)), frozenset())
    assert made == Plan(members(a=q(1, 2, 3)), (q(4),))


def test_a_gap_that_falls_apart_is_the_larger_part() -> None:
    made = plan([q(1), q(2, 3)], members(a=q(1, 2, 3)), frozenset())
    assert made == Plan(members(a=q(2, 3)), (q(1),))


def test_of_two_that_become_one_the_larger_stays() -> None:
    made = plan([q(1, 2, 3)], members(a=q(1), b=q(2, 3)), frozenset())
    assert made == Plan(members(b=q(1, 2, 3)), ())


def test_a_cluster_that_lost_its_first_choice_takes_the_second() -> None:
    made = plan([q(1, 2, 3), q(4, 5, 6)], members(a=q(1, 2, 4, 5, 6), b=q(3)), frozenset())
    assert made == Plan(members(a=q(4, 5, 6), b=q(1, 2, 3)), ())


def test_what_somebody_worked_on_keeps_its_questions_and_takes_in_what_comes() -> None:
    made = plan([q(1, 2, 3, 4), q(5)], members(a=q(1, 5), b=q(2, 3)), frozenset({A}))
    assert made == Plan(members(a=q(1, 2, 3, 4, 5)), ())


def test_two_that_somebody_worked_on_stay_apart() -> None:
    made = plan([q(1, 2, 3, 4)], members(a=q(1), b=q(2, 3)), frozenset({A, B}))
    assert made == Plan(members(a=q(1), b=q(2, 3, 4)), ())


QUESTIONS = [UUID(int=number) for number in range(12)]
GAPS = [A, B, C, UUID(int=1003)]
labelled = st.dictionaries(st.sampled_from(QUESTIONS), st.integers(0, 4))
known = st.dictionaries(st.sampled_from(QUESTIONS), st.sampled_from(GAPS))
some_gaps = st.frozensets(st.sampled_from(GAPS))


def clusters_of(labels: dict[UUID, int]) -> list[frozenset[UUID]]:
    return [frozenset(q for q, label in labels.items() if label == one) for one in sorted(set(labels.values()))]


@given(labelled, known, some_gaps)
def test_every_question_has_one_gap_and_nothing_is_lost(
    labels: dict[UUID, int], before: dict[UUID, UUID], settled: frozenset[UUID]
) -> None:
    made = plan(clusters_of(labels), before, settled)
    placed = [*made.members, *(question for cluster in made.new for question in cluster)]
    assert sorted(placed) == sorted(labels)
    assert all(made.members[one] == gap for one, gap in before.items() if gap in settled and one in labels)
    assert set(made.members.values()) <= set(before.values())


@given(labelled, known, some_gaps)
def test_a_second_time_changes_nothing(
    labels: dict[UUID, int], before: dict[UUID, UUID], settled: frozenset[UUID]
) -> None:
    clusters = clusters_of(labels)
    made = plan(clusters, before, settled)
    after = dict(made.members)
    for number, cluster in enumerate(made.new):
        after |= dict.fromkeys(cluster, UUID(int=2000 + number))
    again = plan(list(reversed(clusters)), after, settled)
    assert (again.members, again.new) == (after, ())


@given(labelled, known)
def test_no_gap_that_nobody_worked_on_becomes_two(labels: dict[UUID, int], before: dict[UUID, UUID]) -> None:
    clusters = clusters_of(labels)
    made = plan(clusters, before, frozenset())
    homes = [{made.members[one] for one in cluster if one in made.members} for cluster in clusters]
    taken = [gap for home in homes for gap in home]
    assert all(len(home) <= 1 for home in homes)
    assert len(taken) == len(set(taken))


@given(known, st.permutations(QUESTIONS))
def test_it_does_not_matter_what_the_clusters_are_called(before: dict[UUID, UUID], order: list[UUID]) -> None:
    clusters = [frozenset(order[:5]), frozenset(order[5:8]), frozenset(order[8:])]
    assert plan(clusters, before, frozenset()).members == plan(clusters[::-1], before, frozenset()).members
