"""Search: who finds what, in which order, for whatever is typed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pytest

from kyo_pipeline.db import corpus, embedding_sets, search
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.retrieval import Passage
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, library, reviewing
from tests.embedding_sets import first_set

Sql = Callable[..., list[Any]]
Publish = Callable[[str, str], None]

HANDBOOK = {
    "leave.txt": "Everybody has thirty days of leave. Leave is paid. Unused leave ends in March.",
    "sick.txt": "Whoever is sick calls before nine. Sick leave needs a note from the third day.",
    "travel.txt": "Trains are booked in second class. Flights need approval of the manager.",
    "parking.txt": "The garage is under the office. Parking is free; bicycles have a room of their own.",
    "hours.txt": "The office is open from seven to seven. " * 12,
    "expenses.txt": "Expenses are paid within thirty days. Keep the receipts of trains and flights.",
}


@pytest.fixture
def handbook(kyo: Kyo, run_pipeline: Callable[[], None]) -> None:
    uploads = [library.upload(kyo, OPERATOR, name, content.encode()) for name, content in HANDBOOK.items()]
    run_pipeline()
    for uploaded in uploads:
        reviewing.approve(kyo, OPERATOR, uploaded.document.latest.id)


@pytest.fixture
def find(kyo: Kyo) -> Callable[..., tuple[Passage, ...]]:
    """Searches with a chosen weight of the dense leg."""

    def run(actor: Actor, question: str, dense_weight: float, limit: int = 10) -> tuple[Passage, ...]:
        with kyo.db.transaction(actor) as tx:
            active = embedding_sets.active(tx)
            assert active is not None
            weighted = replace(active, spec=replace(active.spec, dense_weight=dense_weight))
            return search.passages(tx, weighted, question, kyo.embedder.embed_query(question), limit)

    return run


def bm25(documents: dict[int, list[str]], question: set[str]) -> dict[int, float]:
    """The textbook's formula over lists of lexemes."""
    average = sum(map(len, documents.values())) / len(documents)
    having = Counter(term for terms in documents.values() for term in set(terms))
    idf = {term: log(1 + (len(documents) - having[term] + 0.5) / (having[term] + 0.5)) for term in question}
    return {
        name: sum(
            idf[term] * terms.count(term) * 2.2 / (terms.count(term) + 1.2 * (0.25 + 0.75 * len(terms) / average))
            for term in question
        )
        for name, terms in documents.items()
    }


@pytest.mark.usefixtures("handbook")
@pytest.mark.parametrize(
    "question",
    ["How many days of leave?", "sick leave note", "Is the office open on trains?", "paid parking", "zebra leave"],
)
def test_lexical_ranking_is_bm25(
    pipeline: Kyo, employee: Actor, sql: Sql, find: Callable[..., tuple[Passage, ...]], question: str
) -> None:
    rows = sql("select c.id, t.lexeme, cardinality(t.positions) as times from chunks c, unnest(c.lexical) t")
    lexemes: dict[int, list[str]] = {}
    for row in rows:
        lexemes.setdefault(row.id, []).extend([row.lexeme] * row.times)
    with pipeline.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
        assert active is not None
        corpus.weigh_all(tx, active.cutting_id, sum(map(len, lexemes.values())) / len(lexemes))
    asked = {row[0] for row in sql("select unnest(tsvector_to_array(to_tsvector('english', :q)))", q=question)}
    expected = bm25(lexemes, asked)

    found = find(employee, question, 0.0)

    assert {passage.chunk_id: passage.lexical for passage in found} == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert [passage.lexical for passage in found] == sorted((p.lexical for p in found), reverse=True)


@pytest.mark.usefixtures("handbook")
def test_dense_ranking_is_the_cosine(kyo: Kyo, employee: Actor, find: Callable[..., tuple[Passage, ...]]) -> None:
    question = "Where do I leave my car?"
    found = find(employee, question, 1.0)
    vectors = kyo.embedder.embed_passages([f"{passage.title}\n{passage.text}" for passage in found])
    cosines = vectors @ kyo.embedder.embed_query(question)
    assert [passage.similarity for passage in found] == pytest.approx(list(map(float, cosines)), abs=1e-3)
    assert [passage.similarity for passage in found] == sorted((p.similarity for p in found), reverse=True)


@pytest.mark.usefixtures("handbook")
def test_scores_are_between_nothing_and_one_and_best_first(
    employee: Actor, find: Callable[..., tuple[Passage, ...]]
) -> None:
    scores = [passage.score for passage in find(employee, "thirty days of leave", 0.4)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1.000001 for score in scores)


@pytest.mark.usefixtures("handbook")
def test_the_limit_is_kept(employee: Actor, find: Callable[..., tuple[Passage, ...]]) -> None:
    assert len(find(employee, "office", 0.5, limit=2)) == 2


# Conditions, one by one ---------------------------------------------------------------------------------------------

HIDDEN = [
    "update documents set state = 'in_review'",
    "update documents set state = 'rejected'",
    "update documents set state = 'draft'",
    "update documents set state = 'archived'",
    "update documents set current_version_id = null",
    "update collections set everyone_access = null",
]


@pytest.mark.parametrize("statement", HIDDEN)
def test_nothing_is_found_of_what_is_not_approved_current_and_permitted(
    kyo: Kyo, employee: Actor, publish: Publish, sql: Sql, statement: str
) -> None:
    publish("leave.txt", HANDBOOK["leave.txt"])
    assert asking.search(kyo, employee, "leave").passages
    sql(statement)
    assert asking.search(kyo, employee, "leave").passages == ()


def test_only_the_current_version_is_found(kyo: Kyo, employee: Actor, publish: Publish) -> None:
    publish("leave.txt", "Everybody has twenty days of leave.")
    publish("leave.txt", "Everybody has thirty days of leave.")
    assert [passage.version_number for passage in asking.search(kyo, employee, "leave").passages] == [2]


@pytest.mark.parametrize(
    ("everyone", "access", "role", "finds"),
    [
        (None, None, Role.EMPLOYEE, False),
        (None, None, Role.MANAGER, False),
        (None, None, Role.ADMIN, True),
        (None, "read", Role.EMPLOYEE, True),
        (None, "write", Role.EMPLOYEE, True),
        ("read", None, Role.EMPLOYEE, True),
    ],
)
def test_a_collection_is_for_its_members_and_admins(
    kyo: Kyo,
    person: Callable[[Role], Actor],
    collection: Callable[..., str],
    run_pipeline: Callable[[], None],
    everyone: str | None,
    access: str | None,
    role: Role,
    finds: bool,
) -> None:
    actor = person(role)
    name = collection("Board", everyone, {actor: access} if access else None)
    uploaded = library.upload(kyo, OPERATOR, "merger.txt", b"The merger is secret until May.", name)
    run_pipeline()
    reviewing.approve(kyo, OPERATOR, uploaded.document.latest.id)
    assert bool(asking.search(kyo, actor, "When is the merger?").passages) is finds


# A selective filter behind an approximate index -----------------------------------------------------------------------


@pytest.fixture
def crowd(request: pytest.FixtureRequest, pipeline: Kyo, sql: Sql) -> embedding_sets.EmbeddingSet:
    """3,000 documents of one chunk with a random vector each; everybody may read one in so many of them."""
    spec = replace(pipeline.embedder.spec, model="random", dimensions=16)
    with pipeline.db.transaction(OPERATOR) as tx:
        made = first_set(tx, spec, pipeline.now())
    sql("insert into collections (name, everyone_access, created_at) values ('Closed', null, now())")
    sql(
        """
        insert into documents (collection_id, owner_id, title, state, created_at, updated_at)
        select (select id from collections where name = case when n % :share = 0 then 'General' else 'Closed' end),
          :owner, 'Document ' || n, 'approved', now(), now()
        from generate_series(1, 3000) as n
        """,
        share=request.param,
        owner=OPERATOR.id,
    )
    sql(
        """
        insert into document_versions
          (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, review, status)
        select id, 1, 'a.txt', repeat('0', 64), 1, 'text/plain', :owner, now(), 'approved', 'ready' from documents
        """,
        owner=OPERATOR.id,
    )
    sql("update documents d set current_version_id = v.id from document_versions v where v.document_id = d.id")
    sql(
        """
        insert into chunks
          (version_id, cutting_id, ordinal, text, start_offset, end_offset, tokens, heading_path, lexical, lexeme_count)
        select id, :cutting, 0, 'text', 0, 4, 1, '{}', '', 0 from document_versions
        """,
        cutting=made.cutting_id,
    )
    sql("select setseed(0.5)")
    sql(
        f"""
        insert into chunk_embeddings_{made.id}
        select c.id, array(select random() - 0.5 + 0 * c.id from generate_series(1, 16))::vector from chunks c
        """  # noqa: S608 — the name is made from an integer
    )
    for table in ("documents", "document_versions", "chunks", f"chunk_embeddings_{made.id}"):
        sql(f"analyze {table}")
    return made


@pytest.mark.parametrize(("crowd", "by_index"), [(100, False), (1, True)], indirect=["crowd"])
def test_however_little_one_may_read_the_search_gives_all_that_was_asked_for(
    kyo: Kyo, employee: Actor, crowd: embedding_sets.EmbeddingSet, sql: Sql, by_index: bool
) -> None:
    """An index of all vectors offers mostly what one may not read: then what one may read is scanned."""
    vector = np.full(16, 0.25, dtype=np.float32)
    index = f"chunk_embeddings_{crowd.id}_nearest"
    [(before,)] = sql("select pg_stat_get_xact_numscans(cast(:name as regclass))", name=index)
    with kyo.db.transaction(employee) as tx:
        found = search.passages(tx, crowd, "nothing lexical", vector, 20)
    [(scans,)] = sql("select pg_stat_get_xact_numscans(cast(:name as regclass))", name=index)
    assert (scans > before) is by_index
    exact = sql(
        f"""
        select e.chunk_id
        from chunk_embeddings_{crowd.id} e
        join chunks c on c.id = e.chunk_id
        join document_versions v on v.id = c.version_id
        join documents d on d.id = v.document_id
        join collections k on k.id = d.collection_id
        where k.name = 'General'
        order by (e.embedding <=> cast(:vector as vector)) + 0
        limit 20
        """,  # noqa: S608 — the name is made from an integer
        vector=str(vector.tolist()),
    )
    assert len(found) == 20
    assert {passage.chunk_id for passage in found} == {row.chunk_id for row in exact}


# Whatever is typed ----------------------------------------------------------------------------------------------------

TYPED = [
    "what's 'quoted' and ''twice''",
    'a "phrase" of leave',
    "back\\slash \\' leave \\\\",
    "leave & !sick | (office <-> open):*",
    "':*'",
    "50 % of leave %s %(name)s %%",
    ":name :actor leave",
    "🙂 leave 🏖️",
    "the and of to",
    "{leave} {0} {vectors}",
    "'; drop table chunks; --",
    "leave " * 333,
    " ".join(f"word{n}" for n in range(250)),
    "x" * 2000,
    "https://example.com/leave?days=30&x=1",
    "Urlaub äöü ß 休暇 إجازة",
    "-1 1e308 NaN",
]


@pytest.mark.parametrize("question", TYPED)
def test_whatever_is_typed_is_only_ever_words(
    kyo: Kyo, employee: Actor, publish: Publish, sql: Sql, question: str
) -> None:
    publish("leave.txt", f"Everybody has leave. {question}")
    found = asking.search(kyo, employee, question)
    assert len(found.passages) >= 1
    assert all(np.isfinite([passage.score, passage.lexical, passage.similarity]).all() for passage in found.passages)
    assert sql("select count(*) > 0 from chunks") == [(True,)]


@pytest.mark.parametrize("question", ["leave", "the and of to", "🙂"])
def test_an_empty_corpus_finds_nothing(
    kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None], question: str
) -> None:
    assert asking.search(kyo, employee, question).passages == ()
    library.upload(kyo, employee, "waiting.txt", b"Not approved yet.")
    run_pipeline()
    assert asking.search(kyo, employee, question).passages == ()


def test_a_search_of_only_stop_words_still_has_the_dense_leg(kyo: Kyo, employee: Actor, publish: Publish) -> None:
    publish("leave.txt", HANDBOOK["leave.txt"])
    [passage] = asking.search(kyo, employee, "of the and").passages
    assert passage.lexical == 0


@pytest.mark.usefixtures("handbook")
def test_rare_words_weigh_more_than_frequent_ones_and_unknown_ones_most(kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        weights = search.analyse(tx, "zebra garages and leave").weights
    assert weights["zebra"] > weights["garag"] > weights["leav"] > 0


# Languages, part numbers, phrases, typing errors ----------------------------------------------------------------------

SPOKEN = {
    "leave.txt": "Everybody has thirty days of leave. Unused leave ends in March of the following year. " * 2,
    "urlaub.txt": "Alle Beschäftigten haben dreißig Urlaubstage. Nicht genommene Urlaubstage verfallen im März. " * 2,
    "conge.txt": "Les employés ont droit à trente jours de congés payés. Les congés non pris expirent en mars. " * 2,
    "ijaza.txt": "يحق لكل موظف ثلاثون يوما من الإجازات السنوية المدفوعة. تنتهي الإجازات غير المستخدمة في مارس. " * 2,
    "nianjia.txt": "每位员工每年有三十天带薪年假，未使用的假期于次年三月到期。病假需要医生证明。" * 2,
}


@pytest.fixture
def spoken(kyo: Kyo, run_pipeline: Callable[[], None]) -> None:
    uploads = [library.upload(kyo, OPERATOR, name, content.encode()) for name, content in SPOKEN.items()]
    run_pipeline()
    for uploaded in uploads:
        reviewing.approve(kyo, OPERATOR, uploaded.document.latest.id)


@pytest.mark.usefixtures("spoken")
def test_each_language_has_its_own_words_and_is_counted(kyo: Kyo, sql: Sql) -> None:
    languages = {"arabic", "english", "french", "german", "simple"}
    assert {row.language for row in sql("select distinct language from document_versions")} == languages
    assert dict(map(tuple, sql("select language, version_count from corpus_languages"))) == dict.fromkeys(languages, 1)
    with kyo.db.transaction(OPERATOR) as tx:
        assert set(search.languages(tx)) == languages


@pytest.mark.usefixtures("spoken")
@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How many days do I have?", "leave"),
        ("Wann verfällt ein Urlaubstag?", "urlaub"),  # verfallen, Urlaubstage
        ("VERFALLENE URLAUBSTAGE", "urlaub"),
        ("Quand est-ce qu'un congé expire ?", "conge"),  # congés, expirent
        ("متى تنتهي إجازة؟", "ijaza"),
        ("年假什么时候到期？", "nianjia"),
        ("病假", "nianjia"),
    ],
)
def test_words_are_found_in_the_forms_of_their_language(kyo: Kyo, employee: Actor, question: str, title: str) -> None:
    found = asking.search(kyo, employee, question).passages
    assert found[0].title == title
    assert found[0].lexical > 0


@pytest.mark.usefixtures("spoken")
def test_stop_words_of_the_question_are_no_rare_words_of_other_languages(kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        asked = search.analyse(tx, "What is the leave of the year?", "english")
    assert set(asked.weights) == {"leav", "year"}
    assert asked.corrections == {}


PARTS = {
    "one.txt": "Pump AB-1234 needs oil every month. Its seal is XR-7700-B.",
    "two.txt": "Pump AB-1243 needs oil every month. AB parts are oiled, 1234 of them. Its seal is XR-7070-B.",
    "three.txt": "Pumps need oil. AB is short for absolute, 1234 is a number. The filter is AB-9999.",
}


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How often does AB-1234 need oil?", "one"),
        ("How often does ab1234 need oil?", "one"),
        ("Which pump has the seal XR-7070-B?", "two"),
        ("AB-9999", "three"),
    ],
)
def test_part_numbers_are_found_exactly(
    publish: Publish, employee: Actor, find: Callable[..., tuple[Passage, ...]], question: str, title: str
) -> None:
    for name, content in PARTS.items():
        publish(name, content)
    found = find(employee, question, 0.0)
    assert found[0].title == title
    assert found[0].lexical > 1.2 * found[1].lexical


@pytest.mark.usefixtures("handbook")
@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_what_has_the_quoted_phrase_comes_first(
    find: Callable[..., tuple[Passage, ...]], employee: Actor, weight: float
) -> None:
    question = "Which leave, sick leave or unused leave, of trains and flights?"
    assert find(employee, question, weight)[0].title != "expenses"
    assert find(employee, f'{question} "within thirty days"', weight)[0].title == "expenses"


@pytest.mark.usefixtures("handbook")
def test_a_phrase_that_is_nowhere_takes_nothing_away(find: Callable[..., tuple[Passage, ...]], employee: Actor) -> None:
    assert find(employee, 'garage "under the sea"', 0.4)[0].title == "parking"


@pytest.mark.usefixtures("handbook")
@pytest.mark.parametrize(
    ("typed", "corrections", "title"),
    [
        ("Is the garagge free?", {"garagg": "garag"}, "parking"),
        ("bicylces", {"bicylc": "bicycl"}, "parking"),
        ("Are recipts kept?", {"recipt": "receipt"}, "expenses"),
        ("zebras", {}, None),
        ("garage", {}, "parking"),
    ],
)
def test_typing_errors_are_forgiven(
    kyo: Kyo,
    find: Callable[..., tuple[Passage, ...]],
    employee: Actor,
    typed: str,
    corrections: dict[str, str],
    title: str | None,
) -> None:
    assert asking.search(kyo, employee, typed).corrections == corrections
    found = find(employee, typed, 0.0)
    assert found[0].lexical > 0 if title else all(passage.lexical == 0 for passage in found)
    assert title in (None, found[0].title)


def test_another_part_number_is_never_meant(kyo: Kyo, employee: Actor, publish: Publish) -> None:
    for name, content in PARTS.items():
        publish(name, content)
    assert asking.search(kyo, employee, "AB-1235 and 12345").corrections == {}
