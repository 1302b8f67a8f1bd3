"""Who gets what: each way to a document, and each verb, for each kind of person, in one table.

The words of `READS` and `VERBS` are what docs/security.md promises; `tests/db/test_row_security.py` holds the same
rules against the database alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.errors import NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    curating,
    groups,
    health,
    history,
    joining,
    library,
    likenesses,
    limits,
    people,
    reviewing,
    sharing,
    sources,
)
from tests.fakes import RollbackDatabase
from tests.recipients import a_group, a_person

PEOPLE = ["outsider", "reader", "writer", "member", "manager", "other manager", "admin", "deactivated"]

#: Each document has a word of its own, so that a search for it can find nothing else.
WORDS = {
    "open": "albatross",
    "team": "barracuda",
    "restricted": "chameleon",
    "by group": "dormouse",
    "draft": "elephant",
    "rejected": "flamingo",
    "archived": "gorilla",
}
PUBLISHED = {"open", "team", "restricted", "by group"}

IN_TEAM = {"writer", "member", "manager", "admin"}
#: Who may know of a document at all, whichever way they take.
READS: dict[str, set[str]] = {
    "open": {"outsider", "reader", "writer", "member", "manager", "other manager", "admin"},
    "team": IN_TEAM,
    "restricted": {"reader", "writer", "manager", "admin"},  # the writer owns it; the reader was given it
    "by group": {"reader", *IN_TEAM},
    "draft": {"writer", "manager", "admin"},
    "rejected": {"writer", "manager", "admin"},
    "archived": IN_TEAM,
}


@dataclass
class World:
    people: dict[str, Actor]
    documents: dict[str, UUID]
    versions: dict[str, UUID]
    unsent: UUID


@pytest.fixture
def world(
    kyo: Kyo,
    person: Callable[[Role], Actor],
    collection: Callable[..., str],
    run_pipeline: Callable[[], None],
    sql: Callable[..., list[Any]],
) -> World:
    roles = {"manager": Role.MANAGER, "other manager": Role.MANAGER, "admin": Role.ADMIN}
    who = {name: person(roles.get(name, Role.EMPLOYEE)) for name in PEOPLE}
    sql("update collections set everyone_access = 'read'")
    access = {who["writer"]: "write", who["manager"]: "approve", who["deactivated"]: "write"}
    collection("Team", None, access)
    by_name = {found.name: found.id for found in collections.list_all(kyo, OPERATOR)}
    group = groups.create(kyo, OPERATOR, "Crew")
    groups.add_member(kyo, OPERATOR, group.id, who["member"].id)
    collections.grant(kyo, OPERATOR, by_name["Team"], a_group(group.id), Access.READ)

    documents, versions = {}, {}
    for name, word in WORDS.items():
        text = f"The {word} is kept in the garden of the office."
        owner, place = (OPERATOR, "General") if name == "open" else (who["writer"], "Team")
        uploaded = library.upload(kyo, owner, f"{name}.txt", text.encode(), place).document
        documents[name], versions[name] = uploaded.id, uploaded.latest.id
    run_pipeline()
    for name in [*PUBLISHED, "archived"]:
        reviewing.approve(kyo, OPERATOR, versions[name])
    reviewing.reject(kyo, OPERATOR, versions["rejected"], "No.")
    curating.archive(kyo, OPERATOR, documents["archived"])
    for name, word in WORDS.items():
        curating.add_tags(kyo, OPERATOR, documents[name], [word])
    sharing.restrict(kyo, OPERATOR, documents["restricted"])
    sharing.add_reader(kyo, OPERATOR, documents["restricted"], a_person(who["reader"].id))
    friends = groups.create(kyo, OPERATOR, "Friends")
    groups.add_member(kyo, OPERATOR, friends.id, who["reader"].id)
    sharing.add_reader(kyo, OPERATOR, documents["by group"], a_group(friends.id))
    unsent = library.upload(kyo, who["writer"], "unsent.txt", b"Unsent.", "Team", draft=True).document.latest.id
    people.deactivate(kyo, OPERATOR, who["deactivated"].id)
    return World(who, documents, versions, unsent)


# Ways to a document ---------------------------------------------------------------------------------------------------

Way = Callable[[Kyo, Actor, World, str], bool]


def search(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:  # noqa: ARG001 — all ways are called alike
    passages = asking.search(kyo, actor, f"Where is the {WORDS[name]} kept?", 50).passages
    return any(WORDS[name] in passage.text for passage in passages)


def ask(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    answer = asking.ask(kyo, actor, f"Where is the {WORDS[name]} kept?")
    cited = any(citation.version_id == world.versions[name] for citation in answer.citations)
    assert cited == (WORDS[name] in answer.text)
    return cited


def as_of_the_command_line(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    """`kyo search --as`."""
    return search(kyo, people.actor_named(kyo, actor.username), world, name)


def remember(kyo: Kyo, actor: Actor, name: str) -> bool:
    """Asked when it could be read, looked up in the history afterwards."""
    return any(WORDS[name] in found.text for found in history.list_answers(kyo, actor, text=WORDS[name]).answers)


def listed(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return world.documents[name] in {found.id for found in library.list_documents(kyo, actor, limit=100).documents}


def looked_for(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:  # noqa: ARG001 — as above
    return library.list_documents(kyo, actor, text=f"{name}.txt").total == 1


def versions(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return bool(library.list_versions(kyo, actor, [world.versions[name]]))


def read(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return library.read_document(kyo, actor, world.documents[name]).id == world.documents[name]


def passage(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return WORDS[name] in library.read_passage(kyo, actor, world.versions[name], 0, 40).quote


def preview(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return WORDS[name] in library.preview(kyo, actor, world.versions[name])


def tagged(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    assert world.documents[name]
    found = curating.list_tags(kyo, actor)
    listed = library.list_documents(kyo, actor, tag=WORDS[name]).total == 1
    assert listed == (WORDS[name] in found)
    return listed


def source(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return WORDS[name] in sources.read_source(kyo, actor, world.versions[name]).text


def download(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return WORDS[name] in sources.download(kyo, actor, world.versions[name]).path.read_text()


def compare(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return sources.compare(kyo, actor, world.versions[name], world.versions[name]).hunks == ()


def history_of(kyo: Kyo, actor: Actor, world: World, name: str) -> bool:
    return library.list_history(kyo, actor, world.documents[name])[0].id == world.versions[name]


#: A way, and the documents that it leads to for those who may read them.
WAYS: dict[Way, set[str]] = {
    search: PUBLISHED,
    ask: PUBLISHED,
    as_of_the_command_line: PUBLISHED,
    listed: set(WORDS),
    looked_for: set(WORDS),
    versions: set(WORDS),
    read: set(WORDS),
    passage: PUBLISHED,
    preview: PUBLISHED,
    tagged: set(WORDS),
    source: PUBLISHED,
    download: PUBLISHED,
    compare: PUBLISHED,
    history_of: set(WORDS),
}
#: Those that show what stands in a document.
TEXTS = {passage, preview, source, download, compare}
#: What is not current shows its text to whoever wrote it and may approve it only.
THEIRS = {"writer", "manager", "admin"}


def test_who_reads_what(
    db: RollbackDatabase, world: World, with_settings: Callable[..., Kyo], subtests: pytest.Subtests
) -> None:
    kyo = with_settings(MAX_QUERIES_PER_DAY=1000, KYO_QUERIES_PER_MINUTE=1000)
    for way in WAYS:
        with subtests.test(way.__name__), db.undone():
            for name in WORDS:
                seen = set()
                for who, actor in world.people.items():
                    try:
                        if way(kyo, actor, world, name):
                            seen.add(who)
                    except NotFound:
                        pass
                expected = READS[name] if name in WAYS[way] else set()
                if way in TEXTS and name not in PUBLISHED:
                    expected = THEIRS
                if way is as_of_the_command_line:
                    expected = expected - {"deactivated"}
                assert seen == expected, name


def test_what_is_much_alike_is_pointed_out_to_those_who_may_read_it(
    kyo: Kyo, world: World, sql: Callable[..., list[Any]]
) -> None:
    sql("update version_texts set signature = array_fill(1, array[128]), bands = array_fill(1, array[42])")
    for who, actor in world.people.items():
        found = likenesses.similar(kyo, actor, world.versions["open"], limit=100)
        expected = {name for name in WORDS if name not in ("open", "archived") and who in READS[name]}
        assert {one.document_id for one in found} == {world.documents[name] for name in expected}, who


def test_what_was_answered_is_remembered_for_as_long_as_it_may_be_read(
    kyo: Kyo, world: World, sql: Callable[..., list[Any]]
) -> None:
    for name in PUBLISHED:
        for who in READS[name]:
            ask(kyo, world.people[who], world, name)
            assert remember(kyo, world.people[who], name)
    sql("update collections set everyone_access = null")
    sql("delete from collection_members")
    sql("delete from collection_groups")
    sql("delete from document_readers")
    sql("delete from document_reader_groups")
    for name in PUBLISHED:
        assert {who for who in READS[name] if remember(kyo, world.people[who], name)} == {"admin"}


def test_who_is_told_what_is_overdue(kyo: Kyo, world: World, sql: Callable[..., list[Any]]) -> None:
    """Owners, and those who may decide: of what is approved."""
    sql("update documents set stale_since = now()")
    overdue = {"open": ADMIN, **{name: {"writer", *APPROVES} for name in PUBLISHED - {"open"}}}
    for name in WORDS:
        told = {
            who
            for who, actor in world.people.items()
            if world.documents[name] in {one.id for one in reviewing.overdue(kyo, actor).documents}
        }
        assert told == overdue.get(name, set()), name


def test_what_was_deleted_is_known_to_admins_alone(kyo: Kyo, world: World) -> None:
    curating.delete(kyo, OPERATOR, world.documents["open"])
    for who, actor in world.people.items():
        listed = library.list_documents(kyo, actor, state=DocumentState.DELETED).documents
        assert [one.id for one in listed] == ([world.documents["open"]] if who == "admin" else [])
        assert not search(kyo, actor, world, "open")
        assert not tagged(kyo, actor, world, "open")


def test_nobody_reads_what_others_asked(kyo: Kyo, world: World) -> None:
    answer = asking.ask(kyo, world.people["writer"], "Where is the albatross kept?")
    for who in set(PEOPLE) - {"writer"}:
        for identifier in (answer.id, answer.question_id):
            with pytest.raises(NotFound):
                history.read_answer(kyo, world.people[who], identifier)


# Verbs ----------------------------------------------------------------------------------------------------------------

Verb = Callable[[Kyo, Actor, World], object]

APPROVES = {"manager", "admin"}
ADMIN = {"admin"}
EVERYBODY = set(PEOPLE) - {"deactivated"}


def team(kyo: Kyo) -> UUID:
    return next(found.id for found in collections.list_all(kyo, OPERATOR) if found.name == "Team")


def crew(kyo: Kyo) -> UUID:
    return groups.named(kyo, OPERATOR, "Crew").id


def outsider(where: World) -> PersonName:
    return a_person(where.people["outsider"].id)


#: A verb, and who may; everybody else is told that it is not allowed, or that there is no such thing.
VERBS: dict[str, tuple[Verb, set[str]]] = {
    "upload": (lambda k, a, _: library.upload(k, a, "new.txt", b"New.", "Team"), {"writer", *APPROVES}),
    "upload, to read only": (lambda k, a, _: library.upload(k, a, "new.txt", b"New.", "General"), ADMIN),
    "new version": (lambda k, a, _: library.upload(k, a, "team.txt", b"New.", "Team"), {"writer", *APPROVES}),
    "new version of a document": (
        lambda k, a, w: library.upload(k, a, "any.txt", b"New.", document_id=w.documents["team"]),
        {"writer", *APPROVES},
    ),
    "new version of a restricted one": (
        lambda k, a, w: library.upload(k, a, "any.txt", b"New.", document_id=w.documents["restricted"]),
        {"writer", *APPROVES},
    ),
    "send somebody's draft for approval": (lambda k, a, w: library.send_for_review(k, a, w.unsent), {"writer"}),
    "approve": (lambda k, a, w: reviewing.approve(k, a, w.versions["draft"]), APPROVES),
    "reject": (lambda k, a, w: reviewing.reject(k, a, w.versions["draft"], "No."), APPROVES),
    "archive": (lambda k, a, w: curating.archive(k, a, w.documents["team"]), APPROVES),
    "restore": (lambda k, a, w: curating.restore(k, a, w.documents["archived"]), APPROVES),
    "confirm": (lambda k, a, w: reviewing.confirm(k, a, w.documents["team"]), APPROVES),
    "roll back": (lambda k, a, w: reviewing.roll_back(k, a, w.versions["team, before"]), APPROVES),
    "tag": (lambda k, a, w: curating.add_tags(k, a, w.documents["team"], ["new"]), APPROVES),
    "change": (
        lambda k, a, w: curating.change(
            k, a, w.documents["team"], title="New", owner=w.people["writer"].id, tags=(), review_by=None
        ),
        APPROVES,
    ),
    "list owners": (lambda k, a, w: curating.owners(k, a, w.documents["team"]), APPROVES),
    "move away": (lambda k, a, w: curating.move(k, a, w.documents["team"], "General"), ADMIN),
    "move in": (lambda k, a, w: curating.move(k, a, w.documents["open"], "Team"), ADMIN),
    "delete": (lambda k, a, w: curating.delete(k, a, w.documents["team"]), ADMIN),
    "restrict": (lambda k, a, w: sharing.restrict(k, a, w.documents["team"]), APPROVES),
    "unrestrict": (lambda k, a, w: sharing.unrestrict(k, a, w.documents["restricted"]), APPROVES),
    "give": (
        lambda k, a, w: sharing.add_reader(k, a, w.documents["team"], a_person(w.people["outsider"].id)),
        APPROVES,
    ),
    "give to a group": (lambda k, a, w: sharing.add_reader(k, a, w.documents["team"], a_group(crew(k))), APPROVES),
    "read sharing": (lambda k, a, w: sharing.read_sharing(k, a, w.documents["team"]), APPROVES),
    "list collections to manage": (lambda k, a, _: collections.list_all(k, a), ADMIN),
    "create a collection": (lambda k, a, _: collections.create(k, a, "Mine"), ADMIN),
    "open a collection": (lambda k, a, _: collections.set_everyone(k, a, team(k), Access.READ), ADMIN),
    "grant": (lambda k, a, _: collections.grant(k, a, team(k), a_person(a.id), Access.APPROVE), ADMIN),
    "create a group": (lambda k, a, _: groups.create(k, a, "Mine"), ADMIN),
    "join a group": (lambda k, a, w: groups.add_member(k, a, crew(k), w.people["outsider"].id), ADMIN),
    "list people": (lambda k, a, _: people.list_people(k, a), ADMIN),
    "add a person": (lambda k, a, _: people.add_person(k, a, "new", "New", Role.ADMIN), ADMIN),
    "invite": (lambda k, a, _: joining.invite(k, a, "new", "New", Role.ADMIN), ADMIN),
    "promote": (lambda k, a, w: people.change_role(k, a, w.people["outsider"].id, Role.ADMIN), ADMIN),
    "deactivate": (lambda k, a, w: people.deactivate(k, a, w.people["outsider"].id), ADMIN),
    "reactivate": (lambda k, a, w: people.reactivate(k, a, w.people["deactivated"].id), ADMIN),
    "reset a password": (lambda k, a, w: people.reset_password(k, a, w.people["outsider"].id), ADMIN),
    "end sessions": (lambda k, a, w: people.end_sessions(k, a, w.people["outsider"].id), ADMIN),
    "read the overview": (lambda k, a, _: health.read_overview(k, a), ADMIN),
    "read one's allowance": (lambda k, a, _: limits.read_allowance(k, a), EVERYBODY | {"deactivated"}),
}


def test_who_does_what(
    kyo: Kyo, db: RollbackDatabase, world: World, sql: Callable[..., list[Any]], subtests: pytest.Subtests
) -> None:
    # An earlier version of a published document: rows are enough to go back to it.
    sql("update document_versions set number = 2 where id = :id", id=world.versions["team"])
    [(world.versions["team, before"],)] = sql(
        """
        insert into document_versions
          (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, review, status)
        select document_id, 1, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, 'approved', 'ready'
        from document_versions
        where id = :id
        returning id
        """,
        id=world.versions["team"],
    )
    for name, (verb, allowed) in VERBS.items():
        done = set()
        for who, actor in world.people.items():
            with db.undone():
                known = sql("select count(*) from audit_log where outcome = 'done'")
                try:
                    verb(kyo, actor, world)
                except (NotAllowed, NotFound):
                    assert sql("select count(*) from audit_log where outcome = 'done'") == known, "on record as done"
                else:
                    done.add(who)
        with subtests.test(name):
            assert done == allowed
