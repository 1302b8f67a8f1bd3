"""Random people, groups, collections, documents and answers, and who may read what of them, written down in Python."""

from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4, uuid5

from hypothesis import strategies as st

from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.embedding import EmbeddingSpec

RANK = {None: 0, "read": 1, "write": 2, "approve": 3}

CAP = {Role.EMPLOYEE: 2, Role.MANAGER: 3, Role.ADMIN: 3}

SPEC = EmbeddingSpec("test", "model", "1", 2, "mean", "", "", 128, 0.0, 0.5)


def item_id(answer: UUID, document: UUID) -> UUID:
    return uuid5(answer, str(document))


@dataclass(frozen=True)
class Person:
    role: Role
    active: bool
    id: UUID = field(default_factory=uuid4)

    @property
    def actor(self) -> Actor:
        return Actor(self.id, str(self.id), str(self.id), self.role)


@dataclass(frozen=True)
class Group:
    members: frozenset[int]
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Collection:
    everyone: str | None
    members: dict[int, str]
    groups: dict[int, str]
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Version:
    uploader: int
    review: str
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Document:
    collection: int
    owner: int
    state: str
    restricted: bool
    readers: frozenset[int]
    reader_groups: frozenset[int]
    versions: tuple[Version, ...]
    current: int | None
    overdue: bool = False
    homeless: bool = False
    id: UUID = field(default_factory=uuid4)

    @property
    def has_no_collection(self) -> bool:
        """It was deleted, and its collection after it."""
        return self.homeless and self.state == "deleted"

    @property
    def current_version(self) -> Version | None:
        return None if self.current is None else self.versions[self.current % len(self.versions)]


@dataclass(frozen=True)
class Answer:
    asker: int
    cited: frozenset[int]  # of all versions
    shared: bool = False
    id: UUID = field(default_factory=uuid4)
    question: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class World:
    people: tuple[Person, ...]
    groups: tuple[Group, ...]
    collections: tuple[Collection, ...]
    documents: tuple[Document, ...]
    answers: tuple[Answer, ...]

    @property
    def versions(self) -> list[tuple[Document, Version]]:
        return [(document, version) for document in self.documents for version in document.versions]

    # The rules, in the words of docs/security.md

    def access(self, person: int, collection: int) -> int:
        who, where = self.people[person], self.collections[collection]
        if not who.active:
            return 0
        if who.role is Role.ADMIN:
            return 3
        by_group = [access for group, access in where.groups.items() if person in self.groups[group].members]
        held = max(RANK[access] for access in (where.everyone, where.members.get(person), *by_group))
        return min(held, CAP[who.role])

    def access_to(self, person: int, document: Document) -> int:
        return 0 if document.has_no_collection else self.access(person, document.collection)

    def granted(self, person: int, document: Document) -> bool:
        groups = any(person in self.groups[group].members for group in document.reader_groups)
        return self.people[person].active and (person in document.readers or groups)

    def may_read(self, person: int, document: Document) -> bool:
        access = self.access_to(person, document)
        if access >= 3 or self.granted(person, document):
            return True
        return access >= 1 and (not document.restricted or document.owner == person)

    def sees(self, person: int, document: Document) -> bool:
        """What was never published is for its owner and for those who may approve it."""
        is_theirs = document.owner == person and self.access_to(person, document) >= 1
        known = document.current is not None and self.may_read(person, document)
        return known or is_theirs or self.access_to(person, document) >= 3

    def sees_version(self, person: int, document: Document, version: Version) -> bool:
        return self.sees(person, document) and (
            version.review == "approved"
            or person in (version.uploader, document.owner)
            or self.access_to(person, document) >= 3
        )

    def is_told(self, person: int, document: Document) -> bool:
        """Of an overdue review: its owner, and those who may decide."""
        decides = self.access_to(person, document) >= 3
        return document.overdue and self.sees(person, document) and (decides or document.owner == person)

    def sees_answer(self, person: int, answer: Answer) -> bool:
        return answer.asker == person and all(self.may_read(person, self.versions[n][0]) for n in self.cited(answer))

    def sees_shared(self, person: int, answer: Answer) -> bool:
        """Where they may read what it cites: what answers questions now, unless they may see more of the document."""
        cited = [self.versions[n] for n in self.cited(answer)]
        return (
            answer.shared
            and bool(cited)
            and all(
                document.state != "deleted"
                and self.may_read(person, document)
                and (
                    self.access_to(person, document) >= 3
                    or (
                        document.current is not None
                        and (
                            # All versions have the same bytes in these worlds.
                            (document.state == "approved" and version.review == "approved")
                            or person in (version.uploader, document.owner)
                        )
                    )
                )
                for document, version in cited
            )
        )

    def looks_after(self, person: int, answer: Answer) -> bool:
        """A verified copy of it: who may approve all that it cites."""
        who = self.people[person]
        if not who.active or who.role is Role.EMPLOYEE:
            return False
        cited = [self.versions[n][0] for n in self.cited(answer)]
        return who.role is Role.ADMIN or (bool(cited) and all(self.access_to(person, one) >= 3 for one in cited))

    def is_given(self, person: int, answer: Answer) -> bool:
        """A verified copy of it: who may read all that it cites, while that answers questions."""
        cited = [self.versions[n] for n in self.cited(answer)]
        return bool(cited) and all(
            document.state == "approved"
            and document.current_version is not None
            and document.current_version.review == version.review == "approved"
            and self.may_read(person, document)
            for document, version in cited
        )

    def sees_question_of_gap(self, person: int, answer: Answer) -> bool:
        """Admins; and managers who may approve one of the documents that it is about, and read all of them."""
        who, about = self.people[person], [self.versions[n][0] for n in self.cited(answer)]
        if not who.active or who.role is Role.ADMIN:
            return who.active
        return (
            who.role is Role.MANAGER
            and any(self.access_to(person, document) >= 3 for document in about)
            and all(self.may_read(person, document) for document in about)
        )

    def looks_into(self, person: int, document: Document, answer: Answer) -> bool:
        """What is said of an answer beside a document: its owner and approvers, if they may read all it cites."""
        cited = [self.versions[n] for n in self.cited(answer)]
        return (
            document.state != "deleted"
            and self.sees(person, document)
            and self.may_read(person, document)
            and (document.owner == person or self.access_to(person, document) >= 3)
            and all(self._stands_open(person, *one) for one in cited)
        )

    def _stands_open(self, person: int, document: Document, version: Version) -> bool:
        published = (document.state == "approved" and version.review == "approved") or person == version.uploader
        return (
            document.state != "deleted"
            and self.may_read(person, document)
            and (
                self.access_to(person, document) >= 3
                or document.owner == person
                or (document.current is not None and published)
            )
        )

    def items_of(self, person: int) -> set[UUID]:
        return {
            item_id(answer.id, document.id)
            for answer in self.answers
            for document in self.answered_by(answer)
            if self.looks_into(person, document, answer)
        }

    def answered_by(self, answer: Answer) -> list[Document]:
        """What it cites and what is still there, each once."""
        found = {document.id: document for document, _ in (self.versions[n] for n in self.cited(answer))}
        return [document for document in found.values() if document.state != "deleted"]

    def manages_case(self, person: int, answer: Answer) -> bool:
        """Of the evaluation set: whoever may approve one of its documents, and read all of them."""
        documents = self.answered_by(answer)
        return any(self.access_to(person, document) >= 3 for document in documents) and all(
            self.may_read(person, document) for document in documents
        )

    def cited(self, answer: Answer) -> list[int]:
        return sorted({number % len(self.versions) for number in answer.cited}) if self.versions else []


ACCESS = st.sampled_from(["read", "write", "approve"])

PEOPLE, GROUPS, COLLECTIONS = 4, 2, 3

SOMEBODY, SOME_GROUP = st.integers(0, PEOPLE - 1), st.integers(0, GROUPS - 1)

worlds = st.builds(
    World,
    people=st.tuples(
        st.builds(Person, st.just(Role.EMPLOYEE), st.booleans()),
        st.builds(Person, st.just(Role.EMPLOYEE), st.just(True)),
        st.builds(Person, st.just(Role.MANAGER), st.just(True)),
        st.builds(Person, st.sampled_from(list(Role)), st.booleans()),
    ),
    groups=st.tuples(*[st.builds(Group, st.frozensets(SOMEBODY))] * GROUPS),
    collections=st.tuples(
        *[
            st.builds(
                Collection,
                st.none() | ACCESS,
                st.dictionaries(SOMEBODY, ACCESS, max_size=2),
                st.dictionaries(SOME_GROUP, ACCESS, max_size=1),
            )
        ]
        * COLLECTIONS
    ),
    documents=st.lists(
        st.builds(
            Document,
            collection=st.integers(0, COLLECTIONS - 1),
            owner=SOMEBODY,
            state=st.sampled_from(
                ["approved", "approved", "approved", "in_review", "archived", "rejected", "draft", "deleted", "deleted"]
            ),
            restricted=st.booleans(),
            readers=st.frozensets(SOMEBODY, max_size=2),
            reader_groups=st.frozensets(SOME_GROUP, max_size=1),
            versions=st.lists(
                st.builds(Version, SOMEBODY, st.sampled_from(["approved", "pending", "rejected", "draft"])),
                min_size=1,
                max_size=2,
            ).map(tuple),
            current=st.none() | st.integers(0, 1),
            overdue=st.booleans(),
            homeless=st.booleans(),
        ),
        max_size=5,
    ).map(tuple),
    answers=st.lists(
        st.builds(Answer, SOMEBODY, st.frozensets(st.integers(0, 9), max_size=3), st.booleans()), max_size=4
    ).map(tuple),
)

#: Chance seldom makes what matters here: somebody deactivated whom nothing but a group would let in.
DEACTIVATED_IN_A_GROUP = World(
    people=(
        Person(Role.EMPLOYEE, False),
        Person(Role.EMPLOYEE, True),
        Person(Role.MANAGER, True),
        Person(Role.MANAGER, False),
    ),
    groups=(Group(frozenset({0, 1, 3})), Group(frozenset())),
    collections=(Collection(None, {}, {0: "read"}), Collection(None, {}, {}), Collection(None, {}, {})),
    documents=(
        Document(0, 2, "approved", False, frozenset(), frozenset(), (Version(2, "approved"),), 0),
        Document(1, 2, "approved", True, frozenset(), frozenset({0}), (Version(2, "approved"),), 0),
    ),
    answers=(Answer(0, frozenset({1})), Answer(1, frozenset({1}))),
)

#: An owner who was given the document itself to read and nothing else, when no version of it is published.
OWNER_WITH_A_GRANT = replace(
    DEACTIVATED_IN_A_GROUP,
    documents=(Document(0, 2, "approved", False, frozenset({2}), frozenset(), (Version(0, "approved"),), None),),
    answers=(Answer(0, frozenset({0})),),
)
