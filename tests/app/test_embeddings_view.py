"""Embedding sets, as administrators look after them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app import runtime
from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import embedding_sets, following, people
from tests import embedding_sets as made
from tests.app.pages import ODD, Visit, button, buttons, click, field, titles, words

LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."
SCORES = {"ndcg_at_10": 0.7, "recall_at_10": 0.8, "refused_wrongly": 0.1, "answered_wrongly": None}
TIMES = {"p50_ms": 9.0, "p95_ms": 1500.0}
JUDGEMENT = {
    "questions": 24,
    "unanswerable": 0,
    "left_out": 5,
    "sources": {"KYO_EVAL_DIR": 20, "liked": 4, ODD: 1},
    "active": SCORES | TIMES,
    "candidate": SCORES | TIMES | {"ndcg_at_10": 0.5, "refused_wrongly": 0.05, "p50_ms": 4.0},
    "overlap": 0.78,
    "margin": 0.02,
    "verdict": "worse",
    "reasons": [f"nDCG@10 fell from 0.70 to 0.50. {ODD}"],
}


@pytest.fixture
def small(pipeline: Kyo) -> Kyo:
    """The pipeline's Kyo with settings that ask for smaller chunks."""
    return replace(pipeline, settings=pipeline.settings.model_copy(update={"CHUNK_SIZE": 64, "CHUNK_OVERLAP": 8}))


@pytest.fixture
def indexed(publish: Callable[[str, str], None]) -> None:
    publish("leave.txt", LEAVE)


def sets(kyo: Kyo) -> dict[int, SetFacts]:
    return {one.id: one for one in embedding_sets.overview(kyo, OPERATOR).sets}


def active(kyo: Kyo) -> int:
    return next(one.id for one in sets(kyo).values() if one.state is SetState.ACTIVE)


def rows(page: AppTest, which: int = -1) -> list[dict[str, str]]:
    """Of a table on the page; the last one is the history."""
    found: list[dict[str, str]] = page.table[which].value.to_dict("records")
    return found


# Looking --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER])
@pytest.mark.usefixtures("indexed")
def test_others_do_not_see_it(visit: Visit, person: Callable[[Role], Actor], role: Role) -> None:
    page = visit("embeddings", person(role))
    assert titles(page) == ["Not for your role"]
    assert "wordllama" not in words(page)
    assert buttons(page) == ["Sign out"]


def test_before_anything_is_indexed_it_says_so(visit: Visit, admin: Actor) -> None:
    page = visit("embeddings", admin)
    assert "Nothing is indexed yet" in words(page)
    assert buttons(page) == ["Sign out"]


@pytest.mark.usefixtures("indexed")
def test_it_says_what_answers(visit: Visit, kyo: Kyo, admin: Actor) -> None:
    page = visit("embeddings", admin)
    said = words(page)
    [one] = sets(kyo).values()
    assert f"#### Set {one.id}: {inert_line(one.spec.model)}" in said
    assert ":green-badge[Answers questions] :small[:gray[since today" in said
    assert "1 file · 1 passage" in said
    assert "256 dimensions, four bytes a number · passages of 500 tokens, 50 shared" in said
    assert rows(page)[0]["State"] == "Answers questions"
    assert "Go back" not in said
    assert not page.exception


@pytest.mark.usefixtures("indexed")
def test_it_follows_a_set_that_is_built(
    visit: Visit, with_settings: Callable[..., Kyo], small: Kyo, admin: Actor
) -> None:
    begun = following.begin_anew(small, f"Because {ODD}")
    page = visit("embeddings", admin)
    with runtime.using(with_settings(KYO_EMBEDDING_TOKEN_PRICE=1_000_000.0), runtime.cookies()):
        page.run()
        said = words(page)
        assert page.session_state["live-embeddings"], "it draws itself again every few seconds"
        assert f"by {OPERATOR.name}: {inert_line(f'Because {ODD}')}" in said
        assert "passages of 64 tokens, 8 shared" in said
        assert "0 passages, about 1 to go · 0 tokens · cost 0.00" in said
        made.finish(small)
        page.run()
        said = words(page)
    facts = sets(small)[begun.id]
    assert f"1 of 1 file · {facts.chunks} passage" in said
    assert f"cost {facts.tokens:,}.00" in said
    assert "It is compared next with what answers now" in said


@pytest.mark.usefixtures("indexed")
def test_a_set_that_does_not_go_on_says_why_and_names_the_files(
    visit: Visit, small: Kyo, admin: Actor, sql: Callable[..., list[Any]]
) -> None:
    made.build(small, Verdict.NOT_WORSE)
    sql("update embedding_sets set problem = :text where state = 'ready'", text=f"The model {ODD} is away.")
    sql("update embedding_work set state = 'failed', error = :text", text=f"Too long: {ODD}")
    sql("update document_versions set file_name = :name", name=f"{ODD}.txt")
    page = visit("embeddings", admin)
    said = words(page)
    assert "It does not go on: " in said
    assert inert(f"The model {ODD} is away.") in said
    assert f"**{inert_line(f'{ODD}.txt')}**  \n{inert_line(f'Too long: {ODD}')}" in said
    assert "1 file could not be embedded for set" in said
    assert "Let it answer" not in buttons(page)
    assert "<b>x" not in said


@pytest.mark.usefixtures("indexed")
def test_a_judgement_is_shown_side_by_side(visit: Visit, small: Kyo, admin: Actor) -> None:
    made.build(small, Verdict.WORSE, JUDGEMENT)
    page = visit("embeddings", admin)
    assert not page.exception
    assert rows(page, 0) == [
        {"Measure": "Best ones first (nDCG@10)", "Now": "0.700", "New": "0.500", "Change": ":red[0.200 worse]"},
        {"Measure": "Among the first ten (recall@10)", "Now": "0.800", "New": "0.800", "Change": "the same"},
        {"Measure": "Refused, although answerable", "Now": "0.100", "New": "0.050", "Change": ":green[0.050 better]"},
        {
            "Measure": "Half of all searches within",
            "Now": "9\u00a0ms",
            "New": "4\u00a0ms",
            "Change": "5\u00a0ms faster",
        },
        {"Measure": "95 of 100 searches within", "Now": "1,500\u00a0ms", "New": "1,500\u00a0ms", "Change": "the same"},
    ]
    said = words(page)
    assert f"**Worse.** {inert(f'nDCG@10 fell from 0.70 to 0.50. {ODD}')}" in said
    assert "24 questions with a known answer (" in said
    assert "20 from KYO_EVAL_DIR" in said
    assert "4 whose answers people found helpful" in said
    assert f"1 {inert(ODD)}" in said
    assert "5 left out, since their documents are not here" in said
    assert "Of the ten best documents, 7.8 are the same on average. A measure may be 0.02 worse." in said


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    "judgement",
    [
        {},
        {"questions": None, "sources": None, "active": None, "candidate": None, "overlap": None, "reasons": None},
        {"active": {}, "candidate": {"ndcg_at_10": None}, "reasons": []},
        {"active": "?", "candidate": [1], "margin": "none", "overlap": True},
    ],
)
def test_whatever_is_unknown_of_a_judgement_is_left_out(
    visit: Visit, small: Kyo, admin: Actor, judgement: dict[str, object]
) -> None:
    made.build(small, Verdict.UNJUDGED, judgement)
    page = visit("embeddings", admin)
    assert not page.exception
    assert "**Not judged:** Set KYO_EVAL_DIR to a folder of labelled questions, or let people rate answers" in words(
        page
    )
    assert len(page.table) == 1  # the history


# Deeds ----------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("indexed")
def test_a_new_set_is_asked_for_once(visit: Visit, kyo: Kyo, admin: Actor, audited: Callable[[], list[str]]) -> None:
    page = click(visit("embeddings", admin), "Build a new set")
    assert embedding_sets.overview(kyo, admin).is_requested
    assert audited()[-1] == "embedding_set:request"
    assert "A new set has been asked for" in words(page)
    assert button(page, "Build a new set").disabled
    assert "One has been asked for already." in words(page)
    assert page.session_state["live-embeddings"]


@pytest.mark.usefixtures("indexed")
def test_another_admin_has_asked_meanwhile(
    visit: Visit, kyo: Kyo, admin: Actor, person: Callable[[Role], Actor]
) -> None:
    page = visit("embeddings", admin)
    embedding_sets.request(kyo, person(Role.ADMIN))
    page = click(page, "Build a new set")
    assert not page.exception
    assert "asked for already" in words(page)


@pytest.mark.usefixtures("indexed")
def test_none_is_built_while_one_is_under_way(visit: Visit, small: Kyo, admin: Actor) -> None:
    made.build(small)
    page = visit("embeddings", admin)
    assert button(page, "Build a new set").disabled
    assert "One is under way. Let it answer, or give it up" in words(page)


@pytest.mark.usefixtures("indexed")
def test_one_that_is_not_worse_answers_after_one_click_and_there_is_a_way_back(
    visit: Visit, kyo: Kyo, small: Kyo, admin: Actor
) -> None:
    first, second = active(kyo), made.build(small, Verdict.NOT_WORSE, JUDGEMENT)
    page = click(visit("embeddings", admin), "Let it answer")
    assert active(kyo) == second
    assert ":gray-badge[Retired] :green-badge[Kept up to date]" in words(page)
    assert len(page.table) == 1  # how it was judged is folded in
    page.session_state[f"judgement-{second}"] = True
    assert list(rows(page.run(), 0)[0]) == ["Measure", "Before", "This set", "Change"]
    click(page, f"Let set {first} answer again")
    assert active(kyo) == first
    click(page, f"Let set {second} answer again")
    assert active(kyo) == second
    assert not page.error


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (Verdict.WORSE, "It was found worse than what answers now."),
        (Verdict.UNJUDGED, "It could not be judged."),
        (None, "Nobody has judged it yet."),
    ],
)
def test_any_other_one_needs_a_reason(
    visit: Visit,
    kyo: Kyo,
    small: Kyo,
    admin: Actor,
    verdict: Verdict | None,
    says: str,
    sql: Callable[..., list[Any]],
) -> None:
    first, second = active(kyo), made.build(small, verdict)
    page = visit("embeddings", admin)
    assert says in words(page)
    click(page, "Let it answer all the same")
    assert inert("Say why, so that others can understand it later.") in words(page)
    assert active(kyo) == first
    field(page, "Reason").set_value(f" It reads German. {ODD}\x00")
    click(page, "Let it answer all the same")
    assert active(kyo) == second
    [(reason,)] = sql("select details ->> 'reason' from audit_log where event = 'embedding_set:activate'")
    assert reason == f"It reads German. {ODD}"


@pytest.mark.usefixtures("indexed")
def test_a_set_is_given_up_and_dropped(visit: Visit, kyo: Kyo, small: Kyo, admin: Actor) -> None:
    second = made.build(small)
    page = click(visit("embeddings", admin), "Give this set up")
    assert sets(kyo)[second].state is SetState.RETIRED
    assert "given up today" in words(page)
    assert "This cannot be undone" in words(page)
    assert "No longer keep it up to date" not in buttons(page)
    click(page, "Drop this set for ever")
    assert sets(kyo)[second].state is SetState.DROPPED
    assert [row["State"] for row in rows(page)] == ["Dropped", "Answers questions"]
    assert "Drop this set for ever" not in buttons(page)


@pytest.mark.usefixtures("indexed")
def test_what_was_replaced_is_no_longer_kept_up_to_date(visit: Visit, kyo: Kyo, small: Kyo, admin: Actor) -> None:
    first, second = active(kyo), made.build(small, Verdict.NOT_WORSE)
    embedding_sets.activate(kyo, admin, second)
    page = click(visit("embeddings", admin), "No longer keep it up to date")
    assert not sets(kyo)[first].is_kept
    assert "It is not kept up to date, so this works only if it has every file." in words(page)


@pytest.mark.usefixtures("indexed")
def test_a_file_that_came_meanwhile_is_said_in_a_sentence(
    visit: Visit, kyo: Kyo, small: Kyo, admin: Actor, publish: Callable[[str, str], None]
) -> None:
    first = active(kyo)
    made.build(small, Verdict.NOT_WORSE)
    publish("late.txt", "Bicycles are parked in the cellar.")
    page = click(visit("embeddings", admin), "Let it answer")
    assert "1 file is still to be embedded" in words(page)
    assert active(kyo) == first


@pytest.mark.usefixtures("indexed")
def test_names_are_never_markup(
    visit: Visit, kyo: Kyo, small: Kyo, admin: Actor, sql: Callable[..., list[Any]]
) -> None:
    second = made.build(small, Verdict.NOT_WORSE)
    embedding_sets.activate(kyo, admin, second)
    sql("update embedding_sets set model = :odd, backend = :odd, reason = :odd, created_by = :id", odd=ODD, id=admin.id)
    sql("update users set name = :odd where id = :id", odd=ODD, id=admin.id)
    page = visit("embeddings", admin)
    cells = [cell for row in rows(page) for cell in row.values()]
    for text in (words(page), *cells, *(found.label for found in page.button)):
        assert "<b>" not in text
        assert "](http" not in text
    assert cells.count(inert_line(ODD)) == 6


@pytest.mark.usefixtures("indexed")
def test_history_has_pages(visit: Visit, admin: Actor, small: Kyo, kyo: Kyo) -> None:
    for _ in range(10):
        embedding_sets.drop(kyo, admin, following.begin_anew(small, "").id)
    page = visit("embeddings", admin)
    assert len(rows(page)) == 10
    page.pagination[0].set_value(2).run()
    assert [row["State"] for row in rows(page)] == ["Answers questions"]


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    "label",
    ["Build a new set", "Let it answer", "Give this set up", "Drop this set for ever", "Let set {} answer again"],
)
def test_a_page_whose_admin_is_one_no_more_changes_nothing(
    visit: Visit, kyo: Kyo, small: Kyo, person: Callable[[Role], Actor], label: str
) -> None:
    first, second = person(Role.ADMIN), person(Role.ADMIN)
    one = active(kyo)
    if label != "Build a new set":
        other = made.build(small, Verdict.NOT_WORSE)
        if label in ("Drop this set for ever", "Let set {} answer again"):
            embedding_sets.activate(kyo, second, other)
    page = visit("embeddings", first)
    before = [(found.id, found.state, found.is_kept) for found in sets(kyo).values()]
    people.change_role(kyo, second, first.id, Role.EMPLOYEE)
    button(page, label.format(one)).click().run()
    assert titles(page) == ["Not for your role"]
    assert [(found.id, found.state, found.is_kept) for found in sets(kyo).values()] == before
    assert not embedding_sets.overview(kyo, OPERATOR).is_requested
