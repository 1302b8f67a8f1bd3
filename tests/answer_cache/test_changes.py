"""Each change makes the next answer a new one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from kyo_pipeline.db import corpus, embedding_sets
from kyo_pipeline.domain.actor import OPERATOR, Role
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.services import (
    accounts,
    collections,
    curating,
    expiring,
    reviewing,
    sharing,
)
from tests.answer_cache.conftest import World, _change, _second_version, _setting
from tests.embedding_sets import first_set


def _roll_back(world: World) -> None:
    _second_version(world)
    assert "forty" in world.ask().text
    reviewing.roll_back(world.kyo, world.admin, world.document.latest.id)


def _restore(world: World) -> None:
    curating.archive(world.kyo, world.admin, world.document.id)
    assert world.ask().outcome is Outcome.NOT_FOUND
    curating.restore(world.kyo, world.admin, world.document.id)


def _unrestrict(world: World) -> None:
    sharing.restrict(world.kyo, world.admin, world.document.id)
    assert world.ask().outcome is Outcome.NOT_FOUND
    sharing.unrestrict(world.kyo, world.admin, world.document.id)


def _expire(world: World) -> None:
    _change(world, review_by=world.clock().date() + timedelta(days=1))
    assert world.ask().citations[0].is_stale is False
    world.clock.advance(days=3)
    world.ask()
    assert expiring.expire(world.pipeline) == 1


def _confirm(world: World) -> None:
    _expire(world)
    assert world.ask().citations[0].is_stale is True
    reviewing.confirm(world.kyo, world.admin, world.document.id)


def _weigh(world: World) -> None:
    with world.pipeline.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
        assert active is not None
        corpus.lock(tx)
        corpus.weigh_all(tx, active.cutting_id, 7.0)


def _move(world: World) -> None:
    collections.create(world.kyo, world.admin, "Archive")
    curating.move(world.kyo, world.admin, world.document.id, "Archive")


def _rename_collection(world: World) -> None:
    collections.change(world.kyo, world.admin, world.place, "Manual", "", review_months=None, downloadable=True)


def _give_to_manager(world: World) -> None:
    _change(world, owner=world.person(Role.MANAGER).id)


def _rename_owner(world: World) -> None:
    owner = world.person(Role.MANAGER)
    _change(world, owner=owner.id)
    world.ask()
    accounts.change_profile(world.kyo, owner, "Somebody Else", "")


def _other_embedding_set(world: World) -> None:
    with world.pipeline.db.transaction(OPERATOR) as tx:
        first_set(tx, world.pipeline.embedder.spec, world.clock())


def _other_threshold(world: World) -> None:
    with world.pipeline.db.transaction(OPERATOR) as tx:
        found = embedding_sets.active(tx)
        assert found is not None
        first_set(tx, replace(found.spec, similarity_threshold=0.9), world.clock())


def _other_model(world: World) -> None:
    world.generator.model = "another"


def _other_generator(world: World) -> None:
    world.generator.name = "another"


CHANGES: dict[str, Callable[[World], None]] = {
    "something new is approved": lambda w: w.publish("pay.txt", "Everybody is paid on the first of the month."),
    "archived": lambda w: curating.archive(w.kyo, w.admin, w.document.id) and None,  # type: ignore[func-returns-value]  # a lambda in a table
    "restored": _restore,
    "a new version": _second_version,
    "rolled back": _roll_back,
    "deleted": lambda w: curating.delete(w.kyo, w.admin, w.document.id) and None,  # type: ignore[func-returns-value]  # the same
    "restricted": lambda w: sharing.restrict(w.kyo, w.admin, w.document.id),
    "no longer restricted": _unrestrict,
    "moved": _move,
    "another title": lambda w: _change(w, title="Absence"),
    "another owner": _give_to_manager,
    "the owner is called otherwise": _rename_owner,
    "its collection is called otherwise": _rename_collection,
    "overdue": _expire,
    "confirmed": _confirm,
    "weights": _weigh,
    "another embedding set": _other_embedding_set,
    "another threshold of the set": _other_threshold,
    "another model": _other_model,
    "another generator": _other_generator,
    "TOP_K_RESULTS": _setting(TOP_K_RESULTS=1),
    "SIMILARITY_THRESHOLD": _setting(SIMILARITY_THRESHOLD=0.1),
    "SIMILARITY_THRESHOLD, its default set": _setting(SIMILARITY_THRESHOLD=0.7),
    "MAX_TOKENS_PER_QUERY": _setting(MAX_TOKENS_PER_QUERY=600),
    "CHUNK_SIZE": _setting(CHUNK_SIZE=400),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_a_change_the_answer_is_written_anew(world: World, change: Callable[[World], None]) -> None:
    assert world.is_new()
    assert not world.is_new()
    change(world)
    assert world.is_new()
    assert not world.is_new()


def test_what_is_withdrawn_is_not_quoted_any_more(world: World) -> None:
    assert "thirty" in world.ask().text
    curating.archive(world.kyo, world.admin, world.document.id)
    assert "thirty" not in world.ask().text
