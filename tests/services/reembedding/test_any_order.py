"""A law: whatever is done in which order, everything is found and counted."""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kyo_pipeline import progress
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.embedding_sets import SetState
from kyo_pipeline.services import (
    curating,
    following,
    library,
    reembedding,
)
from kyo_pipeline.services import embedding_sets as sets
from tests.fakes import RollbackDatabase
from tests.services.reembedding.conftest import RUN, WALRUS, ZEBRA, Sql, World, with_kept
from tests.soundness import unsound

DEEDS = st.lists(
    st.tuples(
        st.sampled_from(
            ["upload", "replace", "delete", "archive", "begin", "work", "half", "finish", "activate", "back", "retain"]
        ),
        st.integers(0, 3),
    ),
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_whatever_is_done_in_which_order_everything_is_found_and_counted(
    world: World, db: RollbackDatabase, sql: Sql, deeds: list[tuple[str, int]]
) -> None:
    with db.undone():
        there = {"zebra": "zebra", "walrus": "walrus"}
        for content in (ZEBRA, WALRUS):  # an example before this one may have deleted the file
            world.kyo.files.put(content.encode())
        model = Deeds(world, there)
        for deed, number in deeds:
            model.do(deed, number)
            assert {name: world.finds(word) for name, word in there.items()} == {name: [name] for name in there}
            assert unsound(world.pipeline) == {}
        assert_counted(sql)


@dataclass
class Deeds:
    """What people and runs do. `there`: titles of what can be found, each with a word that no other has."""

    world: World
    there: dict[str, str]
    number: int = 0

    def do(self, deed: str, number: int) -> None:
        getattr(self, deed)(number)

    def upload(self, _number: int) -> None:
        self.number += 1
        self.there[f"file {self.number}"] = f"word{self.number}x"
        self.world.publish(f"file {self.number}.txt", f"Here stands word{self.number}x alone.")

    def replace(self, number: int) -> None:
        if self.there:
            self.number += 1
            name = sorted(self.there)[number % len(self.there)]
            self.there[name] = f"word{self.number}x"
            self.world.publish(f"{name}.txt", f"Now word{self.number}x stands here.")

    def delete(self, number: int) -> None:
        if (document := self._one(number)) is not None:
            curating.delete(self.world.kyo, OPERATOR, document.id)

    def archive(self, number: int) -> None:
        if (document := self._one(number)) is not None:
            curating.archive(self.world.kyo, OPERATOR, document.id)

    def begin(self, _number: int) -> None:
        following.follow_settings(self.world.pipeline)

    def work(self, _number: int) -> None:
        self.world.work()

    def half(self, _number: int) -> None:
        reembedding.work(self.world.pipeline, RUN, lambda _: False)

    def finish(self, _number: int) -> None:
        for one in progress.complete(self.world.pipeline):
            reembedding.finish(self.world.pipeline, one.id, None, None)

    def activate(self, _number: int) -> None:
        for one, facts in progress.known(self.world.pipeline).items():
            if facts.state is SetState.READY and not facts.waiting:
                sets.activate(self.world.pipeline, OPERATOR, one, "it is a test")

    def back(self, _number: int) -> None:
        known = progress.known(self.world.pipeline).values()
        if any(one.state is SetState.RETIRED and one.is_kept and not one.waiting for one in known):
            sets.roll_back(self.world.pipeline, OPERATOR)

    def retain(self, number: int) -> None:
        now = self.world.pipeline.now() + timedelta(minutes=11)
        reembedding.retain(replace(with_kept(self.world, number), now=lambda: now))
        reembedding.delete_unsearched_chunks(self.world.pipeline)

    def _one(self, number: int) -> Document | None:
        if not self.there:
            return None
        title = sorted(self.there)[number % len(self.there)]
        del self.there[title]
        return next(one for one in library.list_documents(self.world.kyo, OPERATOR).documents if one.title == title)


def assert_counted(sql: Sql) -> None:
    """The statistics of each cutting that is counted are those of what answers."""
    for cutting, counted, lexemes in sql("select id, chunk_count, lexeme_count from cuttings where is_counted"):
        there = "documents d join chunks c on c.version_id = d.current_version_id where d.state = 'approved'"
        assert sql(
            f"select count(*), coalesce(sum(c.lexeme_count), 0) from {there} and c.cutting_id = :id",  # noqa: S608 — as above
            id=cutting,
        ) == [(counted, lexemes)]
        found = sql(
            "select l.lexeme, n.chunk_count from lexeme_counts n join lexemes l on l.id = n.lexeme_id "
            "where n.cutting_id = :id and n.chunk_count <> 0 order by 1",
            id=cutting,
        )
        expected = sql(
            "select t.lexeme, count(*) from (select c.* from "  # noqa: S608 — as above
            f"{there} and c.cutting_id = :id) c, unnest(c.lexical) t group by t.lexeme order by 1",
            id=cutting,
        )
        assert found == expected
